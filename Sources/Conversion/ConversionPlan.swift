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
    /// Where a Keras model has its channels, `channels_first`; `nil` for the usual way.
    let dataFormat: String?

    /// Matches a network's parameters with a checkpoint's tensors.
    /// - Parameter sources: for each parameter, the key that it has in the file and the change of layout.
    init(
        checkpoint: Checkpoint, architecture: Architecture, framework: Framework, dialect: String,
        graph: LayerGraph, sources: [ParameterPath: (key: String, transform: LayoutTransform)],
        assumptions: [String], outputActivation: String? = nil, dataFormat: String? = nil,
        setAside: Set<String> = []
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
                    sourceType: tensor.elementType, shape: specification.shape, transform: source.transform))
        }
        self.architecture = architecture
        self.framework = framework
        self.dialect = dialect
        self.graph = graph
        self.entries = entries
        self.missing = missing
        self.mismatched = mismatched
        self.unused = checkpoint.tensors.map(\.name).filter { !used.contains($0) }
        self.setAside = setAside
        self.assumptions = assumptions
        self.outputActivation = outputActivation
        self.dataFormat = dataFormat
    }

    /// Keys of variables that compute nothing, beside those whose names tell.
    private let setAside: Set<String>

    /// Keys that the network should have had a use for; not counters, which carry no parameter in any network:
    /// BatchNorm's in PyTorch, Normalization's in Keras.
    private var unusedParameters: [String] {
        unused.filter { !$0.hasSuffix("num_batches_tracked") && !setAside.contains($0) }
    }

    /// Refuses a plan that leaves something out.
    /// - Throws: ``ZooError`` that names the first tensors concerned and suggests near misses.
    public func requireComplete(file: String?) throws(ZooError) {
        let remedy =
            "If that is meant: zoo convert --allow-partial goes on without, and initialises afresh what is missing."
        if let first = mismatched.first {
            throw ZooError(
                .mismatch,
                mismatched.count == 1
                    ? "a tensor has another shape than \(architecture.name) needs"
                    : "\(mismatched.count) tensors have other shapes than \(architecture.name) needs, the first",
                file: file, tensor: first.key, expected: first.expected.description,
                found: first.found.description, remedy: remedy)
        }
        if let first = missing.first {
            let near = nearest(to: first.path.description, among: unused)
            let hint = near.isEmpty ? "" : "The file has \(near.joined(separator: ", ")). "
            throw ZooError(
                .missingTensor,
                missing.count == 1
                    ? "the file lacks a parameter of \(architecture.name)"
                    : "the file lacks \(missing.count) parameters of \(architecture.name), the first",
                file: file, tensor: first.path.description, remedy: hint + remedy)
        }
        if let first = unusedParameters.first {
            throw ZooError(
                .mismatch,
                unusedParameters.count == 1
                    ? "the file has a tensor that \(architecture.name) has no use for"
                    : "the file has \(unusedParameters.count) tensors that \(architecture.name) has no use for, the first",
                file: file, tensor: first, remedy: "Pass --allow-partial to leave it out.")
        }
    }
}
