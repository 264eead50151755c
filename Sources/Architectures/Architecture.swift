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

    /// Nothing asked: the architecture's own defaults.
    public init(classes: Int? = nil, inputChannels: Int? = nil, inputSize: Int? = nil) {
        self.classes = classes
        self.inputChannels = inputChannels
        self.inputSize = inputSize
    }
}

/// A network that Menagerie knows by name, with the verbs that every one of them offers.
public struct Architecture: Sendable {
    /// The name that commands take.
    public let name: String
    /// One line for people.
    public let title: String
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
        name: String, title: String, paper: String, initialization: Initialization,
        preprocessing: Preprocessing,
        graph: @escaping @Sendable (ArchitectureOptions) throws(ZooError) -> LayerGraph, fitted: @escaping Fit
    ) {
        self.name = name
        self.title = title
        self.paper = paper
        self.initialization = initialization
        self.preprocessing = preprocessing
        self.graph = graph
        self.fitted = fitted
    }

    /// Every architecture, in the order of lists.
    public static let all: [Architecture] = LeNet.Variant.allCases.map(\.architecture)

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

extension LeNet.Variant {
    /// The variant as an entry of the list.
    var architecture: Architecture {
        let title =
            switch self {
            case .tutorial: "LeNet, ReLU and max pooling (as in PyTorch's tutorial)"
            case .d2l: "LeNet, sigmoid and average pooling (Dive into Deep Learning)"
            case .classic: "LeNet-5, tanh and average pooling (closest to the paper)"
            }
        let variant = self
        return Architecture(
            name: rawValue, title: title, paper: "LeCun et al. 1998, Proceedings of the IEEE 86(11)",
            initialization: self == .d2l ? .xavierUniform : .torchDefault,
            preprocessing: LeNet(self).preprocessing,
            graph: { (options) throws(ZooError) in
                var network = LeNet(variant)
                network.classes = options.classes ?? network.classes
                network.inputChannels = options.inputChannels ?? network.inputChannels
                if let size = options.inputSize { network.setInputSize(size) }
                return try network.graph()
            },
            fitted: { (shapes, options) throws(ZooError) in
                let (network, assumptions) = try LeNet.fitted(variant, shapes: shapes, options: options)
                return (try network.graph(), assumptions)
            })
    }
}

extension LeNet {
    /// Changes the picture size; 28 gets padding 2 and 32 none, which both leave 5×5 feature maps.
    public mutating func setInputSize(_ size: Int) {
        inputSize = size
        firstPadding = size == 28 ? 2 : 0
    }

    /// Grey pictures of the network's size, scaled to 0…1. Sources normalise in different ways and weights don't
    /// tell, so this is an assumption.
    public var preprocessing: Preprocessing {
        Preprocessing(
            channels: inputChannels == 3 ? .rgb : .grey, resize: Extent(inputSize), isAssumed: true)
    }
}
