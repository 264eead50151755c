public import ZooLayerGraphs

/// A framework's conventions for layouts and parameter names.
public enum Framework: String, Sendable, Hashable {
    /// PyTorch: canonical layouts, `layer.weight`.
    case pytorch
    /// Keras: channels last, `layer/kernel`.
    case keras
}

/// How one source writes one architecture: which of its layer names stands for which canonical path.
public struct Dialect: Sendable, Hashable {
    /// Name of the dialect, unique.
    public let name: String
    /// One line for people.
    public let title: String
    /// The architecture.
    public let architecture: String
    /// Whose conventions.
    public let framework: Framework
    /// Canonical node path and the source's layer name, in the source's order.
    public let layers: [Pair]

    /// A canonical path and its name in the source.
    public struct Pair: Sendable, Hashable {
        /// Canonical path of the node.
        public let node: String
        /// The source's name for it.
        public let source: String
    }

    init(
        _ name: String, _ title: String, architecture: String, framework: Framework = .pytorch,
        _ layers: KeyValuePairs<String, String>
    ) {
        self.name = name
        self.title = title
        self.architecture = architecture
        self.framework = framework
        self.layers = layers.map { Pair(node: $0.key, source: $0.value) }
    }

    /// The source's key of a parameter, `nil` when the dialect doesn't have its layer.
    public func key(for path: ParameterPath) -> String? {
        layers.first { $0.node == path.node }.map { "\($0.source).\(path.role.rawValue)" }
    }

    /// The parameter that a key of the source stands for: the inverse of ``key(for:)``.
    public func path(for key: String) -> ParameterPath? {
        guard let parsed = ParameterPath(key) else { return nil }
        return layers.first { $0.source == parsed.node }.map { ParameterPath($0.node, parsed.role) }
    }

    /// Every dialect with names of its own. Keras' layer names are free, so its files are matched by their
    /// `model_config` or by order.
    public static let all: [Dialect] = lenet
}
