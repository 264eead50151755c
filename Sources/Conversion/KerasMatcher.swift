import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Plans the conversion of a Keras file: by its `model_config` when it has one; otherwise the user names the
/// architecture and layers are matched by kind, order and shape.
struct KerasMatcher {
    let checkpoint: Checkpoint
    let options: ArchitectureOptions
    let architecture: Architecture?
    /// Whether an EfficientNet's second scaling is there, where a file of weights alone doesn't tell.
    var imageNetRescaling: Bool?

    func plan() throws(ZooError) -> ConversionPlan {
        if let config = checkpoint.extras["model_config"], config.objectValue != nil {
            if imageNetRescaling != nil { throw KerasScaling.uncalledFor }
            return try planByConfig(config)
        }
        return try planByOrder()
    }

    private func planByConfig(_ config: JSONValue) throws(ZooError) -> ConversionPlan {
        let lenet: KerasLeNet
        do throws(ZooError) {
            lenet = try KerasLeNet(modelConfig: config)
        } catch {
            // A LeNet that was asked for, and isn't there.
            if architecture?.family == "LeNet" { throw error }
            return try planNetwork(config)
        }
        if let architecture, architecture.name != lenet.network.variant.rawValue {
            throw ZooError(
                .mismatch, "the file's model_config describes another network than the one asked for",
                expected: architecture.name, found: lenet.network.variant.rawValue,
                remedy: "Leave --architecture out.")
        }
        if options.isHeadless {
            throw ZooError(
                .unsupported, "a LeNet of Keras is read with its classifier",
                remedy: "Leave --headless out; zoo surgery gives it another head.")
        }
        if let size = options.inputSize, size != lenet.network.inputSize {
            throw ZooError(
                .mismatch, "the file's model_config states another picture size than the one asked for",
                expected: "\(size)", found: "\(lenet.network.inputSize)", remedy: "Leave --input-size out.")
        }
        let graph = try lenet.network.graph()
        var keys: [String: [String]] = [:]
        for layer in checkpoint.layers { keys[layer.name] = layer.tensorNames }
        if checkpoint.format == .kerasArchive {
            // An archive has places in the layers' stead.
            for layer in try KerasDescriptionReader.read(config).layers {
                keys[layer.name] = keys[layer.store]
            }
        }
        var layers: [(node: String, keys: [String])] = []
        for (node, layer) in lenet.names { layers.append((node, keys[layer] ?? [])) }
        return ConversionPlan(
            checkpoint: checkpoint, architecture: try Architecture.named(lenet.network.variant.rawValue),
            framework: .keras, dialect: "Keras, layers and choices from model_config", graph: graph,
            sources: try sources(layers, graph: graph), assumptions: [],
            outputActivation: lenet.outputActivation)
    }

    private func planByOrder() throws(ZooError) -> ConversionPlan {
        let layers = fileLayers()
        if let plan = try planByNames(layers) { return plan }
        if let names = try KerasPackageNames(layers) {
            if imageNetRescaling != nil { throw KerasScaling.uncalledFor }
            return try planNetwork(names.config, names: names)
        }
        if let found = assignmentByPaths(layers) { return try plan(found) }
        let (larger, refusal) = try assignmentsByOrder(layers)
        if larger.count == 1 { return try plan(larger[0]) }
        let weighted = checkpoint.layers.filter { !$0.tensorNames.isEmpty }
        func rank(_ layer: CheckpointLayer) -> Int? {
            layer.tensorNames.first.flatMap { checkpoint[$0] }?.shape.rank
        }
        // `.weights.h5` lists layers by class, so only the order within a kind means something.
        let kernels = weighted.filter { rank($0) == 4 } + weighted.filter { rank($0) == 2 }
        var fitting: [ConversionPlan] = []
        // Keras' autoencoders have the same weights with other padding, which nothing here shows.
        let known = Architecture.all.filter { ["LeNet", "TinyVGG"].contains($0.family) }
        for candidate in architecture.map({ [$0] }) ?? known
        where known.contains(where: { $0.name == candidate.name }) {
            guard kernels.count == weighted.count, let plan = try plan(candidate, kernels: kernels) else {
                continue
            }
            fitting.append(plan)
        }
        if architecture != nil, let plan = fitting.first { return plan }
        let shapes = weighted.compactMap {
            $0.tensorNames.first.flatMap { checkpoint[$0] }?.shape.description
        }
        guard !fitting.isEmpty else {
            if let refusal { throw refusal }
            let known = Architecture.all.map(\.name).joined(separator: ", ")
            throw ZooError(
                .mismatch,
                architecture.map { "the file's layers are not those of \($0.name)" }
                    ?? "no known architecture has these layers",
                found: "kernels \(shapes.prefix(6).joined(separator: ", "))",
                remedy: "Known architectures: \(known).")
        }
        let names = fitting.map(\.architecture.name)
        throw ZooError(
            .ambiguous,
            "a weights-only file doesn't tell activation and pooling: \(names.joined(separator: ", ")) would fit",
            remedy: "Say which, e.g. --architecture \(names[0]), or save the whole model in Keras.")
    }

    private func plan(_ candidate: Architecture, kernels: [CheckpointLayer]) throws(ZooError)
        -> ConversionPlan?
    {
        let nodes = try candidate.graph(ArchitectureOptions()).nodes.filter {
            !$0.layer.parameterShapes.isEmpty
        }
        guard nodes.count == kernels.count else { return nil }
        var shapes: [ParameterPath: TensorShape] = [:]
        var layers: [(node: String, keys: [String])] = []
        for (node, layer) in zip(nodes, kernels) {
            layers.append((node.path, layer.tensorNames))
            let axes = layer.tensorNames.first.flatMap { checkpoint[$0] }?.shape.rank == 4
            let transform: LayoutTransform = axes ? .kerasConvolution : .kerasDense
            for (role, key) in zip([ParameterRole.weight, .bias], layer.tensorNames) {
                guard let shape = checkpoint[key]?.shape else { continue }
                shapes[ParameterPath(node.path, role)] =
                    role == .weight ? transform.canonicalShape(of: shape) : shape
            }
        }
        guard let (graph, assumptions) = try? candidate.fitted(shapes, options) else { return nil }
        let plan = ConversionPlan(
            checkpoint: checkpoint, architecture: candidate, framework: .keras,
            dialect: "Keras, matched by order and shape", graph: graph,
            sources: try sources(layers, graph: graph),
            assumptions: assumptions + [
                "every layer was matched by its place and shape, not by its name",
                "the numbers before the last activation are logits; a softmax at the end, if there was one, is left out",
            ], isAssumed: true)
        return plan.mismatched.isEmpty && plan.missing.isEmpty ? plan : nil
    }

    /// Keys and layout changes of the layers' kernels and biases.
    private func sources(
        _ layers: [(node: String, keys: [String])], graph: LayerGraph
    ) throws(ZooError) -> [ParameterPath: (key: String, transform: LayoutTransform)] {
        let transforms = try KerasLayout.weightTransforms(graph)
        var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
        for (node, keys) in layers {
            for (role, key) in zip([ParameterRole.weight, .bias], keys) {
                sources[ParameterPath(node, role)] =
                    (key, role == .weight ? transforms[node] ?? .identity : .identity)
            }
        }
        return sources
    }
}

extension Architecture {
    /// A network that has no name of its own.
    static func custom(of network: KerasNetwork) -> Architecture {
        let graph = network.graph
        var preprocessing = Preprocessing(channels: graph.input.channels == 3 ? .rgb : .grey, isAssumed: true)
        if network.scalesPixels { preprocessing.scale = 1 }
        return Architecture(
            name: graph.architecture, title: "a network of \(graph.nodes.count) layers", paper: "",
            initialization: .torchDefault, preprocessing: preprocessing,
            graph: { (_) throws(ZooError) in graph }, fitted: { (_, _) throws(ZooError) in (graph, []) })
    }
}
