import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

/// A layer with unusual numbers, or a small network; the counterpart of one in make-layer-goldens.py.
struct LayerCase: Sendable, CustomTestStringConvertible {
    let name: String
    let nodes: [Node]
    /// `[N, C, H, W]`, or `[N, F]` for layers that need it; those stand behind a flatten.
    let input: TensorShape
    /// Whether it runs as in training.
    var trains = false

    /// A layer alone.
    init(
        _ name: String, _ layer: Layer, _ input: TensorShape = LayerCase.image, scale: Double? = nil,
        trains: Bool = false
    ) {
        let first = scale.map { [Node("scale", .rescaling(Rescaling(scale: [$0])), inputs: ["input"])] } ?? []
        let operand = scale != nil ? "scale" : input.rank == 2 ? "flatten" : "input"
        self.init(name, first + [Node("layer", layer, inputs: [operand])], input, trains: trains)
    }

    /// A network.
    init(_ name: String, _ nodes: [Node], _ input: TensorShape = LayerCase.image, trains: Bool = false) {
        let first = [Node("flatten", .flatten(.channelsFirst), inputs: ["input"])]
        self.name = name
        self.nodes = input.rank == 2 ? first + nodes : nodes
        self.input = input
        self.trains = trains
    }

    static let image: TensorShape = [2, 4, 7, 8]
    static let vector: TensorShape = [3, 10]

    /// Every case that has a golden.
    static let all = windows + poolings + normalizations + activations + merges + moves + networks

    var testDescription: String { name }

    /// Vectors enter as `[N, F, 1, 1]` through a flatten.
    func graph() throws(ZooError) -> LayerGraph {
        let shape = inputShape
        return try LayerGraph(
            architecture: "custom", input: InputShape(channels: shape[1], height: shape[2], width: shape[3]),
            nodes: nodes)
    }

    /// The shape in which ``input`` enters ``graph()``.
    var inputShape: TensorShape { input.rank == 2 ? [input[0], input[1], 1, 1] : input }

    /// How it is run.
    var mode: ExecutionMode { trains ? .training(TrainingMoment(seed: 3, step: 1)) : .inference }
}

// MARK: Layers with windows

extension LayerCase {
    private static let windows: [LayerCase] = [
        LayerCase(
            "convolution",
            .convolution(
                Convolution(
                    4, 6, kernel: Extent(3, 5), stride: Extent(2, 1),
                    padding: Padding(top: 1, left: 2, bottom: 0, right: 1), dilation: Extent(1, 2)))),
        LayerCase(
            "grouped",
            .convolution(
                Convolution(
                    4, 6, kernel: Extent(3), stride: Extent(1, 2), padding: Padding(1),
                    dilation: Extent(2, 1), groups: 2))),
        LayerCase(
            "depthwise",
            .convolution(
                Convolution(
                    4, 8, kernel: Extent(3), padding: Padding(top: 0, left: 1, bottom: 1, right: 0), groups: 4
                ))),
        LayerCase(
            "depthwiseStrided",
            .convolution(
                Convolution(
                    4, 4, kernel: Extent(5), stride: Extent(2),
                    padding: Padding(top: 2, left: 1, bottom: 2, right: 2), groups: 4, hasBias: false))),
        LayerCase("pointwise", .convolution(Convolution(4, 17, kernel: Extent(1)))),
        LayerCase(
            "skipping", .convolution(Convolution(4, 3, kernel: Extent(2, 1), stride: Extent(4, 3)))),
        LayerCase(
            "farPadding",
            .convolution(
                Convolution(
                    4, 3, kernel: Extent(2), stride: Extent(3),
                    padding: Padding(top: 3, left: 0, bottom: 2, right: 4)))),
        LayerCase(
            "transposed", .transposedConvolution(TransposedConvolution(4, 3, kernel: Extent(3, 2)))),
        LayerCase(
            "transposedStrided",
            .transposedConvolution(
                TransposedConvolution(
                    4, 3, kernel: Extent(3), stride: Extent(2),
                    padding: Padding(top: 1, left: 0, bottom: 0, right: 2), outputPadding: Extent(1, 0)))),
        LayerCase(
            "transposedGrouped",
            .transposedConvolution(
                TransposedConvolution(
                    4, 6, kernel: Extent(2, 3), stride: Extent(3, 2), padding: Padding(1),
                    outputPadding: Extent(2, 1), groups: 2, hasBias: false))),
        LayerCase(
            "transposedDilated",
            .transposedConvolution(
                TransposedConvolution(
                    4, 2, kernel: Extent(3, 2), stride: Extent(1, 2),
                    padding: Padding(top: 0, left: 1, bottom: 2, right: 0), outputPadding: Extent(0, 1),
                    dilation: Extent(2, 3)))),
        LayerCase("linear", .linear(Linear(10, 7)), vector),
    ]

    private static let poolings: [LayerCase] = {
        let three = Extent(3)
        let two = Extent(2)
        let around = Padding(1)
        return [
            LayerCase(
                "maximum",
                .pooling(Pooling(.maximum, window: three, stride: two, padding: around, ceilMode: true))),
            LayerCase(
                "maximumOneSided",
                .pooling(
                    Pooling(
                        .maximum, window: Extent(2, 3), stride: Extent(2, 1),
                        padding: Padding(top: 1, left: 0, bottom: 0, right: 1)))),
            LayerCase("average", .pooling(Pooling(.average, window: two))),
            LayerCase(
                "averageCeiling",
                .pooling(Pooling(.average, window: three, stride: two, padding: around, ceilMode: true))),
            LayerCase(
                "averageCeilingNoPadding",
                .pooling(Pooling(.average, window: three, stride: two, ceilMode: true))),
            LayerCase(
                "averageExcluding",
                .pooling(
                    Pooling(
                        .average, window: three, stride: two, padding: around, ceilMode: true,
                        countsPadding: false))),
            LayerCase(
                "averageSame",
                .pooling(
                    Pooling(
                        .average, window: three, stride: two,
                        padding: Padding(top: 1, left: 0, bottom: 1, right: 1), countsPadding: false))),
            LayerCase("adaptiveAverage", .adaptivePooling(AdaptivePooling(.average, output: Extent(3, 5)))),
            LayerCase(
                "adaptiveAverageLarger", .adaptivePooling(AdaptivePooling(.average, output: Extent(9, 3)))),
            LayerCase("adaptiveMaximum", .adaptivePooling(AdaptivePooling(.maximum, output: Extent(3, 5)))),
            LayerCase("globalAverage", .globalPooling(GlobalPooling(.average))),
            LayerCase("globalAverageKept", .globalPooling(GlobalPooling(.average, keepsDimensions: true))),
            LayerCase("globalMaximum", .globalPooling(GlobalPooling(.maximum))),
            LayerCase("globalMaximumKept", .globalPooling(GlobalPooling(.maximum, keepsDimensions: true))),
        ]
    }()
}
