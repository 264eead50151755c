import Testing
import ZooCheckpoints
import ZooContainers
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// Configurations of Keras models and what Keras itself says of them (tools/goldens/keras/make_networks.py).
@Suite struct KerasNetworkTests {
    struct Entry: Sendable {
        let config: JSONValue
        let version: String
        let inputSize: Int?
        /// Path, class, shape and parameters of every layer, in Keras' order.
        let layers: [JSONValue]
        let parameters: Int
    }

    static let entries: [String: Entry] = {
        let path = TestFiles.path("tools/goldens/keras/networks.json.gz")
        guard let bytes = try? TestFiles.read(path),
            let plain = try? Gzip.decompress(ByteSource(bytes: bytes), limits: ReadLimits()),
            let members = try? JSONParser.parse(plain)["networks"]?.objectValue?.members
        else { return [:] }
        var entries: [String: Entry] = [:]
        for (name, json) in members {
            guard let config = json["config"], let version = json["version"]?.stringValue,
                let layers = json["layers"]?.arrayValue, let parameters = json["parameters"]?.intValue
            else { continue }
            entries[name] = Entry(
                config: config, version: version, inputSize: json["input_size"]?.intValue, layers: layers,
                parameters: parameters)
        }
        return entries
    }()

    static let names = entries.keys.sorted()

    private func network(_ name: String) throws -> KerasNetwork {
        let entry = try #require(Self.entries[name])
        return try KerasNetwork(
            modelConfig: entry.config, version: entry.version, inputSize: entry.inputSize)
    }

    @Test func thereAreNetworks() { #expect(Self.names.count >= 40) }

    /// Every layer of every model has the shape and the number of parameters that Keras' `summary()` shows.
    @Test(arguments: names) func shapesAndCountsAreThoseOfKeras(_ name: String) throws {
        let entry = try #require(Self.entries[name])
        let network = try network(name)
        let records = Dictionary(network.records.map { ($0.path, $0) }) { first, _ in first }
        #expect(entry.layers.count > 0 && records.count == entry.layers.count)
        var counters = 0
        for layer in entry.layers {
            let path = try #require(layer["path"]?.stringValue)
            let record = try #require(records[path], "\(path) is missing")
            #expect(record.className == layer["class"]?.stringValue)
            // Keras leaves out of an average pooling's shape nothing, and so do we.
            #expect(record.shape == layer["shape"]?.intArrayValue, "\(path)")
            let nodes = network.graph.nodes.filter { $0.path == path || $0.path.hasPrefix(path + ".") }
            let own = nodes.flatMap(\.parameters).reduce(0) { $0 + $1.shape.elementCount }
            // Keras' Normalization counts the samples that it saw.
            let isCounting = layer["class"]?.stringValue == "Normalization" && own > 0
            counters += isCounting ? 1 : 0
            #expect(own + (isCounting ? 1 : 0) == layer["parameters"]?.intValue, "\(path)")
        }
        let summary = try GraphSummary(network.graph)
        #expect(summary.parameters + summary.statistics + counters == entry.parameters)
        // And the document comes back.
        #expect(try GraphDocument.parse(GraphDocument.json(network.graph)).graph == network.graph)
    }

    /// All dialects describe the same graph.
    @Test func dialectsAgree() throws {
        for name in ["nested", "channels_first", "autoencoder", "ends_in_a_model", "frozen", "sequential"] {
            let newest = try network(name).graph
            for suffix in ["_h5", "_keras2"] {
                #expect(try network(name + suffix).graph == newest, "\(name)\(suffix)")
            }
        }
    }

    @Test func numbersThatDependOnTheVersion() throws {
        func slope(_ version: String?) throws -> (Layer?, [String]) {
            let entry = try #require(Self.entries["everything"])
            let network = try KerasNetwork(modelConfig: entry.config, version: version)
            return (network.graph["excite.hard_sigmoid"]?.layer, network.assumptions)
        }
        #expect(try slope("3.0.1").0 == .activation(.hardSigmoid(slope: 1.0 / 6)))
        #expect(try slope("2.4.0").0 == .activation(.hardSigmoid(slope: 0.2)))
        #expect(try slope(nil).1.contains { $0.contains("hard_sigmoid") })
        #expect(try slope("3.0.1").1.contains { $0.contains("RandomFlip augment") })
    }

    /// `same` takes off what is odd at the end, by the size that arrives.
    @Test func samePaddingIsExplicit() throws {
        let nested = try network("nested").graph
        guard case .convolution(let stem)? = nested["stem"]?.layer else {
            Issue.record("no stem")
            return
        }
        #expect(stem.padding == Padding(top: 0, left: 0, bottom: 1, right: 1))
        let first = try network("channels_first").graph
        guard case .convolution(let conv)? = first["conv"]?.layer else {
            Issue.record("no conv")
            return
        }
        #expect(conv.padding == Padding(top: 1, left: 0, bottom: 1, right: 1))
        guard case .pooling(let pool)? = try network("everything").graph["average"]?.layer else {
            Issue.record("no pooling")
            return
        }
        #expect(pool.countsPadding == false)
        let any = try #require(Self.entries["any_size"])
        #expect {
            try KerasNetwork(modelConfig: any.config)
        } throws: { ($0 as? ZooError)?.remedy?.contains("--input-size") == true }
        let even = try KerasNetwork(modelConfig: any.config, inputSize: 30).graph
        guard case .convolution(let layer)? = even.nodes.first?.layer else {
            Issue.record("no layer")
            return
        }
        #expect(layer.padding == Padding(top: 0, left: 0, bottom: 1, right: 1))
    }

    @Test func transposedConvolutionsCutAndAdd() throws {
        let graph = try network("autoencoder").graph
        func numbers(_ path: String) -> (Padding, Extent)? {
            guard case .transposedConvolution(let layer)? = graph[path]?.layer else { return nil }
            return (layer.padding, layer.outputPadding)
        }
        // kernel 2×3, stride 3×1, valid: a row that the kernel doesn't reach.
        let gaps = try #require(numbers("gaps"))
        #expect(gaps == (.none, Extent(1, 0)))
        let dilated = try #require(numbers("dilated"))
        #expect(dilated == (Padding(2), Extent(0)))
    }

    @Test func oneLayerInTwoPlacesSharesItsParameters() throws {
        let graph = try network("nested").graph
        #expect(graph["shared.use2"]?.sharing == "shared")
        #expect(graph["inner.use2.bn"]?.sharing == "inner.bn")
        #expect(graph["tail.use2.deep.pw"]?.sharing == "tail.deep.pw")
        #expect(graph.head == "head" && graph.classCount == 5)
    }

    /// Flattened features stay in Keras' order only where something else than linear layers reads them.
    @Test func flattenedFeaturesAreInCanonicalOrderWherePossible() throws {
        let graph = try network("flattening").graph
        #expect(graph["to_dense"]?.layer == .flatten(.channelsFirst))
        #expect(graph["to_norm"]?.layer == .flatten(.channelsLast))
        #expect(graph["c1"]?.layer == .flatten(.channelsLast))
        let first = try network("channels_first").graph
        #expect(first["plain"]?.layer == .flatten(.channelsFirst))
        #expect(first["moved"]?.layer == .flatten(.channelsFirst))
    }

    @Test func aFinalSoftmaxIsLeftOutAndSaidSo() throws {
        let network = try network("sequential")
        #expect(network.outputActivation == "softmax")
        #expect(network.graph.output == network.graph.head)
        #expect(try self.network("autoencoder").outputActivation == nil)
    }
}
