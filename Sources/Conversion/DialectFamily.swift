import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// The dialects of one source for a family of architectures; they are made when a file looks like one of them.
struct DialectFamily: Sendable {
    /// Names of the dialects, each once.
    let names: [String]
    /// Names of the architectures that they are for.
    let architectures: [String]
    /// The source's layer names of which every network of the family has one at least.
    let landmarks: [String]
    /// Makes the dialects.
    private let make: @Sendable () -> [Dialect]
    /// Makes those for a file, where the number of layers follows it.
    private let adapted: (@Sendable (LayerNames) -> [Dialect])?

    init(
        _ names: [String], _ architectures: [String], landmarks: [String],
        adapted: (@Sendable (LayerNames) -> [Dialect])? = nil, _ make: @escaping @Sendable () -> [Dialect]
    ) {
        self.names = names
        self.architectures = architectures
        self.landmarks = landmarks
        self.adapted = adapted
        self.make = make
    }

    /// The dialects. A network whose graph can't be made has none.
    var dialects: [Dialect] { make() }

    /// The dialects for a file's layers.
    func dialects(for names: LayerNames) -> [Dialect] { adapted?(names) ?? make() }

    /// Every family, the usual sources first.
    static let all: [DialectFamily] = lenet + tinyVGG + autoencoder + vgg + resnet + efficientNet

    /// The canonical paths of a network's layers that have parameters, in order, and its classifier.
    static func layers(
        of architecture: String
    ) -> (paths: [String], classifier: [Dialect.ClassifierLayer]) {
        guard let graph = try? Architecture.named(architecture).graph(ArchitectureOptions()),
            let last = try? graph.nodes(in: "classifier")
        else { return ([], []) }
        return (
            graph.nodes.filter { !$0.parameters.isEmpty }.map(\.path),
            last.compactMap { node in
                guard case .linear(let layer) = node.layer else { return nil }
                return Dialect.ClassifierLayer(path: node.path, features: layer.inputFeatures)
            }
        )
    }

    /// One dialect for each architecture, by rules for the names.
    /// - Parameters:
    ///   - landmarks: canonical paths; every network of the family has one at least.
    ///   - rules: the first that fits a path gives its name; a path that none fits has none in the source.
    static func ruled(
        _ name: String, _ title: String, _ architectures: [String], landmarks: [String], _ rules: [NameRule]
    ) -> DialectFamily {
        DialectFamily(
            [name], architectures, landmarks: landmarks.compactMap { rules.source(for: $0)?.source }
        ) {
            architectures.map { architecture in
                let (paths, classifier) = layers(of: architecture)
                return Dialect(
                    name, title, architecture: architecture,
                    layers: paths.compactMap { rules.source(for: $0) }, classifier: classifier)
            }
        }
    }
}
