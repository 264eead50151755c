import Testing
import ZooLayerGraphs
import ZooTensors

/// A layer with unusual numbers, the counterpart of one in make-layer-goldens.py.
struct LayerCase: CustomTestStringConvertible {
    let name: String
    let layer: Layer
    /// `[N, C, H, W]`, or `[N, F]` for layers that need it; those stand behind a flatten.
    let input: TensorShape

    var testDescription: String { name }

    static let all: [LayerCase] = {
        let image: TensorShape = [2, 4, 7, 8]
        let three = Extent(3)
        let two = Extent(2)
        let around = Padding(1)
        let cases: [(String, Layer, TensorShape)] = [
            (
                "convolution",
                .convolution(
                    Convolution(
                        4, 6, kernel: Extent(3, 5), stride: Extent(2, 1),
                        padding: Padding(top: 1, left: 2, bottom: 0, right: 1), dilation: Extent(1, 2))),
                image
            ),
            (
                "grouped",
                .convolution(
                    Convolution(
                        4, 6, kernel: three, stride: Extent(1, 2), padding: around, dilation: Extent(2, 1),
                        groups: 2)), image
            ),
            (
                "depthwise",
                .convolution(
                    Convolution(
                        4, 8, kernel: three, padding: Padding(top: 0, left: 1, bottom: 1, right: 0), groups: 4
                    )),
                image
            ),
            ("pointwise", .convolution(Convolution(4, 17, kernel: Extent(1))), image),
            ("linear", .linear(Linear(10, 7)), [3, 10]),
            (
                "maximum",
                .pooling(Pooling(.maximum, window: three, stride: two, padding: around, ceilMode: true)),
                image
            ),
            (
                "maximumOneSided",
                .pooling(
                    Pooling(
                        .maximum, window: Extent(2, 3), stride: Extent(2, 1),
                        padding: Padding(top: 1, left: 0, bottom: 0, right: 1))), image
            ),
            ("average", .pooling(Pooling(.average, window: two)), image),
            (
                "averageCeiling",
                .pooling(Pooling(.average, window: three, stride: two, padding: around, ceilMode: true)),
                image
            ),
            (
                "averageCeilingNoPadding",
                .pooling(Pooling(.average, window: three, stride: two, ceilMode: true)), image
            ),
            (
                "averageExcluding",
                .pooling(
                    Pooling(
                        .average, window: three, stride: two, padding: around, ceilMode: true,
                        countsPadding: false)), image
            ),
            (
                "averageSame",
                .pooling(
                    Pooling(
                        .average, window: three, stride: two,
                        padding: Padding(top: 1, left: 0, bottom: 1, right: 1), countsPadding: false)), image
            ),
            ("flattenFirst", .flatten(.channelsFirst), image),
            ("flattenLast", .flatten(.channelsLast), image),
            ("relu", .activation(.relu), image),
            ("sigmoid", .activation(.sigmoid), image),
            ("tanh", .activation(.tanh), image),
            ("softmax", .softmax, [3, 10]),
        ]
        return cases.map { LayerCase(name: $0.0, layer: $0.1, input: $0.2) }
    }()

    /// The layer alone; vectors enter as `[N, F, 1, 1]` through a flatten.
    func graph() throws(ZooError) -> LayerGraph {
        if input.rank == 2 {
            return try LayerGraph(
                architecture: "custom", input: InputShape(channels: input[1], height: 1, width: 1),
                chain: [("flatten", .flatten(.channelsFirst)), ("layer", layer)])
        }
        return try LayerGraph(
            architecture: "custom", input: InputShape(channels: input[1], height: input[2], width: input[3]),
            chain: [("layer", layer)])
    }

    /// The shape in which ``input`` enters ``graph()``.
    var inputShape: TensorShape { input.rank == 2 ? [input[0], input[1], 1, 1] : input }
}
