public import ZooArchitectures
import ZooCheckpoints
public import ZooLayerGraphs
public import ZooTensors

/// What a conversion will do, known before any tensor's bytes move: which key becomes which parameter, through
/// which change of layout, and what doesn't fit.
public struct ConversionPlan: Sendable {
    /// One parameter and where it comes from.
    public struct Entry: Sendable, Hashable {
        /// The parameter.
        public let path: ParameterPath
        /// The key in the checkpoint.
        public let key: String
        /// Shape in the checkpoint.
        public let sourceShape: TensorShape
        /// Type in the checkpoint.
        public let sourceType: ElementType
        /// Shape of the parameter.
        public let shape: TensorShape
        /// The change of layout.
        public let transform: LayoutTransform
        /// Whether place and shape say that it is this parameter, and no name does.
        public var isAssumed = false
    }

    /// A key whose tensor doesn't have the shape of its parameter.
    public struct Mismatch: Sendable, Hashable {
        /// The parameter.
        public let path: ParameterPath
        /// The key in the checkpoint.
        public let key: String
        /// The shape that the network needs.
        public let expected: TensorShape
        /// The shape that the file has, in canonical layout where that is defined.
        public let found: TensorShape
    }

    /// Where the file's names come from and how that was found out.
    public struct Origin: Sendable {
        /// The dialect that has the file's names and numbers; `nil` when they are nobody's.
        public var dialect: Dialect?
        /// What was seen in the file, one sentence each.
        public var evidence: [String] = []
        /// Layers that stand in the classifier's place, by their names in the file.
        public var foreignHead: [String] = []
        /// What their shapes tell, and how to go on.
        public var remedy = ""
        /// What the source does to pictures, where the file tells more than its dialect.
        public var preprocessing: Preprocessing?
    }

    /// The architecture that was recognised or asked for.
    public let architecture: Architecture
    /// Whose conventions the file follows.
    public let framework: Framework
    /// Which names the file uses, for people.
    public let dialect: String
    /// The network.
    public let graph: LayerGraph
    /// Parameters that the file gives.
    public let entries: [Entry]
    /// Parameters that it lacks.
    public let missing: [ParameterSpecification]
    /// Parameters that it has in another shape.
    public let mismatched: [Mismatch]
    /// Keys that the network has no use for.
    public let unused: [String]
    /// What was assumed because the file doesn't say.
    public let assumptions: [String]
    /// What the framework applies to the logits at the end, which the graph leaves out.
    public let outputActivation: String?
    /// Where the names come from.
    public let origin: Origin
    /// Keys of BatchNorm's counters of batches, by the path of their layer.
    let counters: [String: String]
    /// Where a Keras model has its channels, `channels_first`; `nil` for the usual way.
    let dataFormat: String?

    /// Matches a network's parameters with a checkpoint's tensors.
    /// - Parameters:
    ///   - sources: for each parameter, the key that it has in the file and the change of layout.
    ///   - isAssumed: whether places and shapes, and no names, say which is which.
    init(
        checkpoint: Checkpoint, architecture: Architecture, framework: Framework, dialect: String,
        graph: LayerGraph, sources: [ParameterPath: (key: String, transform: LayoutTransform)],
        assumptions: [String], outputActivation: String? = nil, dataFormat: String? = nil,
        setAside: Set<String> = [], origin: Origin = Origin(), isAssumed: Bool = false
    ) {
        var entries: [Entry] = []
        var missing: [ParameterSpecification] = []
        var mismatched: [Mismatch] = []
        var used = Set<String>()
        for specification in graph.parameters {
            guard let source = sources[specification.path], let tensor = checkpoint[source.key] else {
                missing.append(specification)
                continue
            }
            used.insert(source.key)
            let canonical = source.transform.canonicalShape(of: tensor.shape)
            guard canonical == specification.shape else {
                mismatched.append(
                    Mismatch(
                        path: specification.path, key: source.key, expected: specification.shape,
                        found: canonical ?? tensor.shape))
                continue
            }
            entries.append(
                Entry(
                    path: specification.path, key: source.key, sourceShape: tensor.shape,
                    sourceType: tensor.elementType, shape: specification.shape, transform: source.transform,
                    isAssumed: isAssumed))
        }
        self.architecture = architecture
        self.framework = framework
        self.dialect = dialect
        self.graph = graph
        self.entries = entries
        self.missing = missing
        self.mismatched = mismatched
        var counters: [String: String] = [:]
        for entry in entries where entry.path.role == .runningMean {
            let key = entry.key.dropLast(ParameterRole.runningMean.rawValue.count) + Self.counter
            if checkpoint[String(key)] != nil { counters[entry.path.node] = String(key) }
        }
        self.counters = counters
        used.formUnion(counters.values)
        self.origin = origin
        self.unused = checkpoint.tensors.map(\.name).filter { !used.contains($0) }
        self.setAside = setAside
        self.assumptions = assumptions
        self.outputActivation = outputActivation
        self.dataFormat = dataFormat
    }

    /// The last part of the names of BatchNorm's counters in PyTorch.
    static let counter = "num_batches_tracked"

    /// Keys of variables that compute nothing, beside those whose names tell.
    private let setAside: Set<String>

    /// Keys that the network should have had a use for; not counters, which carry no parameter in any network:
    /// BatchNorm's in PyTorch, Normalization's in Keras.
    var unusedParameters: [String] {
        unused.filter { !$0.hasSuffix(Self.counter) && !setAside.contains($0) }
    }
}
