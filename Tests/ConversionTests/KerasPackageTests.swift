import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// ResNets as the packages KerasHub and image-classifiers build them: files that hold few numbers where others list the
/// layers, and files of weights alone.
@Suite struct KerasPackageTests {
    private func model(_ name: String) throws -> KerasApplication {
        try #require(KerasApplication.packages[name])
    }

    // MARK: KerasHub

    /// torchvision's name for a layer of KerasHub's.
    private func path(_ name: String) throws -> String {
        let known = ["conv1_conv": "conv1", "conv1_bn": "bn1", "predictions": "fc"]
        if let path = known[name] { return path }
        let parts = name.split(separator: "_")
        let stack = try #require(Int(parts[0].dropFirst("stack".count)))
        let block = parts[1].dropFirst("block".count)
        let kind = parts[3] == "conv" ? "conv" : "bn"
        return "layer\(stack + 1).\(block)."
            + (parts[2] == "0" ? "downsample.\(kind == "conv" ? 0 : 1)" : "\(kind)\(parts[2])")
    }

    @Test(arguments: ["keras-hub-18", "keras-hub-50", "keras-hub-18-backbone", "keras-hub-50-backbone"])
    func kerasHubsModelsAreResNets(_ name: String) throws {
        let model = try model(name)
        let architecture = name.contains("18") ? "resnet18" : "resnet50"
        let isWhole = !name.hasSuffix("backbone")
        let files = [
            try model.checkpoint(.kerasArchive, config: model.config), try model.named(),
            try model.checkpoint(.kerasHDF5, config: nil),
        ]
        for (place, file) in files.enumerated() where !(place == 2 && isWhole) {
            let plan = try planned(file)
            #expect(plan.architecture.name == architecture && plan.unused.isEmpty)
            try plan.requireComplete(file: nil)
            #expect(plan.graph.classCount == (isWhole ? 7 : nil))
            #expect(plan.graph.output == (isWhole ? "fc" : plan.graph.nodes.last?.path))
            for layer in model.layers {
                let entries = plan.entries.filter {
                    $0.key.hasPrefix((place == 2 ? layer.name : layer.store) + "/")
                }
                let path = try path(layer.name)
                #expect(entries.count == layer.variables.count && entries.allSatisfy { $0.path.node == path })
            }
            // Everything but momentum, and what the variance follows, is torchvision's.
            let own = try Architecture.named(architecture).graph(ArchitectureOptions(classes: 7))
            for node in plan.graph.nodes {
                let its = try #require(own[node.path])
                guard case .batchNormalization(let mine) = node.layer else {
                    #expect(its.layer == node.layer && its.inputs == node.inputs, "\(node.path)")
                    continue
                }
                #expect(mine.epsilon == 1e-5 && abs(mine.momentum - 0.1) < 1e-12 && mine.usesBiasedVariance)
            }
            #expect(plan.graph.input.height == 224)
            #expect(plan.assumptions.contains { $0.contains("--input-size") })
            #expect(plan.assumptions.contains { $0.contains("weights alone") } == (place > 0))
            #expect(plan.outputActivation == (isWhole && place == 0 ? "softmax" : nil))
        }
        #expect(try planned(files[0]) { $0.inputSize = 96 }.graph.input.height == 96)
    }

    /// Without names of layers, the two branches of a block can't be told apart.
    @Test func namelessWeightsOfBranchesAreRefused() throws {
        let file = try model("keras-hub-18-backbone").checkpoint(.kerasWeights, config: nil)
        #expect { try planned(file) } throws: { ($0 as? ZooError)?.code == .ambiguous }
    }

    @Test func otherVersionsAreRefusedByName() throws {
        for (name, what) in [("v2", "use_pre_activation"), ("vd", "input_conv_filters")] {
            let model = try model("keras-hub-\(name)")
            for file in [try model.checkpoint(.kerasArchive, config: model.config), try model.named()] {
                #expect {
                    try planned(file)
                } throws: { error in
                    let error = try #require(error as? ZooError)
                    return error.code == .unsupported && error.tensor == "ResNetBackbone.\(what)"
                }
            }
        }
        let text = try model("keras-hub-18").config.text(sortedKeys: false)
        for (from, to) in [
            ("[2, 2, 2, 2]", "[2, 2, 2]"), ("[2, 2, 2, 2]", "[2, 2, 2, 100000]"), ("\"avg\"", "\"sum\""),
            ("\"num_classes\": 7", "\"num_classes\": -7"), ("[64, 128, 256, 512]", "[64, 128, 256, 0]"),
            ("\"basic_block\"", "7"),
        ] {
            try #require(text.contains(from), "\(from)")
            let config = try JSONParser.parse(text.replacing(from, with: to))
            let file = try model("keras-hub-18").checkpoint(.kerasArchive, config: config)
            #expect(throws: ZooError.self, "\(to)") { _ = try planned(file) }
        }
    }

    /// `scale` and `offset` of a preset's `image_converter.json` are a mean and a standard deviation.
    @Test func picturesAreThoseOfThePreset() throws {
        let model = try model("keras-hub-18-backbone")
        let converter: JSONValue = [
            "class_name": "ResNetImageConverter",
            "config": [
                "image_size": [224, 224], "scale": [0.5, 0.25, 0.125], "offset": [-1.0, -2.0, 0.5],
                "interpolation": "bilinear", "crop_to_aspect_ratio": true, "pad_to_aspect_ratio": false,
            ],
        ]
        let file = try model.checkpoint(
            .kerasArchive, config: model.config, extras: ["image_converter.json": converter])
        let preprocessing = try #require(try planned(file).origin.preprocessing)
        #expect(preprocessing.mean == [2, 8, -4] && preprocessing.standardDeviation == [2, 4, 8])
        #expect(preprocessing.scale == 1 && preprocessing.crop == Extent(224) && !preprocessing.isAssumed)
    }

    // MARK: image-classifiers

    /// Names alone give the network that the package builds, layer for layer.
    @Test(arguments: [
        "image-classifiers-18", "image-classifiers-18-notop", "image-classifiers-50",
        "image-classifiers-50-notop",
    ])
    func namesGiveTheNetworkOfImageClassifiers(_ name: String) throws {
        let model = try model(name)
        let whole = try planned(model.checkpoint(.kerasArchive, config: model.config))
        #expect(whole.architecture.name == "custom")
        try whole.requireComplete(file: nil)
        for file in [
            try model.named(), try model.checkpoint(.kerasHDF5, config: nil),
        ] {
            let alone = try planned(file) { $0.inputSize = 64 }
            try alone.requireComplete(file: nil)
            let theirs = Dictionary(uniqueKeysWithValues: whole.graph.nodes.map { ($0.path, $0) })
            #expect(alone.graph.nodes.count == whole.graph.nodes.count)
            for node in alone.graph.nodes {
                let its = try #require(theirs[node.path], "\(node.path)")
                #expect(its.layer == node.layer && its.inputs == node.inputs, "\(node.path)")
            }
            #expect(alone.graph.output == whole.graph.output)
            #expect(alone.entries.count == whole.entries.count)
            #expect(alone.outputActivation == whole.outputActivation)
            #expect(alone.origin.preprocessing?.scale == 1 && whole.origin.preprocessing?.scale == 1)
            #expect(
                alone.assumptions.contains { $0.contains("image-classifiers gives layers of these names") })
            // Pictures of the usual size where nothing says another.
            #expect(try planned(file).graph.input.height == 224)
        }
        guard case .batchNormalization(let first)? = whole.graph["bn_data"]?.layer else {
            Issue.record("the pictures aren't normalised")
            return
        }
        #expect(!first.hasScale && first.epsilon == 2e-5 && abs(first.momentum - 0.01) < 1e-12)
    }
}
