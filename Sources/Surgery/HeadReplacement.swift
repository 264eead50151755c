public import ZooArchitectures
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// Gives a model a new last linear layer for other classes; everything before it stays byte for byte. A model that
/// ends with its features gets a whole classifier.
public struct HeadReplacement: Sendable, Hashable {
    /// Names of the new classes, one per row of the new head.
    public var labels: [String]
    /// How the new head's numbers are drawn; the architecture's own way when `nil`.
    public var initialization: Initialization?
    /// Seed of the drawing.
    public var seed: UInt64

    /// A replacement by a head with these classes.
    public init(labels: [String], initialization: Initialization? = nil, seed: UInt64 = 0) {
        self.labels = labels
        self.initialization = initialization
        self.seed = seed
    }

    /// A replacement by a head with so many classes, named `class 0`, `class 1`, ….
    public init(classes: Int, initialization: Initialization? = nil, seed: UInt64 = 0) {
        self.init(
            labels: (0..<max(classes, 0)).map { "class \($0)" }, initialization: initialization, seed: seed)
    }

    /// What the operation does to a model, in one sentence.
    public func description(for model: Model) -> String {
        guard model.graph.head != nil else {
            return "put a fresh head of \(labels.count) classes on the features (seed \(seed))"
        }
        let old = model.graph.classCount.map { "\($0)" } ?? "?"
        return "replaced the head \(model.graph.head ?? "") of \(old) classes by a fresh one of "
            + "\(labels.count) classes (seed \(seed))"
    }

    /// Applies the replacement.
    /// - Throws: ``ZooError`` when the model ends with something else than a head or features, or no class is named.
    public func apply(to model: Model) throws(ZooError) -> Model {
        guard !labels.isEmpty, labels.count <= 1 << 20 else {
            throw ZooError(.invalidArgument, "a head needs between one and a million classes")
        }
        guard Set(labels).count == labels.count else {
            throw ZooError(.invalidArgument, "a class name stands twice among the new classes")
        }
        guard let head = model.graph.head, case .linear(var layer)? = model.graph[head]?.layer else {
            return try added(to: model)
        }
        layer.outputFeatures = labels.count
        let graph = try model.graph.replacing(head, with: .linear(layer))
        guard let node = graph[head] else { throw graph.unknownPath(head) }
        let scheme = initialization ?? Architecture.initialization(named: model.graph.architecture)
        var parameters = model.parameters
        for (path, tensor) in try scheme.parameters(for: node, seed: seed) { parameters[path] = tensor }
        var provenance = model.provenance
        provenance.history.append(description(for: model))
        return try Model(
            graph: graph, parameters: parameters, keys: model.keys, preprocessing: model.preprocessing,
            labels: labels, provenance: provenance)
    }
}
