import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport
import ZooTraining

/// What holds for every architecture that has a name, on the smallest pictures that it takes.
@Suite(.serialized) struct EveryArchitectureTests {
    static let names = Architecture.all.map(\.name)
    /// One of each family and form, which is computed with every number of channels; the families' other members,
    /// which differ in the number of layers, with one.
    static let forms = [
        "lenet", "lenet-d2l", "lenet-classic", "tinyvgg", "autoencoder", "autoencoder-pooled", "alexnet",
        "vgg11",
        "vgg11_bn", "resnet18", "resnet50", "efficientnet_b0", "efficientnet_lite0",
    ]
    static let inputs = names.enumerated().flatMap { place, name in
        (forms.contains(name) ? [1, 3, 4] : [[1, 3, 4][place % 3]]).map { (name, $0) }
    }

    /// Sides of the pictures that it is computed with: small, but such that batch normalisations see several places.
    private func side(_ name: String) -> Int? {
        switch Architecture.all.first(where: { $0.name == name })?.family {
        case "AlexNet": 63
        case "VGG": 32
        case "ResNet", "EfficientNet": 33
        default: nil
        }
    }

    /// The network with few classes. Hidden linear layers of thousands of features get some dozens, which saves
    /// hundreds of megabytes, and nothing is dropped, so that no draw hides a gradient.
    private func graph(_ name: String, channels: Int) throws -> LayerGraph {
        let options = ArchitectureOptions(classes: 3, inputChannels: channels, inputSize: side(name))
        var graph = try Architecture.named(name).graph(options)
        for node in graph.nodes {
            switch node.layer {
            case .linear(var layer):
                if layer.inputFeatures == 4_096 { layer.inputFeatures = 96 }
                if layer.outputFeatures == 4_096 { layer.outputFeatures = 96 }
                graph = try graph.replacing(node.path, with: .linear(layer))
            case .dropout: graph = try graph.replacing(node.path, with: .dropout(probability: 0))
            case .stochasticDepth:
                graph = try graph.replacing(node.path, with: .stochasticDepth(probability: 0))
            default: break
            }
        }
        return graph
    }

    /// Numbers that keep a network's results in bounds: kernels by He's rule, normalisations near the identity.
    private func model(_ graph: LayerGraph) throws -> Model {
        var parameters = ParameterTable()
        for (place, parameter) in graph.parameters.enumerated() {
            let shape = parameter.shape
            let (centre, width): (Double, Double) =
                switch parameter.path.role {
                case .weight where shape.rank > 1:
                    (0, 2 * (6 / Double(shape.dimensions.dropFirst().reduce(1, *))).squareRoot())
                case .weight, .runningVariance: (1, 0.5)
                case .bias, .runningMean: (0, 0.2)
                }
            let values = (0..<shape.elementCount).map {
                Float(centre + (Filling.uniform(place, $0) - 0.5) * width)
            }
            parameters[parameter.path] = try Tensor(values, shape: shape)
        }
        return try Model(
            graph: graph, parameters: parameters, preprocessing: Preprocessing(channels: .rgb),
            labels: (0..<3).map { "class \($0)" })
    }

    /// Biases whose gradient is zero by construction: what they add to each channel, a batch normalisation further on
    /// takes away again, when nothing but sums and convolutions without zeros around the map lies between. So it is
    /// with convolutions' biases in VGG with batch normalisation, and in EfficientNets with those of the
    /// normalisations at the end of blocks.
    private func withoutEffect(_ graph: LayerGraph) -> Set<ParameterPath> {
        var isRemoved: [String: Bool] = [:]
        for node in graph.nodes.reversed() {
            let readers = graph.nodes.filter { $0.inputs.contains(node.path) }
            isRemoved[node.path] =
                node.path != graph.output
                && readers.allSatisfy { reader in
                    switch reader.layer {
                    case .batchNormalization: true
                    case .convolution(let layer): layer.padding == .none && isRemoved[reader.path] == true
                    case .add, .stochasticDepth: isRemoved[reader.path] == true
                    default: false
                    }
                }
        }
        let biases = graph.parameters.map(\.path).filter { $0.role == .bias && isRemoved[$0.node] == true }
        return Set(biases)
    }

    private func norm(_ tensor: Tensor) throws -> Double {
        try tensor.floats().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    // MARK: Gradients

    @Test(arguments: inputs) func everyParameterGetsAGradient(name: String, channels: Int) throws {
        let model = try model(graph(name, channels: channels))
        let executor = try NativeExecutor(
            graph: model.graph, parameters: model.parameters, engine: Executors.engine.get(),
            mostly: PlanConfiguration(.training, batch: 4))
        let side = model.graph.input.height
        let input = try Filling.pictures([4, channels, side, side])
        let (_, cotangent) = try Goldens.crossEntropy(
            logits: Tensor([Float](repeating: 0, count: 12), shape: [4, 3]), labels: [0, 1, 2, 1])
        let result = try executor.gradients(
            input: input, outputGradient: cotangent, mode: .training(TrainingMoment(seed: 3)),
            request: GradientRequest())
        let learned = model.graph.parameters.filter { $0.path.role.isLearned }
        #expect(result.parameters.count == learned.count)
        let removed = withoutEffect(model.graph)
        #expect(removed.isEmpty == !(name.hasSuffix("_bn") || name.hasPrefix("efficientnet")))
        var whole = 0.0
        var norms: [ParameterPath: Double] = [:]
        for (path, gradient) in result.parameters.entries {
            #expect(gradient.shape == model.parameters[path]?.shape)
            let size = try norm(gradient)
            norms[path] = size
            whole += size * size
        }
        for (path, size) in norms {
            #expect(size.isFinite, "\(path)")
            if removed.contains(path) {
                #expect(size <= 1e-4 * whole.squareRoot(), "\(path): \(size)")
            } else {
                #expect(size > 1e-7 * whole.squareRoot(), "\(path): \(size) of \(whole.squareRoot())")
            }
        }
    }

    // MARK: Freezing

    /// A step with one part frozen changes all others and nothing in that part, running statistics included. Of the
    /// families' other members it is tried with one of their stages.
    @Test(arguments: names) func frozenPartsStayAsTheyAre(name: String) throws {
        let model = try model(graph(name, channels: 3))
        let side = model.graph.input.height
        let input = try Filling.pictures([4, 3, side, side])
        let removed = withoutEffect(model.graph)
        let parts = model.graph.namedParts.map(\.name)
        #expect(parts.contains("stem") && parts.contains("stage1") && parts.contains("head"))
        let backend = try NativeBackend(
            graph: model.graph, parameters: model.parameters, batch: 4, seed: 0, threads: 2)
        var before = try backend.parameters()
        let stages = parts.filter { $0.hasPrefix("stage") }
        let few = ["stem", stages[name.utf8.count % stages.count], "body"]
        for part in Self.forms.contains(name) ? parts.filter({ $0 != "classifier" }) : few {
            let frozen = Set(try model.graph.nodes(in: part).map(\.path))
            try backend.freeze(frozen)
            // Adam moves everything that has a gradient by about its rate, however small the gradient is.
            let update = OptimizerUpdate(rule: .adam(), learningRate: 1e-3)
            try backend.step(input, update: update) { (logits) throws(ZooError) in
                try CrossEntropy.evaluate(logits: logits, classes: 3, labels: [0, 1, 2, 1]).gradient
            }
            let after = try backend.parameters()
            for (path, tensor) in after.entries where !removed.contains(path) {
                let isSame = try tensor.bytes() == #require(before[path]).bytes()
                #expect(isSame == frozen.contains(path.node), "\(part) frozen: \(path)")
            }
            before = after
        }
    }

    @Test(arguments: names) func frozenPartsGetNoGradients(name: String) throws {
        let model = try model(graph(name, channels: 1))
        let side = model.graph.input.height
        let input = try Filling.pictures([2, 1, side, side])
        let learned = model.graph.parameters.map(\.path).filter(\.role.isLearned)
        for part in Self.forms.contains(name) ? ["stem", "body"] : ["body"] {
            let frozen = Set(try model.graph.nodes(in: part).map(\.path))
            let executor = try NativeExecutor(
                graph: model.graph, parameters: model.parameters, engine: Executors.engine.get(),
                frozen: frozen, mostly: PlanConfiguration(.training, batch: 2))
            let result = try executor.gradients(
                input: input, outputGradient: Tensor([Float](repeating: 0.1, count: 6), shape: [2, 3]),
                mode: .training(TrainingMoment(seed: 1)), request: GradientRequest())
            #expect(result.parameters.paths == learned.filter { !frozen.contains($0.node) }, "\(part)")
            #expect(result.statistics.paths.allSatisfy { !frozen.contains($0.node) }, "\(part)")
        }
    }

    // MARK: Files

    @Test(arguments: names) func nativeFilesComeBackByteForByte(name: String) throws {
        let model = try model(graph(name, channels: 4))
        let folder = try TemporaryFolder()
        let (first, second) = (
            "\(folder.path)/first.zoo.safetensors", "\(folder.path)/second.zoo.safetensors"
        )
        try ModelFile.write(model, to: first)
        let read = try ModelFile.read(SafetensorsReader.read(ByteSource(path: first)))
        #expect(read.graph == model.graph && read.labels == model.labels)
        for (path, tensor) in model.parameters.entries {
            #expect(try read.parameters[path]?.bytes() == tensor.bytes(), "\(path)")
        }
        try ModelFile.write(read, to: second)
        #expect(try TestFiles.read(first) == TestFiles.read(second))
    }

    // MARK: Detection

    /// A state dict by each dialect's names is taken for the network that it was written from.
    @Test(arguments: names) func stateDictsFindTheirNetwork(name: String) throws {
        let dialects = Dialect.of(name)
        #expect(!dialects.isEmpty)
        for dialect in dialects {
            // Some have names for the body alone, and those of autoencoders for the autoencoder itself.
            let head = try #require(
                Architecture.named(name).graph(ArchitectureOptions(classes: 7)).head)
            let hasHead = dialect.key(for: ParameterPath(head, .weight)) != nil
            let options = ArchitectureOptions(
                classes: hasHead ? 7 : nil, inputChannels: 4,
                inputSize: dialect.preprocessing?.crop?.height,
                isHeadless: !hasHead && !name.hasPrefix("autoencoder"), conventions: dialect.conventions)
            let graph = try Architecture.named(name).graph(options)
            var parameters = ParameterTable()
            for parameter in graph.parameters {
                parameters[parameter.path] = try Tensor(zeros: parameter.shape)
            }
            let model = try Model(
                graph: graph, parameters: parameters, preprocessing: Preprocessing(channels: .rgb))
            let state = try Export.pytorch(model, names: .dialect(dialect.name)).tensors
            let file = try Checkpoint(
                format: .pytorchZip, path: nil,
                tensors: state.map { CheckpointTensor(name: $0.name, tensor: $0.tensor) })
            let found = try Converter().plan(file)
            #expect(found.architecture.name == name, "\(dialect.name)")
            var asked = Converter.Options()
            asked.dialect = dialect.name
            let plan = try Converter(options: asked).plan(file)
            #expect(plan.graph == graph && plan.unused.isEmpty, "\(dialect.name)")
            try plan.requireComplete(file: nil)
        }
    }
}
