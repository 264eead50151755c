import ZooLayerGraphs
import ZooTensors

// MARK: Layers that treat each element, each channel or each place alike

extension LayerCase {
    static let normalizations: [LayerCase] = [
        LayerCase("batchNorm", .batchNormalization(BatchNormalization(4, epsilon: 1e-3))),
        LayerCase("batchNormTraining", .batchNormalization(BatchNormalization(4)), trains: true),
        LayerCase(
            "batchNormTrainingBiased",
            .batchNormalization(
                BatchNormalization(4, epsilon: 1e-3, momentum: 0.01, usesBiasedVariance: true)),
            trains: true),
        LayerCase(
            "batchNormTrainingNoScale", .batchNormalization(BatchNormalization(4, hasScale: false)),
            trains: true),
        LayerCase(
            "batchNormTrainingNoCenter",
            .batchNormalization(BatchNormalization(10, momentum: 0.3, hasCenter: false)), vector,
            trains: true),
        LayerCase("normalization", .normalization(Normalization(4))),
        LayerCase(
            "normalizationConstants",
            .normalization(
                Normalization(4, constants: .init(mean: [0.1, 0.2, 0.3, 0.4], variance: [1, 4, 0.25, 16])))),
        LayerCase("rescaling", .rescaling(Rescaling(scale: [1 / 127.5], offset: [-1]))),
        LayerCase(
            "rescalingChannels",
            .rescaling(Rescaling(scale: [1, 2, 3, 4], offset: [0.1, -0.2, 0.3, 0]))),
        LayerCase(
            "responseOdd",
            .localResponseNormalization(LocalResponseNormalization(size: 3, alpha: 0.7, beta: 0.75, k: 1))),
        LayerCase(
            "responseEven",
            .localResponseNormalization(LocalResponseNormalization(size: 4, alpha: 1.5, beta: 0.6, k: 2))),
        LayerCase(
            "responseWide",
            .localResponseNormalization(LocalResponseNormalization(size: 11, alpha: 1.5, beta: 0.6, k: 2))),
    ]

    static let activations: [LayerCase] = {
        let large: [(String, Activation)] = [
            ("relu6", .relu6), ("leakyReLU", .leakyReLU(slope: 0.1)),
            ("rectifier", .rectifier(.init(slope: 0.1, threshold: 0.5625, ceiling: 4.0625))),
            ("rectifierThreshold", .rectifier(.init(threshold: 1.0625))), ("silu", .silu),
            ("hardSwish", .hardSwish), ("hardSigmoid", .hardSigmoid(slope: 1.0 / 6)),
            ("hardSigmoidOld", .hardSigmoid(slope: 0.2)), ("elu", .elu(alpha: 1.3)), ("selu", .selu),
            ("gelu", .gelu(approximate: false)), ("geluApproximate", .gelu(approximate: true)),
            ("softplus", .softplus),
        ]
        let plain: [(String, Activation)] = [("relu", .relu), ("sigmoid", .sigmoid), ("tanh", .tanh)]
        return plain.map { LayerCase($0.0, .activation($0.1)) }
            // Eight times as large, so that each function's every part is seen, and its corners hit.
            + large.map { LayerCase($0.0, .activation($0.1), scale: 8) } + [
                LayerCase("prelu", .parametricReLU(channels: 4)),
                LayerCase("preluVector", .parametricReLU(channels: 10), vector),
                LayerCase("softmax", .softmax, vector), LayerCase("softmaxMap", .softmax),
            ]
    }()
}

// MARK: Layers that bring several values together, or move elements

extension LayerCase {
    private static let squeeze = Node(
        "squeeze", .globalPooling(GlobalPooling(.average, keepsDimensions: true)), inputs: ["input"])
    private static let column = Node(
        "column", .cropping(Padding(top: 0, left: 3, bottom: 0, right: 4)), inputs: ["input"])
    private static let broadcast = ["squeeze", "input", "column", "input"]

    static let merges: [LayerCase] = [
        LayerCase("add", [squeeze, column, Node("layer", .add, inputs: broadcast)]),
        LayerCase("multiply", [squeeze, column, Node("layer", .multiply, inputs: broadcast)]),
        LayerCase("mean", [squeeze, column, Node("layer", .average, inputs: broadcast)]),
        LayerCase(
            "outerProduct", [squeeze, column, Node("layer", .multiply, inputs: ["squeeze", "column"])]),
        LayerCase(
            "concatenateChannels",
            [
                Node("tanh", .activation(.tanh), inputs: ["input"]),
                Node("layer", .concatenate(axis: 1), inputs: ["input", "tanh", "input"]),
            ]),
        LayerCase(
            "concatenateRows",
            [
                Node(
                    "rows", .cropping(Padding(top: 5, left: 0, bottom: 0, right: 0)), inputs: ["input"]),
                Node("layer", .concatenate(axis: 2), inputs: ["rows", "input"]),
            ]),
        LayerCase(
            "concatenateColumns",
            [column, Node("layer", .concatenate(axis: 3), inputs: ["input", "column"])]),
    ]

    static let moves: [LayerCase] = [
        LayerCase("flattenFirst", .flatten(.channelsFirst)),
        LayerCase("flattenLast", .flatten(.channelsLast)),
        LayerCase("padding", .padding(Padding(top: 1, left: 0, bottom: 2, right: 3))),
        LayerCase("cropping", .cropping(Padding(top: 1, left: 3, bottom: 2, right: 0))),
        LayerCase("nearest", .upsampling(Upsampling(Extent(2, 3)))),
        LayerCase("bilinear", .upsampling(Upsampling(Extent(2, 3), interpolation: .bilinear))),
        LayerCase(
            "bilinearAligned",
            .upsampling(Upsampling(Extent(3, 2), interpolation: .bilinearAlignedCorners))),
        LayerCase("reshapeFirst", .reshape(Reshape([8, 14, 2]))),
        LayerCase("reshapeLast", .reshape(Reshape([8, 14, 2], order: .channelsLast))),
        LayerCase("reshapeLastVector", .reshape(Reshape([5, 1, 2], order: .channelsLast)), vector),
        LayerCase("permute", .permute(axes: [0, 3, 1, 2])),
    ]
}

// MARK: Layers that draw random numbers, for which there are no goldens

extension LayerCase {
    static let masked: [LayerCase] = [
        LayerCase("dropout", .dropout(probability: 0.4), trains: true),
        LayerCase("spatialDropout", .spatialDropout(probability: 0.4), trains: true),
        LayerCase("stochasticDepth", .stochasticDepth(probability: 0.4), trains: true),
    ]
}

// MARK: Small networks

extension LayerCase {
    private static func convolution(
        _ path: String, _ inputs: Int, _ outputs: Int, _ kernel: Int, of input: String, stride: Int = 1,
        padding: Padding = .none, groups: Int = 1, hasBias: Bool = true, sharing: String? = nil
    ) -> Node {
        let layer = Convolution(
            inputs, outputs, kernel: Extent(kernel), stride: Extent(stride), padding: padding, groups: groups,
            hasBias: hasBias)
        return Node(path, .convolution(layer), inputs: [input], sharing: sharing)
    }

    private static func norm(
        _ path: String, _ channels: Int, of input: String, epsilon: Double = 1e-5, sharing: String? = nil
    ) -> Node {
        let layer = BatchNormalization(channels, epsilon: epsilon)
        return Node(path, .batchNormalization(layer), inputs: [input], sharing: sharing)
    }

    static let networks: [LayerCase] = [
        // ResNet's basic block with a projection.
        LayerCase(
            "residual",
            [
                convolution(
                    "conv1", 4, 6, 3, of: "input", stride: 2, padding: Padding(1), hasBias: false),
                norm("bn1", 6, of: "conv1"), Node("relu1", .activation(.relu), inputs: ["bn1"]),
                convolution("conv2", 6, 6, 3, of: "relu1", padding: Padding(1), hasBias: false),
                norm("bn2", 6, of: "conv2"),
                convolution("downsample.0", 4, 6, 1, of: "input", stride: 2, hasBias: false),
                norm("downsample.1", 6, of: "downsample.0"),
                Node("sum", .add, inputs: ["bn2", "downsample.1"]),
                Node("relu2", .activation(.relu), inputs: ["sum"]),
            ], trains: true),
        // EfficientNet's depthwise convolution with squeeze and excitation.
        LayerCase(
            "excitation",
            [
                convolution(
                    "conv_dw", 4, 4, 5, of: "input", stride: 2,
                    padding: Padding(top: 2, left: 1, bottom: 2, right: 2), groups: 4, hasBias: false),
                norm("bn1", 4, of: "conv_dw", epsilon: 1e-3),
                Node("act1", .activation(.silu), inputs: ["bn1"]),
                Node(
                    "se.avgpool", .globalPooling(GlobalPooling(.average, keepsDimensions: true)),
                    inputs: ["act1"]),
                convolution("se.fc1", 4, 2, 1, of: "se.avgpool"),
                Node("se.act", .activation(.silu), inputs: ["se.fc1"]),
                convolution("se.fc2", 2, 4, 1, of: "se.act"),
                Node("se.gate", .activation(.sigmoid), inputs: ["se.fc2"]),
                Node("se", .multiply, inputs: ["act1", "se.gate"]),
            ]),
        LayerCase(
            "inception",
            [
                convolution("a", 4, 3, 1, of: "input"),
                convolution("b", 4, 2, 3, of: "input", padding: Padding(1)),
                Node(
                    "pool",
                    .pooling(Pooling(.maximum, window: Extent(3), stride: Extent(1), padding: Padding(1))),
                    inputs: ["input"]),
                Node("join", .concatenate(axis: 1), inputs: ["a", "b", "pool"]),
            ]),
        LayerCase(
            "thrice",
            [
                convolution("conv", 4, 4, 1, of: "input"),
                Node("tanh", .activation(.tanh), inputs: ["conv"]),
                Node("square", .multiply, inputs: ["tanh", "tanh"]),
                Node("sigmoid", .activation(.sigmoid), inputs: ["tanh"]),
                Node("sum", .add, inputs: ["square", "sigmoid"]),
            ]),
        LayerCase(
            "shared",
            [
                convolution("conv", 4, 4, 3, of: "input", padding: Padding(1)),
                Node("tanh", .activation(.tanh), inputs: ["conv"]),
                convolution("again", 4, 4, 3, of: "tanh", padding: Padding(1), sharing: "conv"),
            ]),
        LayerCase(
            "sharedNorm",
            [
                norm("bn", 4, of: "input"), Node("relu", .activation(.relu), inputs: ["bn"]),
                norm("again", 4, of: "relu", sharing: "bn"),
            ], trains: true),
    ]
}
