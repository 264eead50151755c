public import ZooLayerGraphs
public import ZooTensors

/// AlexNet in one column, as torchvision has it.
///
/// Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv 1404.5997 (2014).
/// The network of 2012, with two groups of 48 kernels on two graphics cards and local response normalisation, is
/// another one, whose weights don't fit.
public struct AlexNet: Sendable, Hashable {
    /// Rows of the last linear layer.
    public var classes = 1_000
    /// Channels of the pictures.
    public var inputChannels = 3
    /// Side of the square pictures, 63 at least.
    public var inputSize = 224

    /// The network for ImageNet.
    public init() {}

    /// The five convolutions: channels, kernel, stride, padding, and whether a 3×3 maximum with stride 2 follows.
    private static let convolutions: [(channels: Int, kernel: Int, stride: Int, padding: Int, pools: Bool)] =
        [
            (64, 11, 4, 2, true),
            (192, 5, 1, 2, true),
            (384, 3, 1, 1, false),
            (256, 3, 1, 1, false),
            (256, 3, 1, 1, true),
        ]

    /// The network.
    /// - Parameter isHeadless: whether it ends with the 256·6·6 features.
    /// - Throws: ``ZooError`` for pictures smaller than 63×63.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        var builder = NetworkBuilder()
        var channels = inputChannels
        var index = 0
        func add(_ range: Range<Int>, to builder: inout NetworkBuilder) {
            for row in AlexNet.convolutions[range] {
                builder.add(
                    "features.\(index)",
                    .convolution(
                        Convolution(
                            channels, row.channels, kernel: Extent(row.kernel), stride: Extent(row.stride),
                            padding: Padding(row.padding))))
                builder.add("features.\(index + 1)", .activation(.relu))
                index += 2
                if row.pools {
                    builder.add(
                        "features.\(index)",
                        .pooling(Pooling(.maximum, window: Extent(3), stride: Extent(2))))
                    index += 1
                }
                channels = row.channels
            }
        }
        builder.part("stem") { add(0..<1, to: &$0) }
        builder.part("stage1") { add(1..<2, to: &$0) }
        builder.part("stage2") { add(2..<5, to: &$0) }
        builder.add("avgpool", .adaptivePooling(AdaptivePooling(.average, output: Extent(6))))
        builder.add("flatten", .flatten(.channelsFirst))
        builder.classifier(head: AlexNet.head) {
            $0.add("classifier.0", .dropout(probability: 0.5))
            $0.add("classifier.1", .linear(Linear(256 * 6 * 6, 4_096)))
            $0.add("classifier.2", .activation(.relu))
            $0.add("classifier.3", .dropout(probability: 0.5))
            $0.add("classifier.4", .linear(Linear(4_096, 4_096)))
            $0.add("classifier.5", .activation(.relu))
            $0.add(AlexNet.head, .linear(Linear(4_096, classes)))
        }
        return try builder.graph(
            "alexnet",
            input: InputShape(channels: inputChannels, height: inputSize, width: inputSize),
            head: AlexNet.head, isHeadless: isHeadless)
    }

    private static let head = "classifier.6"
}

extension AlexNet {
    /// The network as an entry of the list.
    static let architecture = Architecture(
        name: "alexnet", title: "AlexNet, one column", family: "AlexNet",
        paper: "Krizhevsky 2014, arXiv 1404.5997",
        initialization: .torchDefault, preprocessing: .imageNet(224),
        stem: ParameterPath("features.0", .weight), head: ParameterPath(head, .weight),
        graph: { (options) throws(ZooError) in
            var network = AlexNet()
            network.classes = options.classes ?? network.classes
            network.inputChannels = options.inputChannels ?? network.inputChannels
            network.inputSize = options.inputSize ?? network.inputSize
            return try network.graph(isHeadless: options.isHeadless)
        },
        check: { (shapes) throws(ZooError) in
            guard let first = shapes[ParameterPath("features.0", .weight)], first.rank == 4, first[0] == 96
            else { return }
            throw ofTwelve(found: first)
        })

    /// Why the AlexNet of 2012 is refused.
    package static func ofTwelve(found: TensorShape, tensor: String = "features.0.weight") -> ZooError {
        ZooError(
            .unknownArchitecture,
            "this is the AlexNet of 2012, with 96 kernels in two groups and local response normalisation; alexnet is "
                + "the one of 2014 in one column, and their weights don't fit each other",
            tensor: tensor, expected: "[64, 3, 11, 11]", found: found.description,
            remedy: "Take the weights of torchvision's alexnet.")
    }
}
