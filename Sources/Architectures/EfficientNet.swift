public import ZooLayerGraphs
public import ZooTensors

/// EfficientNet-B0 to B2 and Lite0.
///
/// Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, arXiv
/// 1905.11946, table 1 and section 3.3; Lite: its authors' `efficientnet-lite` in TensorFlow's TPU repository. Paths
/// are torchvision's, for Lite0, which it lacks, those of B0 without the squeeze-and-excitation.
public struct EfficientNet: Sendable, Hashable {
    /// A row of the family: what B0 is scaled with.
    public enum Scale: String, Sendable, Hashable, CaseIterable {
        /// The network that was searched for.
        case b0 = "efficientnet_b0"
        /// 1.1 times as deep.
        case b1 = "efficientnet_b1"
        /// 1.1 times as wide, 1.2 times as deep.
        case b2 = "efficientnet_b2"
        /// B0 without squeeze-and-excitation and with ReLU6, for integer arithmetic.
        case lite0 = "efficientnet_lite0"

        /// The factor of all channels.
        public var width: Double { self == .b2 ? 1.1 : 1 }
        /// The factor of all repetitions.
        public var depth: Double { [.b0: 1, .b1: 1.1, .b2: 1.2][self] ?? 1 }
        /// The share of features that dropout zeroes before the head.
        public var dropout: Double { self == .b2 ? 0.3 : 0.2 }
    }

    /// A row of the paper's table 1: stages 2 to 8 of B0.
    struct Stage: Sendable, Hashable {
        /// How many times its input's channels a block has inside; with 1, it has no expansion.
        let expansion: Int
        let kernel: Int
        let stride: Int
        let inputChannels: Int
        let outputChannels: Int
        let repeats: Int
    }

    /// The stages of B0.
    static let table = [
        Stage(expansion: 1, kernel: 3, stride: 1, inputChannels: 32, outputChannels: 16, repeats: 1),
        Stage(expansion: 6, kernel: 3, stride: 2, inputChannels: 16, outputChannels: 24, repeats: 2),
        Stage(expansion: 6, kernel: 5, stride: 2, inputChannels: 24, outputChannels: 40, repeats: 2),
        Stage(expansion: 6, kernel: 3, stride: 2, inputChannels: 40, outputChannels: 80, repeats: 3),
        Stage(expansion: 6, kernel: 5, stride: 1, inputChannels: 80, outputChannels: 112, repeats: 3),
        Stage(expansion: 6, kernel: 5, stride: 2, inputChannels: 112, outputChannels: 192, repeats: 4),
        Stage(expansion: 6, kernel: 3, stride: 1, inputChannels: 192, outputChannels: 320, repeats: 1),
    ]

    /// Which row.
    public var scale: Scale
    /// Rows of the last linear layer.
    public var classes = 1_000
    /// Channels of the pictures.
    public var inputChannels = 3
    /// Side of the square pictures.
    public var inputSize: Int
    /// Padding, epsilon and momentum, in which the references differ.
    public var conventions: Conventions

    /// The network for ImageNet, with the conventions of its usual source: torchvision's, for Lite0 TensorFlow's.
    public init(_ scale: Scale = .b0, conventions: Conventions? = nil) {
        self.scale = scale
        self.conventions = conventions ?? (scale == .lite0 ? .tensorflow : .pytorch)
        self.inputSize = EfficientNet.inputSize(scale, self.conventions.padding)
    }

    /// The resolution that the weights are trained for: the paper's, for B2 in PyTorch's form torchvision's.
    private static func inputSize(_ scale: Scale, _ padding: Conventions.PaddingRule) -> Int {
        switch scale {
        case .b0, .lite0: 224
        case .b1: 240
        case .b2: padding == .symmetric ? 288 : 260
        }
    }

    /// Whether blocks weigh their channels by squeeze-and-excitation.
    public var hasExcitation: Bool { scale != .lite0 }
    /// The function after each normalisation but a block's last.
    public var activation: Activation { scale == .lite0 ? .relu6 : .silu }

    /// A number of channels times the width's factor, rounded to a multiple of eight but not below 90 %.
    func channels(_ count: Int) -> Int {
        let scaled = Double(count) * scale.width
        let rounded = max(8, Int(scaled + 4) / 8 * 8)
        return Double(rounded) < 0.9 * scaled ? rounded + 8 : rounded
    }

    /// Features that the head takes: channels of the last convolution.
    package var features: Int { 4 * channels(320) }

    /// Every block in order, with the numbers that its place gives it.
    package var blocks: [EfficientNetBlock] {
        var blocks: [EfficientNetBlock] = []
        for (index, stage) in EfficientNet.table.enumerated() {
            let repeats = Int((Double(stage.repeats) * scale.depth).rounded(.up))
            for position in 0..<repeats {
                blocks.append(
                    EfficientNetBlock(
                        stage: index + 1, position: position, number: blocks.count,
                        inputChannels: channels(position == 0 ? stage.inputChannels : stage.outputChannels),
                        outputChannels: channels(stage.outputChannels), expansion: stage.expansion,
                        kernel: stage.kernel, stride: position == 0 ? stage.stride : 1,
                        hasExcitation: hasExcitation))
            }
        }
        return blocks
    }

    /// The network. Stage 8 is the last, 1×1 convolution.
    /// - Parameter isHeadless: whether it ends with the features, 1,280 of them for B0.
    /// - Throws: ``ZooError`` for pictures that are too small.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        var builder = NetworkBuilder()
        var maker = EfficientNetMaker(network: self, size: inputSize)
        let blocks = blocks
        let (stem, top) = (channels(32), features)
        builder.part("stem") {
            maker.convolve("features.0", inputChannels, stem, kernel: 3, stride: 2, &$0)
        }
        for stage in 1...EfficientNet.table.count {
            builder.part("stage\(stage)") {
                for block in blocks where block.stage == stage {
                    // Stochastic depth grows with the depth, to a fifth.
                    maker.add(block, dropping: 0.2 * Double(block.number) / Double(blocks.count), to: &$0)
                }
            }
        }
        builder.part("stage8") {
            maker.convolve("features.8", channels(320), top, kernel: 1, &$0)
        }
        builder.add("avgpool", .adaptivePooling(AdaptivePooling(.average, output: Extent(1))))
        builder.add("flatten", .flatten(.channelsFirst))
        builder.classifier(head: EfficientNet.head) {
            $0.add("classifier.0", .dropout(probability: scale.dropout))
            $0.add(EfficientNet.head, .linear(Linear(top, classes)))
        }
        return try builder.graph(
            scale.rawValue,
            input: InputShape(channels: inputChannels, height: inputSize, width: inputSize),
            head: EfficientNet.head, isHeadless: isHeadless)
    }

    private static let head = "classifier.1"
}

extension EfficientNet {
    /// The network as an entry of the list.
    var architecture: Architecture {
        let scale = scale
        let preprocessing: Preprocessing =
            switch scale {
            case .b0: .imageNet(224, interpolation: .bicubic)
            case .b1: .imageNet(240, shorterSide: 256, interpolation: .bicubic)
            case .b2: .imageNet(288, shorterSide: 288, interpolation: .bicubic)
            case .lite0:
                Preprocessing(
                    channels: .rgb, shorterSide: 256, crop: Extent(224), interpolation: .bicubic, scale: 1,
                    mean: [127, 127, 127], standardDeviation: [128, 128, 128], isAssumed: true)
            }
        return Architecture(
            name: scale.rawValue,
            title: scale == .lite0
                ? "EfficientNet-Lite0" : "EfficientNet-\(scale.rawValue.suffix(2).uppercased())",
            family: "EfficientNet", paper: "Tan and Le 2019, arXiv 1905.11946",
            initialization: .efficientNet, preprocessing: preprocessing,
            stem: ParameterPath("features.0.0", .weight), head: ParameterPath(EfficientNet.head, .weight),
            conventions: [.pytorch, .tensorflow, .timmTensorFlow, .keras],
            graph: { (options) throws(ZooError) in
                var network = EfficientNet(scale, conventions: options.conventions)
                network.classes = options.classes ?? network.classes
                network.inputChannels = options.inputChannels ?? network.inputChannels
                network.inputSize = options.inputSize ?? network.inputSize
                return try network.graph(isHeadless: options.isHeadless)
            })
    }
}
