import ZooLayerGraphs
import ZooTensors

/// Networks that everyone knows, as torchvision builds them; nodes stand in the order of its state dicts.
enum KnownNetwork {
    /// Deep Residual Learning for Image Recognition, 18 layers.
    static func resNet18(classes: Int) throws(ZooError) -> LayerGraph {
        var net = NetworkBuilder()
        net.normalized(
            "conv1", "bn1",
            Convolution(3, 64, kernel: Extent(7), stride: Extent(2), padding: Padding(3), hasBias: false))
        net.add("relu", .activation(.relu))
        net.add(
            "maxpool", .pooling(Pooling(.maximum, window: Extent(3), stride: Extent(2), padding: Padding(1))))
        for (stage, width) in [64, 128, 256, 512].enumerated() {
            for block in 0..<2 {
                let path = "layer\(stage + 1).\(block)"
                let shortcut = net.last
                let shrinks = stage > 0 && block == 0
                let inputs = shrinks ? width / 2 : width
                net.normalized(
                    "\(path).conv1", "\(path).bn1",
                    Convolution(
                        inputs, width, kernel: Extent(3), stride: Extent(shrinks ? 2 : 1),
                        padding: Padding(1), hasBias: false))
                net.add("\(path).relu1", .activation(.relu))
                net.normalized(
                    "\(path).conv2", "\(path).bn2",
                    Convolution(width, width, kernel: Extent(3), padding: Padding(1), hasBias: false))
                let branch = net.last
                net.last = shortcut
                if shrinks {
                    net.normalized(
                        "\(path).downsample.0", "\(path).downsample.1",
                        Convolution(inputs, width, kernel: Extent(1), stride: Extent(2), hasBias: false))
                }
                net.add("\(path).add", .add, inputs: [branch, net.last])
                net.add("\(path).relu2", .activation(.relu))
            }
        }
        net.add("avgpool", .globalPooling(GlobalPooling(.average)))
        net.add("fc", .linear(Linear(512, classes)))
        return try net.graph("resnet18")
    }

    /// EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, the smallest.
    static func efficientNetB0() throws(ZooError) -> LayerGraph {
        var net = NetworkBuilder()
        net.normalized(
            "features.0.0", "features.0.1",
            Convolution(3, 32, kernel: Extent(3), stride: Extent(2), padding: Padding(1), hasBias: false))
        net.add("features.0.2", .activation(.silu))
        /// Expansion, kernel, stride, channels in and out, blocks.
        let stages = [
            (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
            (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
        ]
        for (stage, (expansion, kernel, stride, inputs, outputs, blocks)) in stages.enumerated() {
            for block in 0..<blocks {
                net.invertedResidual(
                    "features.\(stage + 1).\(block)", expansion, kernel, stride: block == 0 ? stride : 1,
                    block == 0 ? inputs : outputs, outputs)
            }
        }
        net.normalized(
            "features.8.0", "features.8.1", Convolution(320, 1280, kernel: Extent(1), hasBias: false))
        net.add("features.8.2", .activation(.silu))
        net.add("avgpool", .globalPooling(GlobalPooling(.average)))
        net.add("classifier.0", .dropout(probability: 0.2))
        net.add("classifier.1", .linear(Linear(1280, 1000)))
        return try net.graph("efficientnet_b0")
    }
}

private struct NetworkBuilder {
    var nodes: [Node] = []
    /// Whose result the next layer takes.
    var last = LayerGraph.inputPath

    mutating func add(_ path: String, _ layer: Layer, inputs: [String]? = nil) {
        nodes.append(Node(path, layer, inputs: inputs ?? [last]))
        last = path
    }

    mutating func normalized(_ path: String, _ norm: String, _ convolution: Convolution) {
        add(path, .convolution(convolution))
        add(norm, .batchNormalization(BatchNormalization(convolution.outputChannels)))
    }

    mutating func invertedResidual(
        _ path: String, _ expansion: Int, _ kernel: Int, stride: Int, _ inputs: Int, _ outputs: Int
    ) {
        let (start, width) = (last, inputs * expansion)
        var part = 0
        if expansion > 1 {
            normalized(
                "\(path).block.0.0", "\(path).block.0.1",
                Convolution(inputs, width, kernel: Extent(1), hasBias: false))
            add("\(path).block.0.2", .activation(.silu))
            part = 1
        }
        normalized(
            "\(path).block.\(part).0", "\(path).block.\(part).1",
            Convolution(
                width, width, kernel: Extent(kernel), stride: Extent(stride), padding: Padding(kernel / 2),
                groups: width, hasBias: false))
        add("\(path).block.\(part).2", .activation(.silu))
        let (wide, squeeze) = (last, "\(path).block.\(part + 1)")
        add("\(squeeze).avgpool", .globalPooling(GlobalPooling(.average, keepsDimensions: true)))
        add("\(squeeze).fc1", .convolution(Convolution(width, inputs / 4, kernel: Extent(1))))
        add("\(squeeze).activation", .activation(.silu))
        add("\(squeeze).fc2", .convolution(Convolution(inputs / 4, width, kernel: Extent(1))))
        add("\(squeeze).scale_activation", .activation(.sigmoid))
        add(squeeze, .multiply, inputs: [last, wide])
        normalized(
            "\(path).block.\(part + 2).0", "\(path).block.\(part + 2).1",
            Convolution(width, outputs, kernel: Extent(1), hasBias: false))
        if stride == 1, inputs == outputs { add("\(path).add", .add, inputs: [last, start]) }
    }

    func graph(_ architecture: String) throws(ZooError) -> LayerGraph {
        try LayerGraph(
            architecture: architecture, input: InputShape(channels: 3, height: 224, width: 224), nodes: nodes)
    }
}

/// The numbers that known results were computed with: a hash of the position in the state dict and of the index.
enum DeterministicFilling {
    /// Uniform in 0 to 1.
    static func uniform(_ entry: Int, _ index: Int) -> Double {
        var x = UInt32(truncatingIfNeeded: index &+ entry &* 0x9E37_79B9)
        x ^= x >> 16
        x = x &* 0x85EB_CA6B
        x ^= x >> 13
        x = x &* 0xC2B2_AE35
        x ^= x >> 16
        return Double(x) * 0x1p-32
    }

    static func input(_ shape: TensorShape) throws -> Tensor {
        try Tensor(
            (0..<shape.elementCount).map { Float((uniform(1_000_000, $0) - 0.5) * 4) }, shape: shape)
    }

    static func parameters(_ graph: LayerGraph) throws -> ParameterTable {
        var table = ParameterTable()
        var entry = 0
        for specification in graph.parameters {
            let (shape, role) = (specification.shape, specification.path.role)
            let values = (0..<shape.elementCount).map { index in
                let number = uniform(entry, index)
                if shape.rank > 1 {
                    let fanIn = shape.elementCount / shape[0]
                    return Float((number - 0.5) * 2 * (6 / Double(fanIn)).squareRoot())
                }
                let isScale = role == .weight || role == .runningVariance
                return Float(isScale ? 0.5 + number : (number - 0.5) * 0.2)
            }
            table[specification.path] = try Tensor(values, shape: shape)
            // Behind a running variance stands `num_batches_tracked`.
            entry += role == .runningVariance ? 2 : 1
        }
        return table
    }
}
