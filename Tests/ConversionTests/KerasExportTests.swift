import Testing
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// Models in Keras' terms: every network of KerasNetworkTests goes out as the network that came in, and what PyTorch
/// says in another way is said in Keras' way or refused.
@Suite(.serialized) struct KerasExportTests {
    /// Networks whose numbers fit into a test.
    static let names = KerasNetworkTests.entries.filter { $0.value.parameters < 10_000_000 }.keys.sorted()

    private func model(
        _ graph: LayerGraph, dialect: String = "keras", format: String = "keras-archive",
        outputActivation: String? = nil, dataFormat: String? = nil, filled: Bool = false
    ) throws -> Model {
        var parameters = ParameterTable()
        var next: Float = 0
        for specification in graph.parameters {
            if filled {
                let values = (0..<specification.shape.elementCount).map { next + Float($0) }
                next += Float(values.count)
                parameters[specification.path] = try Tensor(values, shape: specification.shape)
            } else {
                parameters[specification.path] = try Tensor(zeros: specification.shape)
            }
        }
        return try Model(
            graph: graph, parameters: parameters, preprocessing: Preprocessing(channels: .rgb),
            provenance: Provenance(
                format: format, dialect: dialect, outputActivation: outputActivation, dataFormat: dataFormat))
    }

    private func exported(_ name: String) throws -> (network: KerasNetwork, keras: KerasModel) {
        let entry = try #require(KerasNetworkTests.entries[name])
        let network = try KerasNetwork(
            modelConfig: entry.config, version: entry.version, inputSize: entry.inputSize)
        let isFirst = name.hasPrefix("channels_first") || name == "keras1"
        let model = try model(
            network.graph, outputActivation: network.outputActivation,
            dataFormat: isFirst ? "channels_first" : nil)
        return (network, try Export.keras(model))
    }

    /// What a graph computes, as a number for its output: the same for graphs that differ in names of nodes without
    /// parameters, and in the order of nodes, alone.
    private struct Meaning {
        private var numbers: [String: Int] = [:]

        mutating func output(_ graph: LayerGraph) -> Int {
            var values = [LayerGraph.inputPath: number("input \(graph.input)")]
            for node in graph.nodes {
                let owner =
                    node.layer.parameterShapes.isEmpty
                    ? "" : node.parameterOwner.replacing(".", with: "_")
                let operands = node.inputs.map { values[$0].map(String.init) ?? "?" }
                values[node.path] = number("\(node.layer) \(owner) \(operands.joined(separator: ","))")
            }
            return values[graph.output] ?? -1
        }

        private mutating func number(_ text: String) -> Int {
            let number = numbers[text] ?? numbers.count
            numbers[text] = number
            return number
        }
    }

    @Test(arguments: names) func everyNetworkComesBack(_ name: String) throws {
        let (network, keras) = try exported(name)
        for config in [keras.archiveConfig, keras.legacyConfig] {
            // Keras 1's hard_sigmoid is made of two layers.
            if name == "keras1" { continue }
            let text = config.text(sortedKeys: false)
            let back = try KerasNetwork(modelConfig: JSONParser.parse(text), version: "3.15.1")
            var meaning = Meaning()
            #expect(meaning.output(back.graph) == meaning.output(network.graph))
            #expect(back.outputActivation == network.outputActivation)
        }
        let elements = keras.layers.flatMap(\.weights).filter { $0.name != "count" }
            .reduce(0) { $0 + $1.tensor.elementCount }
        let summary = try GraphSummary(network.graph)
        #expect(elements == summary.parameters + summary.statistics)
    }

    /// Layers stand as Keras' own `model.layers` has them, by which it pairs them with a file's.
    @Test(arguments: names) func layersAreInTheOrderOfKeras(_ name: String) throws {
        let entry = try #require(KerasNetworkTests.entries[name])
        let wanted = entry.layers.compactMap { $0["path"]?.stringValue }
        // The order of layers in a model inside a model is not that of one flat model, and Keras 1 had another.
        guard name != "keras1", !wanted.contains(where: { $0.contains(".") }) else { return }
        let known = Set(wanted)
        let keras = try exported(name).keras
        let found = keras.layers.map(\.name).filter { known.contains($0) }
        let left = Set(found)
        #expect(
            found == wanted.filter { left.contains($0) }
                && Set(keras.layers.map(\.name)).count == keras.layers.count)
        #expect(!found.isEmpty)
    }

    @Test func layersOfOneKindAreThoseThatCameIn() throws {
        let keras = try exported("everything").keras
        let classes = Dictionary(keras.layers.map { ($0.name, $0.className) }) { first, _ in first }
        #expect(classes["separable"] == "SeparableConv2D" && classes["depth"] == "DepthwiseConv2D")
        #expect(classes["adapted"] == "Normalization" && classes["slopes"] == "PReLU")
        #expect(classes["pictures"] == nil && classes["input"] == "InputLayer")
        let separable = try #require(keras.layers.first { $0.name == "separable" })
        #expect(separable.weights.map(\.name) == ["depthwise_kernel", "pointwise_kernel", "bias"])
        #expect(separable.config["activation"] == "elu")
        let adapted = try #require(keras.layers.first { $0.name == "adapted" })
        #expect(adapted.weights.map(\.name) == ["mean", "variance", "count"])
        #expect(adapted.weights[2].tensor.shape == [] && adapted.weights[2].tensor.elementType == .i64)
        #expect(keras.notes.contains { $0.contains("count") })
        // One layer in two places stays one layer.
        let nested = try exported("nested").keras
        #expect(nested.layers.filter { $0.name.contains("shared") }.count == 1)
        let calls = nested.archiveConfig["config"]?["layers"]?.arrayValue?.first {
            $0["name"] == "shared"
        }
        #expect(calls?["inbound_nodes"]?.arrayValue?.count == 2)
    }

    @Test func chainsAreSequentialAndOthersFunctional() throws {
        #expect(try exported("sequential").keras.archiveConfig["class_name"] == "Sequential")
        #expect(try exported("flattening").keras.archiveConfig["class_name"] == "Functional")
        #expect(try exported("vectors").keras.layers.first?.className == "Dense")
        let input = try exported("plain_pictures").keras.legacyConfig["config"]?["build_input_shape"]
        #expect(input == [.null, 28, 28])
        let first = try exported("channels_first").keras.legacyConfig["config"]?["layers"]?.arrayValue?.first
        #expect(first?["config"]?["batch_shape"] == [.null, 3, 11, 8])
    }

    // MARK: PyTorch's networks

    private func chain(_ layers: [(String, Layer)], channels: Int = 2, side: Int = 5) throws -> LayerGraph {
        try LayerGraph(
            architecture: "custom", input: InputShape(channels: channels, height: side, width: side),
            chain: layers)
    }

    private func keras(_ layers: [(String, Layer)], channels: Int = 2, side: Int = 5) throws -> KerasModel {
        try Export.keras(
            model(
                chain(layers, channels: channels, side: side), dialect: "pytorch", format: "pytorch-zip",
                filled: true))
    }

    /// A linear layer's kernel follows the order of flattened features; anything else gets a Permute.
    @Test func flattenedFeatures() throws {
        let flat: [(String, Layer)] = [("flat", .flatten(.channelsFirst))]
        let direct = try keras(flat + [("act", .activation(.tanh)), ("fc", .linear(Linear(50, 3)))])
        #expect(direct.layers.map(\.className) == ["Flatten", "Activation", "Dense"])
        let kernel = try direct.layers[2].weights[0].tensor.contiguous().floats()
        // Row h·10 + w·2 + c is column c·25 + h·5 + w.
        #expect(kernel[(1 * 10 + 2 * 2 + 1) * 3 + 2] == Float(2 * 50 + 1 * 25 + 1 * 5 + 2))
        let norm: Layer = .batchNormalization(BatchNormalization(50))
        let turned = try keras(flat + [("bn", norm), ("fc", .linear(Linear(50, 3)))])
        #expect(
            turned.layers.map(\.className) == ["Permute", "Flatten", "BatchNormalization", "Dense"])
        #expect(turned.layers[0].config["dims"] == [3, 1, 2])
        let plain = try turned.layers[3].weights[0].tensor.contiguous().floats()
        #expect(plain[1 * 3 + 2] == Float(200 + 2 * 50 + 1))
        #expect(turned.notes.contains { $0.contains("biased") })
        // One row and one column need no Permute.
        let small = try keras(flat + [("bn", .batchNormalization(BatchNormalization(2)))], side: 1)
        #expect(small.layers.map(\.className) == ["Flatten", "BatchNormalization"])
    }

    @Test func paddingsThatKerasHasNoNameFor() throws {
        func classes(_ layers: [(String, Layer)], side: Int = 5) throws -> [String] {
            try keras(layers, side: side).layers.map(\.className)
        }
        let stem = Convolution(2, 2, kernel: Extent(3), stride: Extent(2), padding: Padding(1))
        // On an odd side `same` is symmetric, on an even one it isn't.
        #expect(try classes([("stem", .convolution(stem))]) == ["Conv2D"])
        #expect(try classes([("stem", .convolution(stem))], side: 6) == ["ZeroPadding2D", "Conv2D"])
        let pool = Pooling(.maximum, window: Extent(3), stride: Extent(2), padding: Padding(1))
        let relu: (String, Layer) = ("relu", .activation(.relu))
        #expect(
            try classes([relu, ("pool", .pooling(pool))], side: 6)
                == ["Activation", "ZeroPadding2D", "MaxPooling2D"])
        // Zeros would be larger than negative numbers.
        #expect(try classes([("pool", .pooling(pool))], side: 6) == ["MaxPooling2D", "MaxPooling2D"])
        let mean = Pooling(.average, window: Extent(3), stride: Extent(1), padding: Padding(1))
        #expect(try classes([("mean", .pooling(mean))]) == ["ZeroPadding2D", "AveragePooling2D"])
        let own = Pooling(
            .average, window: Extent(3), stride: Extent(1), padding: Padding(1), countsPadding: false)
        #expect(try classes([("mean", .pooling(own))]) == ["AveragePooling2D"])
        let adaptive = AdaptivePooling(.average, output: Extent(1))
        #expect(try classes([("pool", .adaptivePooling(adaptive))]) == ["GlobalAveragePooling2D"])
    }

    @Test func whatKerasCannotExpressIsRefusedByName() throws {
        func refuse(_ layer: Layer, sourceLocation: SourceLocation = #_sourceLocation) {
            #expect(sourceLocation: sourceLocation) {
                try keras([("stem", .activation(.tanh)), ("body.last", layer)])
            } throws: {
                ($0 as? ZooError)?.code == .unsupported && ($0 as? ZooError)?.tensor == "body.last"
            }
        }
        refuse(.activation(.gelu(approximate: true)))
        refuse(.adaptivePooling(AdaptivePooling(.average, output: Extent(2, 3))))
        refuse(.upsampling(Upsampling(Extent(2), interpolation: .bilinearAlignedCorners)))
        refuse(.localResponseNormalization(LocalResponseNormalization(size: 5)))
        refuse(.convolution(Convolution(2, 2, kernel: Extent(2), stride: Extent(2), dilation: Extent(2))))
        refuse(.pooling(Pooling(.average, window: Extent(2), ceilMode: true)))
        refuse(.pooling(Pooling(.maximum, window: Extent(2), padding: Padding(1))))
        refuse(.transposedConvolution(TransposedConvolution(2, 2, kernel: Extent(2), groups: 2)))
        refuse(
            .transposedConvolution(
                TransposedConvolution(2, 2, kernel: Extent(2), stride: Extent(2), outputPadding: Extent(3))))
    }

    /// One layer in two places can't have two numbers there.
    @Test func sharedWeightsNeedOneLayer() throws {
        let conv = Convolution(2, 2, kernel: Extent(3), padding: Padding(1))
        var other = conv
        other.dilation = Extent(2)
        other.padding = Padding(2)
        func graph(_ second: Convolution) throws -> LayerGraph {
            try LayerGraph(
                architecture: "custom", input: InputShape(channels: 2, height: 6, width: 6),
                nodes: [
                    Node("conv", .convolution(conv), inputs: [LayerGraph.inputPath]),
                    Node("again", .convolution(second), inputs: ["conv"], sharing: "conv"),
                ])
        }
        let shared = try Export.keras(model(graph(conv)))
        #expect(shared.layers.map(\.className) == ["InputLayer", "Conv2D"])
        #expect { try Export.keras(model(graph(other))) } throws: {
            ($0 as? ZooError)?.tensor == "again"
        }
    }

    @Test func layersThatTheOutputDoesNotNeedAreRefused() throws {
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 2, height: 6, width: 6),
            nodes: [
                Node("main", .activation(.relu), inputs: [LayerGraph.inputPath]),
                Node("aside", .activation(.relu), inputs: ["main"]),
            ], output: "main")
        #expect { try Export.keras(model(graph)) } throws: { ($0 as? ZooError)?.tensor == "aside" }
    }
}
