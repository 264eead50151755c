import Testing
import ZooLayerGraphs
import ZooTensors

/// Every kind of layer: shapes, parameters, costs, and its way through a graph document.
@Suite struct GraphLayerTests {
    private let map: TensorShape = [2, 4, 6, 5]

    /// A graph in which every kind of layer stands once at least, some with several inputs, one in two places.
    static func everyKind() throws -> LayerGraph {
        let convolution = Layer.convolution(
            Convolution(4, 4, kernel: Extent(3), padding: Padding(1), groups: 4, hasBias: false))
        let activations: [Activation] = [
            .relu, .relu6, .leakyReLU(slope: 0.3), .silu, .sigmoid, .tanh, .hardSwish,
            .hardSigmoid(slope: 1.0 / 6), .hardSigmoid(slope: 0.2), .elu(alpha: 1), .selu,
            .gelu(approximate: false), .gelu(approximate: true), .softplus,
            .rectifier(Activation.Rectifier(slope: 0.1, threshold: 0.5, ceiling: 4)),
            .rectifier(Activation.Rectifier(threshold: 1)),
        ]
        var nodes = [
            Node("rescale", .rescaling(Rescaling(scale: [1 / 255.0], offset: [-0.5])), inputs: ["input"]),
            Node(
                "standard",
                .normalization(
                    Normalization(3, constants: .init(mean: [0.1, 0.2, 0.3], variance: [1, 2, 3]))),
                inputs: ["rescale"]),
            Node("adapted", .normalization(Normalization(3)), inputs: ["standard"]),
            Node("conv", .convolution(Convolution(3, 4, kernel: Extent(1))), inputs: ["adapted"]),
            Node("a", convolution, inputs: ["conv"]),
            Node("b", convolution, inputs: ["a"], sharing: "a"),
            Node(
                "bn",
                .batchNormalization(
                    BatchNormalization(
                        4, epsilon: 1e-3, momentum: 0.01, hasScale: false, usesBiasedVariance: true)),
                inputs: ["b"]),
            Node("prelu", .parametricReLU(channels: 4), inputs: ["bn"]),
            Node(
                "squeeze", .globalPooling(GlobalPooling(.average, keepsDimensions: true)), inputs: ["prelu"]),
            Node("excite", .multiply, inputs: ["prelu", "squeeze"]),
            Node("sum", .add, inputs: ["excite", "excite", "a"]),
            Node("mean", .average, inputs: ["sum", "b"]),
            Node("join", .concatenate(axis: 1), inputs: ["mean", "conv"]),
            Node("pad", .padding(Padding(top: 0, left: 0, bottom: 1, right: 2)), inputs: ["join"]),
            Node("crop", .cropping(Padding(top: 1, left: 0, bottom: 0, right: 0)), inputs: ["pad"]),
            Node(
                "up", .upsampling(Upsampling(Extent(2, 1), interpolation: .bilinear)), inputs: ["crop"]),
            Node(
                "deconv",
                .transposedConvolution(
                    TransposedConvolution(
                        8, 6, kernel: Extent(3), stride: Extent(2),
                        padding: Padding(top: 0, left: 0, bottom: 1, right: 1), outputPadding: Extent(1, 0),
                        groups: 2)),
                inputs: ["up"]),
            Node(
                "lrn",
                .localResponseNormalization(
                    LocalResponseNormalization(size: 5, alpha: 1e-3, beta: 0.5, k: 2)), inputs: ["deconv"]),
            Node("maps", .spatialDropout(probability: 0.1), inputs: ["lrn"]),
            Node("rows", .stochasticDepth(probability: 0.2), inputs: ["maps"]),
            Node("pool", .adaptivePooling(AdaptivePooling(.average, output: Extent(2, 3))), inputs: ["rows"]),
            Node("largest", .pooling(Pooling(.maximum, window: Extent(1))), inputs: ["pool"]),
            Node("turn", .permute(axes: [0, 1, 3, 2]), inputs: ["largest"]),
            Node("shape", .reshape(Reshape([4, 9], order: .channelsLast)), inputs: ["turn"]),
            Node("flat", .flatten(.channelsLast), inputs: ["shape"]),
            Node("drop", .dropout(probability: 0.5), inputs: ["flat"]),
        ]
        for (index, function) in activations.enumerated() {
            nodes.append(Node("act\(index)", .activation(function), inputs: [nodes[nodes.count - 1].path]))
        }
        nodes.append(Node("head", .linear(Linear(36, 5)), inputs: [nodes[nodes.count - 1].path]))
        nodes.append(Node("softmax", .softmax, inputs: ["head"]))
        return try LayerGraph(
            architecture: "custom", input: InputShape(channels: 3, height: 4, width: 5), nodes: nodes,
            head: "head")
    }

    @Test func shapesOfTheWholeGraph() throws {
        let shapes = try Self.everyKind().shapes(batch: 2)
        #expect(shapes["squeeze"] == [2, 4, 1, 1])
        #expect(shapes["excite"] == [2, 4, 4, 5])
        #expect(shapes["join"] == [2, 8, 4, 5])
        #expect(shapes["pad"] == [2, 8, 5, 7])
        #expect(shapes["crop"] == [2, 8, 4, 7])
        #expect(shapes["up"] == [2, 8, 8, 7])
        // Rows: 7·2 + 3 + 1 − 1; columns: 6·2 + 3 − 1.
        #expect(shapes["deconv"] == [2, 6, 17, 14])
        #expect(shapes["turn"] == [2, 6, 3, 2])
        #expect(shapes["shape"] == [2, 4, 9])
        #expect(shapes["flat"] == [2, 36])
        #expect(shapes["softmax"] == [2, 5])
    }

    @Test func parametersAreCountedOnce() throws {
        let graph = try Self.everyKind()
        let names = graph.parameters.map(\.path.description)
        #expect(
            names == [
                "adapted.running_mean", "adapted.running_var", "conv.weight", "conv.bias", "a.weight",
                "bn.bias",
                "bn.running_mean", "bn.running_var", "prelu.weight", "deconv.weight", "deconv.bias",
                "head.weight", "head.bias",
            ])
        let shapes = Dictionary(graph.parameters.map { ($0.path.description, $0.shape) }) { $1 }
        #expect(shapes["a.weight"] == [4, 1, 3, 3])
        #expect(shapes["deconv.weight"] == [8, 3, 3, 3])
        let summary = try GraphSummary(graph, batch: 2)
        #expect(summary.parameters == 16 + 36 + 4 + 4 + 216 + 6 + 185)
        #expect(summary.statistics == 6 + 8)
        #expect(summary.parameterBytes == 4 * (summary.parameters + summary.statistics))
        let shared = try #require(summary.rows.first { $0.path == "b" })
        #expect(shared.parameters == 0 && shared.details.contains("shared with a"))
        #expect(shared.multiplyAdds == 2 * 4 * 4 * 5 * 9)
        #expect(shared.variables.isEmpty && summary.rows.contains { $0.variables.count == 3 })
    }

    @Test func documentsComeBackAsTheyWere() throws {
        let graph = try Self.everyKind()
        let text = GraphDocument.json(graph, keys: [ParameterPath("bn", .runningMean): "k"]).text(
            pretty: true)
        let (back, keys) = try GraphDocument.parse(JSONParser.parse(text))
        #expect(back == graph)
        #expect(keys == [ParameterPath("bn", .runningMean): "k"])
    }

    /// The form that people write leaves much out, and says the same.
    @Test func shortDocumentsComeBackAsTheyWere() throws {
        let graph = try Self.everyKind()
        let keys = [
            ParameterPath("conv", .weight): "stem.weight", ParameterPath("conv", .bias): "stem.bias",
            ParameterPath("bn", .bias): "beta",
        ]
        let text = GraphDocument.shortText(graph, keys: keys)
        let back = try GraphDocument.read(JSONParser.parse(text))
        #expect(back.graph == graph)
        #expect(back.keys == keys)
        #expect(text.contains("\"key\": \"stem\"") && text.contains("\"keys\": {\"bias\": \"beta\"}"))
        #expect(text.utf8.count < GraphDocument.json(graph, keys: keys).text().utf8.count)
    }

    @Test func documentsThatContradictThemselvesAreRefused() throws {
        let text = GraphDocument.json(try Self.everyKind()).text()
        for (old, new) in [
            ("\"axes\": [0, 1, 3, 2]", "\"axes\": [0, 1, 3, 3]"),
            ("\"axes\": [0, 1, 3, 2]", "\"axes\": [1, 0, 3, 2]"),
            ("\"shape\": [4, 9]", "\"shape\": [4, 10]"), ("\"shape\": [4, 9]", "\"shape\": []"),
            ("\"shared_with\": \"a\"", "\"shared_with\": \"conv\""),
            ("\"shared_with\": \"a\"", "\"shared_with\": \"softmax\""),
            ("\"shared_with\": \"a\"", "\"shared_with\": 7"),
            ("\"inputs\": [\"prelu\", \"squeeze\"]", "\"inputs\": []"),
            ("\"inputs\": [\"prelu\", \"squeeze\"]", "\"inputs\": [\"prelu\", 3]"),
            ("\"inputs\": [\"prelu\", \"squeeze\"]", "\"inputs\": [\"prelu\", \"rescale\"]"),
            ("\"inputs\": [\"flat\"]", "\"inputs\": [\"flat\", \"flat\"]"),
            ("\"cropping\": [1, 0, 0, 0]", "\"cropping\": [5, 0, 0, 0]"),
            ("\"factor\": [2, 1]", "\"factor\": [0, 1]"), ("\"factor\": [2, 1]", "\"factor\": [2]"),
            ("\"mean\": [0.1, 0.2, 0.3]", "\"mean\": [0.1, 0.2]"), ("\"mean\": [0.1, 0.2, 0.3], ", ""),
            ("\"epsilon\": 0.001", "\"epsilon\": \"0.001\""), ("\"epsilon\": 0.001", "\"epsilon\": -1"),
            ("\"size\": 5", "\"size\": 0"), ("\"beta\": 0.5", "\"beta\": -0.5"),
            ("\"momentum\": 0.01", "\"momentum\": 2"), ("\"axis\": 1", "\"axis\": 0"),
            ("\"axis\": 1", "\"axis\": 7"),
            ("\"interpolation\": \"bilinear\"", "\"interpolation\": \"bicubic\""),
            ("\"function\": \"elu\"", "\"function\": \"yelu\""), ("\"output\": [2, 3]", "\"output\": [0, 3]"),
            ("\"output_padding\": [1, 0]", "\"output_padding\": [1, -1]"),
        ] {
            #expect(text.contains(old), "\(old) isn't in the document")
            let changed = text.replacing(old, with: new)
            #expect(throws: ZooError.self, "\(new)") { try GraphDocument.parse(JSONParser.parse(changed)) }
        }
    }

    @Test func globalPooling() throws {
        #expect(try Layer.globalPooling(GlobalPooling(.maximum)).outputShape(for: map) == [2, 4])
        #expect(throws: ZooError.self) {
            try Layer.globalPooling(GlobalPooling(.maximum)).outputShape(for: [2, 4])
        }
    }

    /// PyTorch: (n − 1)·stride − 2·padding + dilation·(k − 1) + output padding + 1.
    @Test func transposedConvolution() throws {
        let layer = TransposedConvolution(
            4, 8, kernel: Extent(3, 4), stride: Extent(2, 3), padding: Padding(1),
            outputPadding: Extent(1, 2),
            dilation: Extent(2, 1))
        #expect(try Layer.transposedConvolution(layer).outputShape(for: map) == [2, 8, 14, 16])
        // Each of the 4·6·5 numbers that a picture has is spread by a kernel of 3×4 to 8 channels.
        #expect(
            Layer.transposedConvolution(layer).multiplyAdds(output: [2, 8, 14, 16])
                == 2 * 4 * 6 * 5 * 8 * 3 * 4)
        #expect(Layer.transposedConvolution(layer).multiplyAdds(output: [2, 8, .max, .max]) > 0)
    }

    @Test func operandsBroadcastOnlyAlongExtentsOfOne() throws {
        #expect(try Layer.multiply.outputShape(of: [[2, 1, 6, 5], [2, 4, 1, 1]]) == map)
        for other: TensorShape in [[2, 4, 6, 4], [2, 4], [3, 4, 6, 5]] {
            #expect(throws: ZooError.self, "\(other)") { try Layer.add.outputShape(of: [map, other]) }
        }
        #expect(try Layer.concatenate(axis: 2).outputShape(of: [map, [2, 4, 1, 5]]) == [2, 4, 7, 5])
        #expect(throws: ZooError.self) {
            try Layer.concatenate(axis: 1).outputShape(of: [map, [2, 4, 1, 5]])
        }
    }

    @Test func numbersFromStrangersDontTrap() throws {
        let large = 1 << 24
        let convolution = Layer.convolution(Convolution(large, large, kernel: Extent(large)))
        #expect(convolution.parameterCount == .max)
        #expect(convolution.multiplyAdds(output: [large, large, large]) == .max)
        #expect(throws: ZooError.self) {
            try Layer.upsampling(Upsampling(Extent(large))).outputShape(for: [1, 1, large, large])
        }
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 9, width: 9),
            chain: (0..<4).map { ("up\($0)", .upsampling(Upsampling(Extent(1 << 12)))) })
        #expect(throws: ZooError.self) { try GraphSummary(graph) }
        #expect(Activation.Rectifier(slope: 0.2).activation == .leakyReLU(slope: 0.2))
        #expect(Activation.Rectifier(ceiling: 6).activation == .relu6)
        #expect(Activation.Rectifier(threshold: 1).activation.name == "rectifier")
    }
}
