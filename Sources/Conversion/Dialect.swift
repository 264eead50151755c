public import ZooArchitectures
public import ZooLayerGraphs
public import ZooTensors

/// A framework's conventions for layouts and parameter names.
public enum Framework: String, Sendable, Hashable {
    /// PyTorch: canonical layouts, `layer.weight`.
    case pytorch
    /// Keras: channels last, `layer/kernel`.
    case keras
}

/// How one source writes one architecture: which of its layer names stands for which canonical path, and the numbers
/// that no tensor shows.
public struct Dialect: Sendable, Hashable {
    /// Name of the source, `torchvision`; unique for an architecture.
    public let name: String
    /// One line for people.
    public let title: String
    /// The architecture.
    public let architecture: String
    /// Whose conventions.
    public let framework: Framework
    /// Canonical node path and the source's layer name, in the source's order.
    public let layers: [Pair]
    /// Padding, epsilon and momentum, where the architecture's references differ in them.
    public let conventions: Conventions?
    /// What the source does to pictures, where it isn't what the architecture's usual reference does.
    public let preprocessing: Preprocessing?
    /// The classifier's linear layers: canonical path, and the features that each takes.
    let classifier: [ClassifierLayer]
    /// Positions of canonical paths, and of the source's names, in ``layers``.
    private let positions: (nodes: [String: Int], sources: [String: Int])

    /// A linear layer of the classifier.
    struct ClassifierLayer: Sendable, Hashable {
        let path: String
        let features: Int
    }

    /// A canonical path and its name in the source.
    public struct Pair: Sendable, Hashable {
        /// Canonical path of the node.
        public let node: String
        /// The source's name for it.
        public let source: String
        /// Side of the kernel, where the source has a linear layer as a convolution.
        public let kernel: Int?

        init(_ node: String, _ source: String, kernel: Int? = nil) {
            self.node = node
            self.source = source
            self.kernel = kernel
        }

        /// The source's shape of a weight and the canonical one agree in their elements' order.
        func transform(weight shape: TensorShape) -> LayoutTransform {
            guard let kernel, shape.rank == 2, shape[1] % (kernel * kernel) == 0 else { return .identity }
            return .reshape(
                from: [shape[0], shape[1] / (kernel * kernel), kernel, kernel], to: shape.dimensions)
        }

        /// The canonical shape of a source's weight, so far as it has the kernel.
        func canonicalShape(weight shape: TensorShape) -> TensorShape {
            guard let kernel, shape.rank == 4, shape[2] == kernel, shape[3] == kernel else { return shape }
            return [shape[0], shape[1].multipliedReportingOverflow(by: kernel * kernel).partialValue]
        }
    }

    init(
        _ name: String, _ title: String, architecture: String, framework: Framework = .pytorch,
        layers: [Pair], classifier: [ClassifierLayer], conventions: Conventions? = nil,
        preprocessing: Preprocessing? = nil
    ) {
        self.name = name
        self.title = title
        self.architecture = architecture
        self.framework = framework
        self.layers = layers
        self.classifier = classifier
        self.conventions = conventions
        self.preprocessing = preprocessing
        var nodes: [String: Int] = [:]
        var sources: [String: Int] = [:]
        for (position, pair) in layers.enumerated() {
            nodes[pair.node] = position
            sources[pair.source] = position
        }
        self.positions = (nodes, sources)
    }

    /// The pair of a canonical path.
    func pair(node: String) -> Pair? { positions.nodes[node].map { layers[$0] } }

    /// The pair of a source's name.
    func pair(source: String) -> Pair? { positions.sources[source].map { layers[$0] } }

    /// The source's key of a parameter, `nil` when the dialect doesn't have its layer.
    public func key(for path: ParameterPath) -> String? {
        pair(node: path.node).map { "\($0.source).\(path.role.rawValue)" }
    }

    /// The parameter that a key of the source stands for: the inverse of ``key(for:)``.
    public func path(for key: String) -> ParameterPath? {
        guard let parsed = ParameterPath(key) else { return nil }
        return pair(source: parsed.node).map { ParameterPath($0.node, parsed.role) }
    }

    /// How a parameter's tensor changes on its way from the source.
    /// - Parameter shape: the canonical shape.
    public func transform(for path: ParameterPath, shape: TensorShape) -> LayoutTransform {
        guard path.role == .weight, let pair = pair(node: path.node) else { return .identity }
        return pair.transform(weight: shape)
    }

    /// Two dialects are equal when they have the same names and numbers.
    public static func == (left: Dialect, right: Dialect) -> Bool {
        left.name == right.name && left.architecture == right.architecture && left.layers == right.layers
            && left.conventions == right.conventions
    }

    /// Hashes name and architecture.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(architecture)
    }

    /// Every dialect with names of its own. Keras' layer names are free, so its files are matched by their
    /// `model_config` or by order.
    public static var all: [Dialect] { DialectFamily.all.flatMap { $0.dialects } }

    /// The dialects of an architecture, the usual one first.
    public static func of(_ architecture: String) -> [Dialect] {
        DialectFamily.all.filter { $0.architectures.contains(architecture) }
            .flatMap { $0.dialects.filter { $0.architecture == architecture } }
    }

    /// Names of all dialects, each once, in the order of lists.
    public static let names: [String] = {
        var names: [String] = []
        for family in DialectFamily.all {
            for name in family.names where !names.contains(name) { names.append(name) }
        }
        return names + ["keras"]
    }()

    /// The error for a name that is no dialect's, with the nearest that are.
    static func unknown(_ name: String) -> ZooError {
        let near = nearest(to: name, among: names)
        return ZooError(
            .invalidArgument, "no dialect is called \"\(name)\"",
            remedy: near.isEmpty
                ? "Known are \(names.joined(separator: ", "))."
                : "Did you mean \(near.joined(separator: " or "))?")
    }
}
