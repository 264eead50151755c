public import ZooLayerGraphs
public import ZooTensors

/// What can be asked of an architecture.
public struct ArchitectureOptions: Sendable, Hashable {
    /// Rows of the head.
    public var classes: Int?
    /// Channels of the pictures.
    public var inputChannels: Int?
    /// Side of the square pictures.
    public var inputSize: Int?
    /// Whether the network ends with the features that the classifier takes.
    public var isHeadless = false
    /// Whose padding, epsilon and momentum it has, where the references differ.
    public var conventions: Conventions?

    /// Nothing asked: the architecture's own defaults.
    public init(
        classes: Int? = nil, inputChannels: Int? = nil, inputSize: Int? = nil, isHeadless: Bool = false,
        conventions: Conventions? = nil
    ) {
        self.classes = classes
        self.inputChannels = inputChannels
        self.inputSize = inputSize
        self.isHeadless = isHeadless
        self.conventions = conventions
    }
}

/// A network that Menagerie knows by name, with the verbs that every one of them offers.
public struct Architecture: Sendable {
    /// The name that commands take.
    public let name: String
    /// One line for people.
    public let title: String
    /// The networks that it is a row of: `ResNet`.
    public let family: String
    /// Where it was published.
    public let paper: String
    /// How the reference implementation draws fresh parameters.
    public let initialization: Initialization
    /// What the reference implementation does to pictures first.
    public let preprocessing: Preprocessing
    /// Makes the network.
    public let graph: @Sendable (ArchitectureOptions) throws(ZooError) -> LayerGraph
    /// The network whose parameters have the given shapes (canonical layout and paths; some may be missing), and a
    /// sentence for each thing that shapes leave open.
    public let fitted: Fit

    /// Works a network out from the shapes of its parameters.
    public typealias Fit =
        @Sendable ([ParameterPath: TensorShape], ArchitectureOptions) throws(ZooError) -> (
            graph: LayerGraph, assumptions: [String]
        )

    /// Describes an architecture, or a network that has no name.
    package init(
        name: String, title: String, family: String = "", paper: String, initialization: Initialization,
        preprocessing: Preprocessing,
        graph: @escaping @Sendable (ArchitectureOptions) throws(ZooError) -> LayerGraph, fitted: @escaping Fit
    ) {
        self.name = name
        self.title = title
        self.family = family
        self.paper = paper
        self.initialization = initialization
        self.preprocessing = preprocessing
        self.graph = graph
        self.fitted = fitted
    }

    /// Every architecture, in the order of lists.
    public static let all: [Architecture] =
        LeNet.Variant.allCases.map(\.architecture) + [TinyVGG.architecture]
        + Autoencoder.Form.allCases.map(\.architecture) + [AlexNet.architecture] + VGG.all.map(\.architecture)
        + ResNet.Depth.allCases.map { ResNet($0).architecture }
        + EfficientNet.Scale.allCases.map { EfficientNet($0).architecture }

    /// The architecture with a name.
    /// - Throws: ``ZooError`` that lists the names.
    public static func named(_ name: String) throws(ZooError) -> Architecture {
        if let match = all.first(where: { $0.name == name.lowercased() }) { return match }
        let names = all.map(\.name)
        let near = nearest(to: name.lowercased(), among: names)
        throw ZooError(
            .invalidArgument, "no architecture is called \"\(name)\"",
            remedy: near.isEmpty
                ? "Known are \(names.joined(separator: ", "))."
                : "Did you mean \(near.joined(separator: " or "))?")
    }
}

extension Architecture {
    /// How the reference implementation of an architecture draws fresh parameters; PyTorch's default for names that
    /// aren't known.
    public static func initialization(named name: String) -> Initialization {
        all.first { $0.name == name }?.initialization ?? .torchDefault
    }
}
