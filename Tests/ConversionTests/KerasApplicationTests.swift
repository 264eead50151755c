import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// The models of keras.applications that have a name here: recognised by their configuration, in their own paths.
@Suite struct KerasApplicationTests {
    private static let architectures = [
        "VGG16": "vgg16", "VGG19": "vgg19", "EfficientNetB0": "efficientnet_b0",
        "EfficientNetB1": "efficientnet_b1", "EfficientNetB2": "efficientnet_b2",
    ]

    private func application(_ name: String) throws -> KerasApplication {
        try #require(KerasApplication.all[name])
    }

    private func architecture(_ name: String) throws -> String {
        try #require(Self.architectures[String(name.prefix { $0 != "-" })])
    }

    private func plan(
        _ application: KerasApplication, config: JSONValue? = nil,
        _ change: (inout Converter.Options) -> Void = { _ in }
    ) throws -> ConversionPlan {
        try planned(application.checkpoint(.kerasArchive, config: config ?? application.config), change)
    }

    @Test func thereAreModels() { #expect(KerasApplication.all.count == 15) }

    // MARK: Names

    /// Every layer with weights has one name, and every name is one layer's, in Keras' order.
    @Test(arguments: architectures.keys.sorted()) func namesCoverEveryLayer(_ name: String) throws {
        let architecture = try architecture(name)
        let dialect = try #require(Dialect.keras(architecture))
        let theirs = try application(name).layers.map(\.name).filter { $0 != "normalization" }
        #expect(dialect.layers.map(\.source) == theirs)
        let graph = try Architecture.named(architecture).graph(ArchitectureOptions())
        let own = graph.nodes.filter { !$0.parameters.isEmpty }.map(\.path)
        #expect(dialect.layers.map(\.node) == own)
        #expect(Set(theirs).count == theirs.count)
    }

    @Test func otherNetworksHaveNoNames() {
        for architecture in ["vgg16_bn", "resnet18", "alexnet", "efficientnet_lite0", "lenet"] {
            #expect(Dialect.keras(architecture) == nil)
        }
    }

    // MARK: Recognition

    @Test(arguments: KerasApplication.all.keys.sorted()) func everyModelIsRecognised(_ name: String) throws {
        let application = try application(name)
        let plan = try plan(application)
        #expect(plan.architecture.name == (try architecture(name)))
        #expect(plan.graph.architecture == plan.architecture.name)
        try plan.requireComplete(file: nil)
        // What a Normalization counted computes nothing.
        #expect(plan.unused.allSatisfy { $0.hasPrefix("layers/normalization/") } && plan.unused.count <= 1)
        #expect(plan.origin.dialect?.name == "keras" && plan.framework == .keras)
        let dialect = try #require(plan.origin.dialect)
        let stores = Dictionary(uniqueKeysWithValues: application.layers.map { ($0.name, $0.store) })
        for entry in plan.entries {
            let layer = dialect.layers.first { $0.node == entry.path.node }?.source ?? entry.path.node
            #expect(entry.key.hasPrefix((stores[layer] ?? "?") + "/"), "\(entry.path)")
        }
        let isWhole = !name.contains("notop") && name != "VGG16-filled"
        #expect(plan.graph.classCount == (isWhole ? (name.contains("filled") ? 10 : 1_000) : nil))
        let isVGG = name.hasPrefix("VGG")
        #expect(plan.outputActivation == (isWhole && !name.contains("filled") ? "softmax" : nil))
        let first = try #require(plan.graph.nodes.first)
        #expect(first.path == (isVGG ? "features.0" : "rescaling"))
    }

    /// Keras' padding, epsilon and momentum, and what it drops; nothing of it stands in the weights.
    @Test func efficientNetHasKerasNumbers() throws {
        let graph = try plan(application("EfficientNetB0")).graph
        let own = try Architecture.named("efficientnet_b0").graph(
            ArchitectureOptions(conventions: .keras))
        for node in own.nodes {
            let mine = try #require(graph[node.path])
            switch (mine.layer, node.layer) {
            case (.stochasticDepth(let mine), .stochasticDepth(let its)): #expect(abs(mine - its) < 1e-9)
            default: #expect(mine.layer == node.layer, "\(node.path)")
            }
        }
        #expect(graph["rescaling"]?.layer == .rescaling(Rescaling(scale: [1 / 255.0])))
        #expect(graph["normalization"]?.layer == .normalization(Normalization(3)))
        #expect(graph["features.0.0"]?.inputs == ["normalization"])
        #expect(graph.nodes.count == own.nodes.count + 2)
        #expect(try graph.nodes(in: "body").first?.path == "rescaling")
    }

    /// Only the model with ImageNet's weights has the second scaling, and only its configuration shows it.
    @Test func secondRescalingIsThatOfTheConfiguration() throws {
        let imagenet = try plan(application("EfficientNetB0-imagenet")).graph
        let scales = [0.229, 0.224, 0.225].map { 1 / $0.squareRoot() }
        guard case .rescaling(let layer)? = imagenet["rescaling_1"]?.layer else {
            Issue.record("there is no second scaling")
            return
        }
        #expect(zip(layer.scale, scales).allSatisfy { abs($0 - $1) < 1e-12 } && layer.offset == [0])
        #expect(imagenet["features.0.0"]?.inputs == ["rescaling_1"])
        #expect(try plan(application("EfficientNetB0")).graph["rescaling_1"] == nil)
    }

    /// Linear layers' columns go in the order C, H, W; Keras drops nothing in its VGGs.
    @Test func vggIsInPyTorchsLayout() throws {
        let plan = try plan(application("VGG16"))
        let first = try #require(plan.entries.first { $0.path.description == "classifier.0.weight" })
        #expect(first.transform == .denseAfterFlatten(height: 7, width: 7, channels: 512))
        #expect(first.shape == [4_096, 25_088] && first.sourceShape == [25_088, 4_096])
        #expect(plan.graph["classifier.2"]?.layer == .dropout(probability: 0))
        let own = try Architecture.named("vgg16").graph(ArchitectureOptions())
        #expect(plan.graph.nodes.map(\.path) == own.nodes.map(\.path))
        #expect(plan.graph.head == "classifier.6" && plan.graph.parts == own.parts)
    }

    @Test func headlessModelsEndAsTheyDo() throws {
        for (suffix, last, shape) in [
            ("", "features.30", [1, 512, 7, 7]), ("-avg", "global_average_pooling2d", [1, 512]),
            ("-max", "global_max_pooling2d", [1, 512]),
        ] {
            let graph = try plan(application("VGG16-notop\(suffix)")).graph
            #expect(graph.output == last && graph.head == nil)
            #expect(try graph.shapes(batch: 1)[last] == TensorShape(shape))
        }
        for (suffix, last, shape) in [
            ("", "features.8.2", [1, 1_280, 3, 3]), ("-avg", "flatten", [1, 1_280]),
            ("-max", "max_pool", [1, 1_280]),
        ] {
            let graph = try plan(application("EfficientNetB0-notop\(suffix)")).graph
            #expect(graph.output == last && graph.head == nil)
            #expect(try graph.shapes(batch: 1)[last] == TensorShape(shape))
        }
    }

    @Test func bodiesCanBeAskedFor() throws {
        let plan = try plan(application("VGG16")) { $0.isHeadless = true }
        #expect(plan.graph.output == "flatten" && plan.graph.head == nil && plan.outputActivation == nil)
        #expect(plan.missing.isEmpty && plan.entries.count == 26)
        try plan.requireComplete(file: nil)
        let size = try self.plan(application("VGG16-notop-any-size"))
        #expect(size.graph.input.height == 224 && size.assumptions.contains { $0.contains("--input-size") })
        let asked = try self.plan(application("VGG16-notop-any-size")) { $0.inputSize = 64 }
        #expect(asked.graph.input.height == 64 && !asked.assumptions.contains { $0.contains("--input-size") })
    }

    @Test func picturesArePreparedAsKerasDoes() throws {
        func preprocessing(_ name: String) throws -> Preprocessing {
            let application = try application(name)
            let checkpoint = try application.checkpoint(.kerasArchive, config: application.config)
            return try Converter().convert(checkpoint).model.preprocessing
        }
        let vgg = try preprocessing("VGG16-notop")
        #expect(vgg.channels == .bgr && vgg.scale == 1 && vgg.mean == [103.939, 116.779, 123.68])
        #expect(vgg.standardDeviation.isEmpty && vgg.resize == Extent(224))
        let small = try preprocessing("EfficientNetB0-notop")
        #expect(small.channels == .rgb && small.scale == 1 && small.mean.isEmpty)
        #expect(small.resize == Extent(96))
    }

    // MARK: Almost

    /// A configuration with a member of one layer changed.
    private func changed(_ name: String, _ layer: String, _ member: String, _ value: JSONValue) throws
        -> JSONValue
    {
        let text = try application(name).config.text(sortedKeys: false)
        let config = try JSONParser.parse(text)
        let layers = try #require(config["config"]?["layers"]?.arrayValue)
        var whole = try #require(config.objectValue)
        var inner = try #require(config["config"]?.objectValue)
        inner["layers"] = .array(
            try layers.map { entry in
                guard entry["config"]?["name"]?.stringValue == layer else { return entry }
                var changed = try #require(entry.objectValue)
                var numbers = try #require(entry["config"]?.objectValue)
                numbers[member] = value
                changed["config"] = .object(numbers)
                return .object(changed)
            })
        whole["config"] = .object(inner)
        return .object(whole)
    }

    @Test func almostIsANetworkOfItsOwn() throws {
        for (name, layer, member, value) in [
            ("VGG16-notop", "block3_conv2", "activation", "tanh"),
            ("VGG16-notop", "block1_conv2", "padding", "valid"),
            ("VGG16-notop", "block2_conv1", "dilation_rate", [2, 2]),
            ("EfficientNetB0-notop", "block2a_se_reduce", "activation", "relu"),
            ("EfficientNetB0-notop", "stem_conv", "padding", "same"),
        ] as [(String, String, String, JSONValue)] {
            let plan = try plan(application(name), config: changed(name, layer, member, value))
            #expect(plan.architecture.name == "custom", "\(layer)")
            let sentence = plan.origin.evidence.first { $0.contains("the network is like") }
            #expect(
                sentence?.contains("up to \(layer)") == true, "\(sentence ?? "nothing is said of \(layer)")")
        }
    }

    /// Epsilon, momentum and what is dropped can be any; the configuration's go into the graph.
    @Test func otherNumbersOfTheSameLayersStay() throws {
        let name = "EfficientNetB0-notop"
        let config = try changed(name, "block1a_bn", "epsilon", 1e-5)
        let plan = try plan(application(name), config: config)
        #expect(plan.architecture.name == "efficientnet_b0")
        guard case .batchNormalization(let layer)? = plan.graph["features.1.0.block.0.1"]?.layer else {
            Issue.record("the layer isn't there")
            return
        }
        #expect(layer.epsilon == 1e-5 && layer.momentum == 0.01 && layer.usesBiasedVariance)
        #expect(plan.origin.evidence.contains { $0.contains("epsilon is 1e-05") })
    }

    @Test func anotherNetworkThanAskedForIsRefused() throws {
        #expect {
            try plan(application("VGG16")) { $0.architecture = "vgg19" }
        } throws: { error in
            let error = try #require(error as? ZooError)
            return error.code == .mismatch && error.expected == "vgg19"
                && error.found?.contains("vgg19 up to block3_pool") == true
        }
        #expect(try plan(application("VGG16")) { $0.architecture = "vgg16" }.architecture.name == "vgg16")
    }
}

/// What a conversion would do, its options changed.
func planned(
    _ checkpoint: Checkpoint, _ change: (inout Converter.Options) -> Void = { _ in }
) throws -> ConversionPlan {
    var options = Converter.Options()
    change(&options)
    return try Converter(options: options).plan(checkpoint)
}

extension KerasApplication {
    /// A `.weights.h5` of a newer Keras, which tells the layers' names.
    func named() throws -> Checkpoint {
        var names = JSONObject()
        for layer in layers { names[layer.store] = .string(layer.name) }
        return try checkpoint(.kerasWeights, config: nil, extras: ["layer_names": .object(names)])
    }

    /// A file of the model.
    /// - Parameters:
    ///   - config: `model_config`; `nil` for weights alone.
    ///   - numbers: of variables, by their names; the others are zeros.
    ///   - rename: gives layers other names, in a file that has names.
    func checkpoint(
        _ format: CheckpointFormat, config: JSONValue?, numbers: [String: [Float]] = [:],
        extras: JSONObject = [:], rename: (String) -> String = { $0 }
    ) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var entries: [CheckpointLayer] = []
        for layer in layers {
            var keys: [String] = []
            for (place, variable) in layer.variables.enumerated() {
                let key =
                    format == .kerasHDF5
                    ? "\(rename(layer.name))/\(variable.name)" : "\(layer.store)/vars/\(place)"
                keys.append(key)
                let tensor =
                    try numbers[variable.name].map { try Tensor($0, shape: variable.shape) }
                    ?? Tensor(zeros: variable.shape)
                tensors.append(CheckpointTensor(name: key, tensor: tensor))
            }
            let name = format == .kerasHDF5 ? rename(layer.name) : layer.store
            entries.append(CheckpointLayer(name: name, tensorNames: keys))
        }
        var extras = extras
        extras["keras_version"] = "3.15.1"
        if let config { extras["model_config"] = config }
        return try Checkpoint(
            format: format, path: "model.h5", tensors: tensors, layers: entries, extras: extras)
    }
}
