import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// The models of keras.applications go out as Keras builds them, and take what came from PyTorch.
@Suite(.serialized) struct KerasApplicationExportTests {
    /// Those whose numbers fit into a test.
    static let names = KerasApplication.all.keys.filter { !["VGG16", "VGG19"].contains($0) }.sorted()

    private func entries(_ config: JSONValue) throws -> [JSONValue] {
        try #require(config["config"]?["layers"]?.arrayValue)
    }

    /// Layer after layer: class, name, every number and the layers that it reads.
    @Test(arguments: names) func everyModelIsTheOneThatCameIn(_ name: String) throws {
        let application = try #require(KerasApplication.all[name])
        let checkpoint = try application.checkpoint(.kerasArchive, config: application.config)
        let keras = try Export.keras(Converter().convert(checkpoint).model, names: Export.kerasNames)
        #expect(keras.notes.allSatisfy { $0.contains("its count, which computes nothing") })
        let (ours, theirs) = (try entries(keras.archiveConfig), try entries(application.config))
        try #require(ours.count == theirs.count)
        #expect(keras.archiveConfig["config"]?["name"] == application.config["config"]?["name"])
        for (mine, its) in zip(ours, theirs) {
            #expect(mine["class_name"] == its["class_name"])
            let config = try #require(mine["config"]?.objectValue)
            for (key, value) in config.members where key != "dtype" {
                if mine["class_name"] == "InputLayer", key == "name" || name.contains("any-size") { continue }
                #expect(value == its["config"]?[key], "\(config["name"] ?? .null) \(key)")
            }
            func sources(_ entry: JSONValue) -> [String] {
                let arguments = entry["inbound_nodes"]?.arrayValue?.first?["args"]?.arrayValue ?? []
                return arguments.flatMap { $0.arrayValue ?? [$0] }.map { tensor in
                    let name = tensor["config"]?["keras_history"]?.arrayValue?.first?.stringValue ?? "?"
                    return name.hasPrefix("input_layer") ? "input_layer" : name
                }
            }
            #expect(sources(mine) == sources(its))
            #expect(sources(its).isEmpty == (mine["class_name"] == "InputLayer"))
        }
        // The places of a `.weights.h5` follow from classes and order.
        let weighted = keras.layers.filter { !$0.weights.isEmpty }
        #expect(weighted.map(\.name) == application.layers.map(\.name))
        for (mine, its) in zip(weighted, application.layers) {
            #expect(mine.weights.map(\.name) == its.variables.map(\.name))
            #expect(mine.weights.map(\.tensor.shape) == its.variables.map(\.shape), "\(mine.name)")
        }
    }

    // MARK: From PyTorch

    private func efficientNet(_ conventions: Conventions, isHeadless: Bool = false) throws -> Model {
        let architecture = try Architecture.named("efficientnet_b0")
        let graph = try architecture.graph(
            ArchitectureOptions(classes: 3, inputSize: 64, isHeadless: isHeadless, conventions: conventions))
        var parameters = ParameterTable()
        for specification in graph.parameters {
            parameters[specification.path] = try Tensor(zeros: specification.shape)
        }
        return try Model(
            graph: graph, parameters: parameters, preprocessing: architecture.preprocessing,
            provenance: Provenance(dialect: "pytorch", naming: "timm-tf"))
    }

    /// What was done to pictures becomes layers: Keras' Normalization has variances.
    @Test func picturesAreScaledInTheNetwork() throws {
        let model = try efficientNet(.tensorflow)
        let keras = try Export.keras(model, names: Export.kerasNames, isWeightsOnly: true)
        #expect(
            keras.layers.prefix(4).map(\.name) == [
                "input_layer", "rescaling", "normalization", "stem_conv_pad",
            ])
        #expect(keras.layers[1].config["scale"] == .number(1 / 255.0))
        let statistics = keras.layers[2].weights
        #expect(statistics.map(\.name) == ["mean", "variance", "count"])
        let mean = try statistics[0].tensor.scalars(Float.self)
        let variance = try statistics[1].tensor.scalars(Float.self)
        for (channel, (mu, sigma)) in [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)].enumerated() {
            #expect(mean[channel] == Float(mu) && abs(Double(variance[channel]) - sigma * sigma) < 1e-8)
        }
        #expect(
            keras.notes.contains { $0.contains("pixels are scaled in the network") && $0.contains("0.485") })
        let form = try Export.kerasForm(of: model, names: Export.kerasNames)
        #expect(form.preprocessing.scale == 1 && form.preprocessing.mean.isEmpty)
        #expect(try form.graph.nodes(in: "body").first?.path == "rescaling")
        // It isn't done twice, and not where it isn't asked for.
        #expect(try Export.kerasForm(of: form, names: Export.kerasNames).graph == form.graph)
        let plain = try Export.keras(model)
        #expect(plain.layers.prefix(2).map(\.name) == ["input_layer", "stem_conv_pad"])
        #expect(plain.notes.contains { $0.contains("--to keras adds them") })
        #expect(plain.layers.dropFirst().map(\.name) == keras.layers.dropFirst(3).map(\.name))
    }

    /// Pixels scaled in another way, for which the Normalization makes up.
    @Test func otherScalesAreThoseOfTheNormalization() throws {
        let source = try efficientNet(.tensorflow, isHeadless: true)
        var preprocessing = source.preprocessing
        (preprocessing.scale, preprocessing.mean, preprocessing.standardDeviation) = (
            1, [127, 127, 127], [128, 128, 128]
        )
        let model = try source.with(preprocessing: preprocessing)
        let form = try Export.kerasForm(of: model, names: Export.kerasNames)
        let mean = try #require(form.parameters[ParameterPath("normalization", .runningMean)])
        let variance = try #require(form.parameters[ParameterPath("normalization", .runningVariance)])
        #expect(try mean.scalars(Float.self).allSatisfy { $0 == Float(127 / 255.0) })
        #expect(try variance.scalars(Float.self).allSatisfy { $0 == Float(128 / 255.0 * (128 / 255.0)) })
        preprocessing.channels = .bgr
        let blueFirst = try source.with(preprocessing: preprocessing)
        #expect { try Export.keras(blueFirst, names: Export.kerasNames) } throws: { error in
            (error as? ZooError)?.found?.contains("bgr") == true
        }
    }

    /// Padding and epsilon stand in a whole model; a file of weights would lose them.
    @Test func otherNumbersAreToldOrRefused() throws {
        let model = try efficientNet(.pytorch)
        let keras = try Export.keras(model, names: Export.kerasNames)
        let note = try #require(keras.notes.first { $0.contains("would give other numbers") })
        #expect(note.contains("padding of 5 layers") && note.contains("epsilon of 49 layers"))
        #expect(!keras.layers.contains { $0.name == "rescaling" })
        let norm = try #require(keras.layers.first { $0.name == "stem_bn" })
        #expect(norm.config["epsilon"] == 1e-5 && norm.config["axis"] == 3)
        let pad = try #require(keras.layers.first { $0.name == "stem_conv_pad" })
        #expect(pad.config["padding"] == [[1, 1], [1, 1]])
        #expect {
            try Export.keras(model, names: Export.kerasNames, isWeightsOnly: true)
        } throws: { error in
            let error = try #require(error as? ZooError)
            return error.code == .mismatch && error.found?.contains("epsilon of 49 layers") == true
                && error.remedy?.contains(".keras") == true
        }
    }
}
