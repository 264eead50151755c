import Testing
import ZooLayerGraphs
import ZooTensors

/// Names for groups of layers.
@Suite struct GraphPartTests {
    private let chain: [(String, Layer)] = [
        ("features.0", .convolution(Convolution(3, 4, kernel: Extent(3)))),
        ("features.1", .activation(.relu)), ("features.10", .activation(.tanh)),
        ("flatten", .flatten(.channelsFirst)), ("fc", .linear(Linear(16, 2))), ("out", .softmax),
    ]

    private func graph(parts: [LayerGraph.Part] = [], head: String? = "fc") throws -> LayerGraph {
        try LayerGraph(
            architecture: "custom", input: InputShape(channels: 3, height: 4, width: 4), chain: chain,
            head: head, parts: parts)
    }

    private func paths(_ graph: LayerGraph, _ name: String) throws -> [String] {
        try graph.nodes(in: name).map(\.path)
    }

    @Test func partsPathsAndPrefixes() throws {
        let graph = try graph(parts: [LayerGraph.Part("stem", nodes: ["features.0", "features.1"])])
        #expect(try paths(graph, "stem") == ["features.0", "features.1"])
        #expect(try paths(graph, "features") == ["features.0", "features.1", "features.10"])
        #expect(try paths(graph, "features.1") == ["features.1"])
        #expect(try paths(graph, "fc") == ["fc"])
    }

    @Test func everyGraphHasABodyAndMostAHead() throws {
        let graph = try graph()
        #expect(try paths(graph, "body") == ["features.0", "features.1", "features.10", "flatten"])
        #expect(try paths(graph, "head") == ["fc"])
        let headless = try self.graph(head: nil)
        #expect(try paths(headless, "body").count == chain.count)
        #expect(throws: ZooError.self) { try headless.nodes(in: "head") }
    }

    @Test func unknownNamesSuggestNearOnes() throws {
        let graph = try graph(parts: [LayerGraph.Part("stage1", nodes: ["features.0"])])
        for (name, suggestion) in [
            ("stage2", "stage1"), ("feature", "features"), ("features.3", "features.1"),
        ] {
            #expect { try graph.nodes(in: name) } throws: { error in
                let error = error as? ZooError
                return error?.tensor == name && error?.remedy?.contains(suggestion) == true
            }
        }
        #expect { try graph.nodes(in: "zzzzzzzzz") } throws: {
            ($0 as? ZooError)?.remedy?.contains("stage1, body, head") == true
        }
        for name in ["", ".", "features."] {
            #expect(throws: ZooError.self) { try graph.nodes(in: name) }
        }
    }

    @Test func partsOutliveAChangeAndADocument() throws {
        let parts = [LayerGraph.Part("stem", nodes: ["features.0"]), LayerGraph.Part("none", nodes: [])]
        let graph = try graph(parts: parts)
        let changed = try graph.replacing("fc", with: .linear(Linear(16, 9)))
        #expect(changed.parts == parts)
        let text = GraphDocument.json(graph).text()
        #expect(try GraphDocument.parse(JSONParser.parse(text)).graph == graph)
        // Documents of earlier versions have none.
        let old = try self.graph()
        #expect(!GraphDocument.json(old).text().contains("parts"))
    }

    @Test func partsThatContradictTheGraphAreRefused() throws {
        for parts in [
            [LayerGraph.Part("a", nodes: ["nowhere"])], [LayerGraph.Part("", nodes: [])],
            [LayerGraph.Part("a", nodes: []), LayerGraph.Part("a", nodes: [])],
        ] {
            #expect(throws: ZooError.self) { try graph(parts: parts) }
        }
        let text = GraphDocument.json(try graph(parts: [LayerGraph.Part("a", nodes: ["fc"])])).text()
        for (old, new) in [
            ("\"parts\": [{\"name\": \"a\", \"nodes\": [\"fc\"]}]", "\"parts\": 3"),
            ("{\"name\": \"a\", \"nodes\": [\"fc\"]}", "{\"name\": \"a\"}"), ("[\"fc\"]}", "[4]}"),
        ] {
            #expect(text.contains(old), "\(old) isn't in the document")
            #expect(throws: ZooError.self) {
                try GraphDocument.parse(JSONParser.parse(text.replacing(old, with: new)))
            }
        }
    }
}
