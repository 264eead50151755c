import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// Keras files of weights alone: known networks by their layers' names, and by order and shape.
@Suite struct KerasWeightsOnlyTests {
    private func application(_ name: String) throws -> KerasApplication {
        try #require(KerasApplication.all[name])
    }

    private static let models = [
        ("VGG16", "vgg16", 32), ("VGG19", "vgg19", 38), ("VGG16-notop", "vgg16", 26),
        ("EfficientNetB0", "efficientnet_b0", 313), ("EfficientNetB2", "efficientnet_b2", 441),
        ("EfficientNetB0-notop", "efficientnet_b0", 311),
    ]

    // MARK: Names

    @Test(arguments: models) func namesDecide(_ name: String, _ architecture: String, _ count: Int) throws {
        let application = try application(name)
        for checkpoint in [try application.checkpoint(.kerasHDF5, config: nil), try application.named()] {
            let plan = try planned(checkpoint)
            #expect(plan.architecture.name == architecture && plan.entries.count == count)
            try plan.requireComplete(file: nil)
            #expect(plan.origin.dialect?.name == "keras")
            #expect(plan.entries.allSatisfy { !$0.isAssumed })
            // The graph is that of the whole file, but for how a body's features are pooled.
            if !name.contains("notop") {
                let whole = try planned(application.checkpoint(.kerasArchive, config: application.config))
                #expect(plan.graph.nodes.map(\.path) == whole.graph.nodes.map(\.path))
                for entry in plan.entries {
                    let other = whole.entries.first { $0.path == entry.path }
                    #expect(other?.transform == entry.transform && other?.shape == entry.shape)
                }
                for node in plan.graph.nodes {
                    if case .stochasticDepth = node.layer { continue }
                    #expect(whole.graph[node.path]?.layer == node.layer, "\(node.path)")
                }
            }
        }
    }

    @Test func otherClassifiersAreShown() throws {
        let application = try application("VGG16")
        let mine = ["fc1": "my_features", "fc2": "my_other", "predictions": "my_classes"]
        let file = try application.checkpoint(.kerasHDF5, config: nil) { mine[$0] ?? $0 }
        let plan = try planned(file)
        #expect(plan.origin.foreignHead == ["my_features", "my_other", "my_classes"])
        #expect(throws: ZooError.self) { try plan.requireComplete(file: nil) }
        let body = try planned(file) { $0.isHeadless = true }
        try body.requireComplete(file: nil)
        #expect(body.entries.count == 26 && body.graph.head == nil)
        // A single layer that fits the features is the head.
        let head = try self.application("EfficientNetB0").checkpoint(.kerasHDF5, config: nil) {
            $0 == "predictions" ? "dense" : $0
        }
        #expect(try planned(head).entries.last?.key == "dense/bias")
    }

    // MARK: The second scaling

    @Test func whatTheNormalizationHoldsDecides() throws {
        let application = try application("EfficientNetB0-notop")
        let deviations: [Float] = [0.229, 0.224, 0.225]
        for (variance, isThere, word) in [
            (deviations, true, "standard deviations"), (deviations.map { $0 * $0 }, false, "variances"),
            ([1, 1, 1], false, "never adapted"), ([0.3, 0.2, 0.1], false, "of its own"),
        ] {
            let file = try application.checkpoint(.kerasHDF5, config: nil, numbers: ["variance": variance])
            let plan = try planned(file)
            #expect((plan.graph["rescaling_1"] != nil) == isThere, "\(word)")
            #expect(
                plan.assumptions.contains { $0.contains(word) && $0.contains("--imagenet-rescaling") },
                "\(word)")
            // And what the user says goes first.
            let asked = try planned(file) { $0.imageNetRescaling = !isThere }
            #expect((asked.graph["rescaling_1"] != nil) == !isThere)
            #expect(asked.assumptions.contains { $0.contains("as was asked for") })
        }
    }

    @Test func theQuestionIsForWeightsAlone() throws {
        let whole = try application("EfficientNetB0")
        for file in [
            try whole.checkpoint(.kerasArchive, config: whole.config),
            try application("VGG16-notop").checkpoint(.kerasHDF5, config: nil),
        ] {
            #expect {
                try planned(file) { $0.imageNetRescaling = true }
            } throws: { ($0 as? ZooError)?.code == .invalidArgument }
        }
    }

    // MARK: Order

    @Test(arguments: models) func orderAndShapeDecide(
        _ name: String, _ architecture: String, _ count: Int
    ) throws {
        let application = try application(name)
        let known = try planned(application.checkpoint(.kerasHDF5, config: nil))
        let file = try application.checkpoint(.kerasHDF5, config: nil) { "x_\($0.hashed)" }
        for checkpoint in [file, try application.checkpoint(.kerasWeights, config: nil).byClass()] {
            let plan = try planned(checkpoint)
            #expect(plan.architecture.name == architecture && plan.entries.count == count)
            try plan.requireComplete(file: nil)
            #expect(plan.entries.allSatisfy { $0.isAssumed })
            #expect(plan.assumptions.contains { $0.contains("by its place and shape") })
            let stores = Dictionary(
                uniqueKeysWithValues: application.layers.map { ("x_\($0.name.hashed)", $0.name) })
            let byStore = Dictionary(uniqueKeysWithValues: application.layers.map { ($0.store, $0.name) })
            for entry in plan.entries {
                let other = try #require(known.entries.first { $0.path == entry.path })
                let parts = entry.key.split(separator: "/").map(String.init)
                let name = stores[parts[0]] ?? byStore["\(parts[0])/\(parts[1])"]
                #expect(other.key.hasPrefix("\(name ?? "?")/"), "\(entry.path): \(entry.key), \(other.key)")
            }
        }
    }

    /// The shortcut's normalisation and the block's last have the same shapes, and stand side by side.
    @Test func branchesSideBySideAreRefused() throws {
        let network = try model("resnet18")
        for format in [CheckpointFormat.kerasHDF5, .kerasWeights] {
            #expect {
                try planned(checkpoint(of: network, format))
            } throws: { error in
                let error = try #require(error as? ZooError)
                return error.code == .ambiguous && error.problem.contains("layer2.0.bn2")
                    && error.problem.contains("layer2.0.downsample.1")
            }
        }
        let alexNet = try planned(checkpoint(of: model("alexnet"), .kerasWeights))
        #expect(alexNet.architecture.name == "alexnet" && alexNet.entries.count == 16)
        try alexNet.requireComplete(file: nil)
    }

    /// What we write of networks that keras.applications lacks has the layers' paths for names.
    @Test(arguments: ["resnet18", "resnet50", "alexnet", "vgg11_bn"])
    func ownNamesAreKnown(_ name: String) throws {
        for format in [CheckpointFormat.kerasHDF5, .kerasWeights] {
            for isHeadless in [false, true] {
                let graph = try Architecture.named(name).graph(
                    ArchitectureOptions(classes: 7, isHeadless: isHeadless))
                var tensors: [CheckpointTensor] = []
                var layers: [CheckpointLayer] = []
                var names = JSONObject()
                let layouts: [LayoutTransform] = [.kerasDense, .kerasConvolution]
                for (place, node) in graph.nodes.enumerated() where !node.parameters.isEmpty {
                    let layer = node.path.replacing(".", with: "_")
                    let store = format == .kerasHDF5 ? layer : "layers/x_\(place)"
                    names[store] = .string(layer)
                    var keys: [String] = []
                    for parameter in node.parameters {
                        keys.append("\(store)/\(keys.count)")
                        let zeros = try Tensor(zeros: parameter.shape)
                        let isKernel = parameter.path.role == .weight && parameter.shape.rank > 1
                        tensors.append(
                            CheckpointTensor(
                                name: keys[keys.count - 1],
                                tensor: isKernel
                                    ? try layouts[parameter.shape.rank == 4 ? 1 : 0].fromCanonical(zeros)
                                    : zeros))
                    }
                    layers.append(CheckpointLayer(name: store, tensorNames: keys))
                }
                let file = try Checkpoint(
                    format: format, path: "own.h5", tensors: tensors, layers: layers.reversed(),
                    extras: format == .kerasHDF5 ? [:] : ["layer_names": .object(names)])
                let plan = try planned(file)
                #expect(plan.architecture.name == name && plan.graph.classCount == (isHeadless ? nil : 7))
                try plan.requireComplete(file: nil)
                #expect(plan.entries.allSatisfy { !$0.isAssumed } && plan.unused.isEmpty)
            }
        }
    }

    @Test func othersAreRefused() throws {
        let application = try application("VGG16-notop")
        let file = try application.checkpoint(.kerasHDF5, config: nil) { "x_\($0)" }
        var layers = file.layers
        layers.removeLast()
        let shorter = try Checkpoint(
            format: .kerasHDF5, path: "short.h5", tensors: file.tensors.dropLast(2), layers: layers)
        #expect { try planned(shorter) } throws: { ($0 as? ZooError)?.code == .mismatch }
    }

    private func model(_ architecture: String) throws -> Model {
        let graph = try Architecture.named(architecture).graph(ArchitectureOptions(classes: 7))
        var parameters = ParameterTable()
        for parameter in graph.parameters { parameters[parameter.path] = try Tensor(zeros: parameter.shape) }
        return try Model(graph: graph, parameters: parameters, preprocessing: Preprocessing(channels: .rgb))
    }

    /// A model's weights in a Keras file, under names of no meaning.
    private func checkpoint(of model: Model, _ format: CheckpointFormat) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var layers: [CheckpointLayer] = []
        for (place, layer) in try Export.keras(model).layers.enumerated() where !layer.weights.isEmpty {
            let keys = layer.weights.map { "layers/\(layer.className)_\(place)/\($0.name)" }
            for (key, weight) in zip(keys, layer.weights) {
                tensors.append(CheckpointTensor(name: key, tensor: weight.tensor))
            }
            layers.append(
                CheckpointLayer(name: "layers/\(layer.className)_\(place)", tensorNames: keys))
        }
        let checkpoint = try Checkpoint(format: format, path: "weights.h5", tensors: tensors, layers: layers)
        return format == .kerasWeights ? try checkpoint.byClass() : checkpoint
    }
}

extension String {
    /// The name as a number that tells nothing.
    fileprivate var hashed: Int { utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF } }
}

extension Checkpoint {
    /// The same layers sorted by class, as HDF5 lists them; within a class in their order.
    fileprivate func byClass() throws -> Checkpoint {
        func base(_ layer: CheckpointLayer) -> Substring {
            let last = layer.name.split(separator: "/").last ?? ""
            guard let end = last.lastIndex(of: "_"), Int(last[last.index(after: end)...]) != nil else {
                return last
            }
            return last[..<end]
        }
        let sorted = layers.enumerated().sorted {
            (base($0.element), $0.offset) < (base($1.element), $1.offset)
        }.map(\.element)
        return try Checkpoint(format: format, path: path, tensors: tensors, layers: sorted, extras: extras)
    }
}
