public import ZooLayerGraphs
public import ZooTensors

/// ResNet with 18, 34, 50, 101 or 152 layers.
///
/// Source: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, arXiv 1512.03385,
/// table 1. The form is torchvision's: in bottlenecks the 3×3 convolution has the stride (the paper gives it to the
/// first 1×1), and shortcuts that change the shape are projections (the paper's option B).
public struct ResNet: Sendable, Hashable {
    /// The columns of the paper's table 1.
    public enum Depth: Int, Sendable, Hashable, CaseIterable {
        /// 18 layers, of basic blocks.
        case eighteen = 18
        /// 34 layers, of basic blocks.
        case thirtyFour = 34
        /// 50 layers, of bottlenecks.
        case fifty = 50
        /// 101 layers, of bottlenecks.
        case hundredOne = 101
        /// 152 layers, of bottlenecks.
        case hundredFiftyTwo = 152

        /// Blocks in each of the four stages.
        public var blocks: [Int] {
            switch self {
            case .eighteen: [2, 2, 2, 2]
            case .thirtyFour, .fifty: [3, 4, 6, 3]
            case .hundredOne: [3, 4, 23, 3]
            case .hundredFiftyTwo: [3, 8, 36, 3]
            }
        }

        /// Whether blocks are bottlenecks of 1×1, 3×3 and 1×1, or basic ones of two 3×3.
        public var hasBottlenecks: Bool { rawValue >= 50 }
    }

    /// Channels inside the blocks of the four stages.
    public static let widths = [64, 128, 256, 512]

    /// Which column.
    public var depth: Depth
    /// Rows of the last linear layer.
    public var classes = 1_000
    /// Channels of the pictures.
    public var inputChannels = 3
    /// Side of the square pictures.
    public var inputSize = 224

    /// The network for ImageNet.
    public init(_ depth: Depth = .eighteen) { self.depth = depth }

    /// `resnet18`.
    public var name: String { "resnet\(depth.rawValue)" }

    /// The network.
    /// - Parameter isHeadless: whether it ends with the features, 512 of them or 2,048.
    /// - Throws: ``ZooError`` for pictures that are too small.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        var builder = NetworkBuilder()
        builder.part("stem") {
            $0.add(
                "conv1",
                .convolution(
                    Convolution(
                        inputChannels, 64, kernel: Extent(7), stride: Extent(2), padding: Padding(3),
                        hasBias: false)))
            normalise("bn1", 64, &$0)
            $0.add("relu", .activation(.relu))
            $0.add(
                "maxpool",
                .pooling(Pooling(.maximum, window: Extent(3), stride: Extent(2), padding: Padding(1))))
        }
        var channels = 64
        for (stage, count) in depth.blocks.enumerated() {
            builder.part("stage\(stage + 1)") {
                for index in 0..<count {
                    let block = Block(
                        path: "layer\(stage + 1).\(index)", input: channels, width: ResNet.widths[stage],
                        output: ResNet.widths[stage] * (depth.hasBottlenecks ? 4 : 1),
                        stride: stage > 0 && index == 0 ? 2 : 1)
                    add(block, to: &$0)
                    channels = block.output
                }
            }
        }
        builder.add("avgpool", .adaptivePooling(AdaptivePooling(.average, output: Extent(1))))
        builder.add("flatten", .flatten(.channelsFirst))
        builder.classifier(head: ResNet.head) { $0.add(ResNet.head, .linear(Linear(channels, classes))) }
        return try builder.graph(
            name, input: InputShape(channels: inputChannels, height: inputSize, width: inputSize),
            head: ResNet.head, isHeadless: isHeadless)
    }

    /// A residual block.
    private struct Block {
        let path: String
        let input, width, output, stride: Int
        var changesShape: Bool { stride != 1 || input != output }
    }

    /// Two or three convolutions, each normalised, and the input, projected where its shape changes, added before
    /// the last ReLU.
    private func add(_ block: Block, to builder: inout NetworkBuilder) {
        let (path, width) = (block.path, block.width)
        var shortcut = builder.last
        if depth.hasBottlenecks {
            convolve("\(path).conv1", block.input, width, kernel: 1, &builder)
            normalise("\(path).bn1", width, &builder)
            builder.add("\(path).relu", .activation(.relu))
            convolve("\(path).conv2", width, width, kernel: 3, stride: block.stride, &builder)
            normalise("\(path).bn2", width, &builder)
            builder.add("\(path).relu2", .activation(.relu))
            convolve("\(path).conv3", width, block.output, kernel: 1, &builder)
            normalise("\(path).bn3", block.output, &builder)
        } else {
            convolve("\(path).conv1", block.input, width, kernel: 3, stride: block.stride, &builder)
            normalise("\(path).bn1", width, &builder)
            builder.add("\(path).relu", .activation(.relu))
            convolve("\(path).conv2", width, block.output, kernel: 3, &builder)
            normalise("\(path).bn2", block.output, &builder)
        }
        let branch = builder.last
        if block.changesShape {
            convolve(
                "\(path).downsample.0", block.input, block.output, kernel: 1, stride: block.stride,
                after: shortcut, &builder)
            shortcut = normalise("\(path).downsample.1", block.output, &builder)
        }
        builder.add("\(path).add", .add, after: [branch, shortcut])
        builder.add(depth.hasBottlenecks ? "\(path).relu3" : "\(path).relu2", .activation(.relu))
    }

    private func convolve(
        _ path: String, _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, after: String? = nil,
        _ builder: inout NetworkBuilder
    ) {
        let layer = Convolution(
            input, output, kernel: Extent(kernel), stride: Extent(stride), padding: Padding(kernel / 2),
            hasBias: false)
        builder.add(path, .convolution(layer), after: after.map { [$0] })
    }

    @discardableResult
    private func normalise(_ path: String, _ channels: Int, _ builder: inout NetworkBuilder) -> String {
        builder.add(path, .batchNormalization(BatchNormalization(channels)))
    }

    private static let head = "fc"
}

extension ResNet {
    /// The network as an entry of the list.
    var architecture: Architecture {
        let row = self
        return Architecture(
            name: name, title: "ResNet of \(depth.rawValue) layers", family: "ResNet",
            paper: "He, Zhang, Ren, Sun 2016, arXiv 1512.03385",
            initialization: .resnet, preprocessing: .imageNet(224),
            stem: ParameterPath("conv1", .weight), head: ParameterPath(ResNet.head, .weight),
            graph: { (options) throws(ZooError) in
                var network = row
                network.classes = options.classes ?? network.classes
                network.inputChannels = options.inputChannels ?? network.inputChannels
                network.inputSize = options.inputSize ?? network.inputSize
                return try network.graph(isHeadless: options.isHeadless)
            })
    }
}
