import Testing
import ZooLayerGraphs
import ZooTensors

@Suite struct LayerGraphTests {
    private let input = InputShape(channels: 3, height: 9, width: 12)

    private func graph(_ chain: [(String, Layer)], head: String? = nil) throws -> LayerGraph {
        try LayerGraph(architecture: "custom", input: input, chain: chain, head: head)
    }

    private func everyLayer() throws -> LayerGraph {
        try graph(
            [
                (
                    "conv",
                    .convolution(
                        Convolution(
                            3, 6, kernel: Extent(3, 5), stride: Extent(2, 1),
                            padding: Padding(top: 0, left: 1, bottom: 1, right: 2), dilation: Extent(1, 2),
                            groups: 3,
                            hasBias: false))
                ),
                ("act", .activation(.sigmoid)),
                (
                    "pool",
                    .pooling(
                        Pooling(
                            .average, window: Extent(2), padding: Padding(1), ceilMode: true,
                            countsPadding: false))
                ),
                ("flatten", .flatten(.channelsLast)), ("drop", .dropout(probability: 0.5)),
                ("head", .linear(Linear(6 * 3 * 4, 4))), ("softmax", .softmax),
            ], head: "head")
    }

    @Test func shapesOfEachLayer() throws {
        let shapes = try everyLayer().shapes(batch: 2)
        #expect(shapes["conv"] == [2, 6, 4, 7])
        #expect(shapes["pool"] == [2, 6, 3, 4])
        #expect(shapes["flatten"] == [2, 72])
        #expect(shapes["softmax"] == [2, 4])
    }

    @Test func documentsComeBackAsTheyWere() throws {
        let graph = try everyLayer()
        let keys = [
            ParameterPath("conv", .weight): "features.0.weight", ParameterPath("head", .bias): "fc.b",
        ]
        let text = GraphDocument.json(graph, keys: keys).text(pretty: true)
        let (back, backKeys) = try GraphDocument.parse(JSONParser.parse(text))
        #expect(back == graph)
        #expect(backKeys == keys)
    }

    @Test func documentsThatContradictThemselvesAreRefused() throws {
        let text = GraphDocument.json(try everyLayer()).text()
        for (old, new) in [
            ("\"groups\": 3", "\"groups\": 4"), ("\"stride\": [2, 1]", "\"stride\": [0, 1]"),
            ("\"layer\": \"softmax\"", "\"layer\": \"sorcery\""),
            ("\"input_features\": 72", "\"input_features\": 73"),
            ("menagerie/graph/1", "menagerie/graph/2"), ("\"head\": \"head\"", "\"head\": \"conv\""),
            ("\"inputs\": [\"act\"]", "\"inputs\": [\"pool\"]"),
            ("\"kernel\": [3, 5]", "\"kernel\": [300, 5]"),
            ("\"output_channels\": 6", "\"output_channels\": 99999999999"),
        ] {
            #expect(text.contains(old), "\(old) isn't in the document")
            let changed = text.replacing(old, with: new)
            #expect(throws: ZooError.self, "\(new)") { try GraphDocument.parse(JSONParser.parse(changed)) }
        }
    }

    /// PyTorch's rule: in ceil mode a last window must begin inside the input or the padding before it.
    @Test func ceilMode() throws {
        func size(_ input: Int, window: Int, stride: Int, padding: Int) throws -> Int {
            let pooling = Pooling(
                .maximum, window: Extent(window), stride: Extent(stride), padding: Padding(padding),
                ceilMode: true)
            return try Layer.pooling(pooling).outputShape(for: [1, 1, input, input])[2]
        }
        #expect(try size(5, window: 2, stride: 2, padding: 0) == 3)
        #expect(try size(112, window: 3, stride: 2, padding: 0) == 56)
        #expect(try size(3, window: 1, stride: 3, padding: 0) == 1)
        #expect(try size(4, window: 2, stride: 3, padding: 1) == 2)
    }

    @Test func costsOfLeNet() throws {
        let convolution = Layer.convolution(Convolution(6, 16, kernel: Extent(5)))
        #expect(convolution.parameterCount == 2_416)
        #expect(convolution.multiplyAdds(output: [1, 16, 10, 10]) == 240_000)
        #expect(Layer.linear(Linear(400, 120)).multiplyAdds(output: [2, 120]) == 96_000)
    }

    @Test func unknownPathsSuggestNearOnes() throws {
        #expect(try everyLayer().unknownPath("conf").remedy?.contains("conv") == true)
    }

    @Test func graphsAreChecked() {
        #expect(throws: ZooError.self) { try graph([("a", .softmax), ("a", .softmax)]) }
        #expect(throws: ZooError.self) { try graph([("input", .softmax)]) }
        #expect(throws: ZooError.self) { try graph([]) }
        #expect(throws: ZooError.self) { try graph([("a", .softmax)], head: "a") }
    }
}
