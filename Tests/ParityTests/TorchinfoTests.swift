import Testing
import ZooArchitectures
import ZooContainers
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// Every number of a summary is torchinfo's (tools/goldens/summary/make_summaries.py), for every architecture.
@Suite struct TorchinfoTests {
    /// What torchinfo says of each network, by its name.
    private static let goldens = Result { () throws -> [String: JSONValue] in
        let folder = "tools/goldens/summary"
        let packed = try TestFiles.read(TestFiles.path("\(folder)/torchinfo-families.json.gz"))
        let documents = try [
            JSONParser.parse(TestFiles.read(TestFiles.path("\(folder)/torchinfo.json"))),
            JSONParser.parse(Gzip.decompress(ByteSource(bytes: packed), limits: ReadLimits())),
        ]
        var result: [String: JSONValue] = [:]
        for (name, network) in documents.flatMap({ $0["networks"]?.objectValue?.members ?? [] }) {
            result[name] = network
        }
        return result
    }

    /// Networks of which torchinfo saw the modules of another source than the one whose paths they have here.
    private static let dialects = [
        "efficientnet_lite0": "timm", "autoencoder-pooled": "numbered-convolutions",
    ]

    @Test(arguments: Architecture.all.map(\.name)) func everyNumberIsTorchinfos(_ name: String) throws {
        let golden = try #require(Self.goldens.get()[name], "torchinfo wasn't asked about \(name)")
        let input = try #require(golden["input"]?.intArrayValue)
        let graph = try Architecture.named(name).graph(
            ArchitectureOptions(inputChannels: input[1], inputSize: input[2]))
        let summary = try GraphSummary(graph, batch: input[0])
        #expect(summary.parameters == golden["parameters"]?.intValue)
        #expect(summary.torchinfoMultAdds == golden["mult_adds"]?.intValue)
        #expect(summary.sizes.forwardBackward == golden["forward_backward_bytes"]?.intValue)
        #expect(summary.sizes.parameters == golden["parameter_bytes"]?.intValue)
        let dialect = try Self.dialects[name].map { wanted in
            try #require(Dialect.of(name).first { $0.name == wanted })
        }
        let modules = SummaryTree(summary).lines.filter { $0.isModule || $0.hasChildren }
        var compared = 0
        for layer in try #require(golden["layers"]?.arrayValue) {
            let row = try #require(layer.arrayValue)
            guard let path = row[0].stringValue, let parameters = row[3].intValue, parameters > 0 else {
                continue
            }
            let output = try TensorShape(#require(row[2].intArrayValue))
            if let multAdds = row[4].intValue {
                let own = dialect.map { $0.path(for: "\(path).weight")?.node } ?? path
                let found = try #require(summary.rows.first { $0.path == own }, "\(path) is missing")
                #expect(found.output == output && found.parameters == parameters, "\(path)")
                #expect(found.torchinfoMultAdds == multAdds, "\(path)")
                compared += 1
            } else if dialect == nil {
                let line = try #require(modules.first { $0.path == path }, "\(path) is missing")
                let totals = summary.totals(of: line)
                #expect(totals.output == output && totals.parameters == parameters, "\(path)")
            }
        }
        #expect(compared == summary.rows.count { $0.parameters > 0 })
    }
}
