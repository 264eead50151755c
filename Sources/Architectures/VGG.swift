public import ZooLayerGraphs
public import ZooTensors

/// VGG with 11, 13, 16 or 19 layers that have weights, with and without batch normalisation.
///
/// Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
/// arXiv 1409.1556. The names and the pooling to 7×7 before the classifier are torchvision's.
public struct VGG: Sendable, Hashable {
    /// The columns A, B, D and E of the paper's table 1: the number of 3×3 convolutions in each block.
    public enum Depth: Int, Sendable, Hashable, CaseIterable {
        /// Column A.
        case eleven = 11
        /// Column B.
        case thirteen = 13
        /// Column D.
        case sixteen = 16
        /// Column E.
        case nineteen = 19

        /// Convolutions in each of the five blocks.
        public var convolutions: [Int] {
            switch self {
            case .eleven: [1, 1, 2, 2, 2]
            case .thirteen: [2, 2, 2, 2, 2]
            case .sixteen: [2, 2, 3, 3, 3]
            case .nineteen: [2, 2, 4, 4, 4]
            }
        }
    }

    /// Channels of the five blocks; each ends with a 2×2 maximum.
    public static let channels = [64, 128, 256, 512, 512]

    /// Which column.
    public var depth: Depth
    /// Whether a batch normalisation follows each convolution.
    public var hasBatchNormalization: Bool
    /// Rows of the last linear layer.
    public var classes = 1_000
    /// Channels of the pictures.
    public var inputChannels = 3
    /// Side of the square pictures, 32 at least.
    public var inputSize = 224

    /// The network for ImageNet.
    public init(_ depth: Depth = .sixteen, hasBatchNormalization: Bool = false) {
        self.depth = depth
        self.hasBatchNormalization = hasBatchNormalization
    }

    /// `vgg16`, `vgg16_bn`.
    public var name: String { "vgg\(depth.rawValue)\(hasBatchNormalization ? "_bn" : "")" }

    /// The network. Stage *n* is the paper's block *n*; the first convolution with what follows it is the stem.
    /// - Parameter isHeadless: whether it ends with the 512·7·7 features.
    /// - Throws: ``ZooError`` for pictures smaller than 32×32.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        var builder = NetworkBuilder()
        var channels = inputChannels
        var index = 0
        func add(_ layer: Layer, to builder: inout NetworkBuilder) {
            builder.add("features.\(index)", layer)
            index += 1
        }
        func convolve(_ outputChannels: Int, _ builder: inout NetworkBuilder) {
            add(
                .convolution(Convolution(channels, outputChannels, kernel: Extent(3), padding: Padding(1))),
                to: &builder)
            if hasBatchNormalization {
                add(.batchNormalization(BatchNormalization(outputChannels)), to: &builder)
            }
            add(.activation(.relu), to: &builder)
            channels = outputChannels
        }
        for (block, count) in depth.convolutions.enumerated() {
            if block == 0 { builder.part("stem") { convolve(VGG.channels[block], &$0) } }
            builder.part("stage\(block + 1)") {
                for _ in 0..<(block == 0 ? count - 1 : count) { convolve(VGG.channels[block], &$0) }
                add(.pooling(Pooling(.maximum, window: Extent(2))), to: &$0)
            }
        }
        builder.add("avgpool", .adaptivePooling(AdaptivePooling(.average, output: Extent(7))))
        builder.add("flatten", .flatten(.channelsFirst))
        builder.classifier(head: VGG.head) {
            $0.add("classifier.0", .linear(Linear(512 * 7 * 7, 4_096)))
            $0.add("classifier.1", .activation(.relu))
            $0.add("classifier.2", .dropout(probability: 0.5))
            $0.add("classifier.3", .linear(Linear(4_096, 4_096)))
            $0.add("classifier.4", .activation(.relu))
            $0.add("classifier.5", .dropout(probability: 0.5))
            $0.add(VGG.head, .linear(Linear(4_096, classes)))
        }
        return try builder.graph(
            name, input: InputShape(channels: inputChannels, height: inputSize, width: inputSize),
            head: VGG.head, isHeadless: isHeadless)
    }

    private static let head = "classifier.6"
}

extension VGG {
    /// Every row of the family: without, then with batch normalisation.
    static let all = [false, true].flatMap { has in Depth.allCases.map { VGG($0, hasBatchNormalization: has) }
    }

    /// The network as an entry of the list.
    var architecture: Architecture {
        let row = self
        let normalisation = hasBatchNormalization ? " with batch normalisation" : ""
        return Architecture(
            name: name, title: "VGG of \(depth.rawValue) layers\(normalisation)", family: "VGG",
            paper: "Simonyan and Zisserman 2015, arXiv 1409.1556",
            initialization: .vgg, preprocessing: .imageNet(224),
            stem: ParameterPath("features.0", .weight), head: ParameterPath(VGG.head, .weight),
            graph: { (options) throws(ZooError) in
                var network = row
                network.classes = options.classes ?? network.classes
                network.inputChannels = options.inputChannels ?? network.inputChannels
                network.inputSize = options.inputSize ?? network.inputSize
                return try network.graph(isHeadless: options.isHeadless)
            })
    }
}
