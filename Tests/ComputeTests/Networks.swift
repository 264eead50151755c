import ZooLayerGraphs
import ZooTensors

/// Networks that the tests run: the LeNet family, and things harder than it.
enum Network: String, CaseIterable {
    case padded, tutorial, classic, awkward, blocks

    func graph() throws(ZooError) -> LayerGraph {
        switch self {
        case .padded: try Network.padded()
        case .tutorial: try Network.tutorial()
        case .classic: try Network.classic()
        case .awkward: try Network.awkward()
        case .blocks: try Network.blocks()
        }
    }

    /// Dive into Deep Learning's LeNet: padding, sigmoid, average pooling.
    private static func padded() throws(ZooError) -> LayerGraph {
        try lenet(28, first: Convolution(1, 6, kernel: Extent(5), padding: Padding(2)), .sigmoid, .average)
    }

    /// The PyTorch tutorial's LeNet: ReLU, max pooling.
    private static func tutorial() throws(ZooError) -> LayerGraph {
        try lenet(32, first: Convolution(1, 6, kernel: Extent(5)), .relu, .maximum)
    }

    /// The classic LeNet-5 with a third convolution, tanh, average pooling.
    private static func classic() throws(ZooError) -> LayerGraph {
        try LayerGraph(
            architecture: "lenet", input: InputShape(channels: 1, height: 32, width: 32),
            chain: [
                ("c1", .convolution(Convolution(1, 6, kernel: Extent(5)))), ("t1", .activation(.tanh)),
                ("p1", .pooling(Pooling(.average, window: Extent(2)))),
                ("c2", .convolution(Convolution(6, 16, kernel: Extent(5)))), ("t2", .activation(.tanh)),
                ("p2", .pooling(Pooling(.average, window: Extent(2)))),
                ("c3", .convolution(Convolution(16, 120, kernel: Extent(5)))), ("t3", .activation(.tanh)),
                ("flatten", .flatten(.channelsFirst)), ("f1", .linear(Linear(120, 84))),
                ("t4", .activation(.tanh)), ("f2", .linear(Linear(84, 10))),
            ], head: "f2")
    }

    private static func lenet(
        _ side: Int, first: Convolution, _ function: Activation, _ pooling: Pooling.Operation
    ) throws(ZooError) -> LayerGraph {
        try LayerGraph(
            architecture: "lenet", input: InputShape(channels: 1, height: side, width: side),
            chain: [
                ("conv1", .convolution(first)), ("act1", .activation(function)),
                ("pool1", .pooling(Pooling(pooling, window: Extent(2)))),
                ("conv2", .convolution(Convolution(6, 16, kernel: Extent(5)))),
                ("act2", .activation(function)),
                ("pool2", .pooling(Pooling(pooling, window: Extent(2)))),
                ("flatten", .flatten(.channelsFirst)),
                ("fc1", .linear(Linear(400, 120))), ("act3", .activation(function)),
                ("fc2", .linear(Linear(120, 84))), ("act4", .activation(function)),
                ("fc3", .linear(Linear(84, 10))),
            ], head: "fc3")
    }

    /// Odd channels, one-sided padding, dilation, groups, strides, ceil mode, a flatten in Keras' order, dropout
    /// before and behind it, a softmax at the end.
    private static func awkward() throws(ZooError) -> LayerGraph {
        try LayerGraph(
            architecture: "custom", input: InputShape(channels: 3, height: 19, width: 22),
            chain: [
                (
                    "conv1",
                    .convolution(
                        Convolution(
                            3, 10, kernel: Extent(3, 5), stride: Extent(2, 1),
                            padding: Padding(top: 0, left: 2, bottom: 1, right: 1)))
                ), ("relu1", .activation(.relu)),
                (
                    "conv2",
                    .convolution(
                        Convolution(
                            10, 14, kernel: Extent(3), padding: Padding(2), dilation: Extent(2), groups: 2,
                            hasBias: false))
                ),
                (
                    "pool1",
                    .pooling(
                        Pooling(
                            .average, window: Extent(3), stride: Extent(2), padding: Padding(1),
                            ceilMode: true))
                ), ("tanh1", .activation(.tanh)), ("drop1", .dropout(probability: 0.3)),
                ("conv3", .convolution(Convolution(14, 17, kernel: Extent(1)))),
                (
                    "pool2",
                    .pooling(
                        Pooling(
                            .average, window: Extent(2, 3), stride: Extent(2, 2),
                            padding: Padding(top: 0, left: 1, bottom: 1, right: 1), countsPadding: false))
                ), ("flatten", .flatten(.channelsLast)), ("sigmoid1", .activation(.sigmoid)),
                ("drop2", .dropout(probability: 0.5)), ("fc1", .linear(Linear(17 * 3 * 6, 33))),
                ("relu2", .activation(.relu)), ("fc2", .linear(Linear(33, 7, hasBias: false))),
                ("softmax", .softmax),
            ], head: "fc2")
    }

    /// Channels in whole blocks, as large networks have them.
    private static func blocks() throws(ZooError) -> LayerGraph {
        try LayerGraph(
            architecture: "custom", input: InputShape(channels: 3, height: 24, width: 24),
            chain: [
                ("conv1", .convolution(Convolution(3, 32, kernel: Extent(3), padding: Padding(1)))),
                ("relu1", .activation(.relu)),
                ("conv2", .convolution(Convolution(32, 64, kernel: Extent(3), padding: Padding(1)))),
                ("relu2", .activation(.relu)),
                (
                    "pool2",
                    .pooling(Pooling(.maximum, window: Extent(3), stride: Extent(2), padding: Padding(1)))
                ),
                ("drop", .dropout(probability: 0.4)),
                ("conv3", .convolution(Convolution(64, 48, kernel: Extent(3), stride: Extent(2)))),
                ("relu3", .activation(.relu)), ("flatten", .flatten(.channelsFirst)),
                ("fc", .linear(Linear(48 * 25, 10))),
            ], head: "fc")
    }
}
