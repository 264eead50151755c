import ArgumentParser
import Menagerie

/// The numbers that `zoo forward` feeds.
enum ForwardInput {
    /// Reads the one array of a file, or the one that is named, as `f32`.
    static func read(_ path: String, array name: String?) throws(ZooError) -> Tensor {
        do throws(ZooError) {
            let source = try ByteSource(path: path)
            // What is said to be an array is read as one, so that a damaged one is told where it ends.
            if name == nil, path.lowercased().hasSuffix(".npy") {
                return try NPYFile.read(source).converted(to: .f32)
            }
            switch try FileKind.detect(source) {
            case .npy, .npz, .safetensors: break
            case let kind:
                throw kind.refusal(path: path)
                    ?? ZooError(
                        .unknownFormat, "this is no file of raw numbers", expected: "NPY, NPZ or safetensors",
                        found: kind.rawValue, remedy: "Save the input with numpy.save.")
            }
            let table = try CheckpointReader.read(source, options: CheckpointReadOptions(keepPrefixes: true))
            let names = table.tensors.map(\.name)
            if let name {
                guard let tensor = table[name] else {
                    let near = nearest(to: name, among: names)
                    let known = near.isEmpty ? names.prefix(6) : near[...]
                    throw ZooError(
                        .missingTensor, "the file has no array of this name", tensor: name,
                        remedy:
                            "It has \(known.joined(separator: ", "))\(known.count < names.count ? ", …" : "")."
                    )
                }
                return try tensor.load().converted(to: .f32)
            }
            guard let only = table.tensors.count == 1 ? table.tensors.first : table["input"] else {
                throw ZooError(
                    names.isEmpty ? .missingTensor : .ambiguous,
                    names.isEmpty
                        ? "the file has no arrays" : "the file has \(names.count) arrays, none called input",
                    found: names.prefix(6).joined(separator: ", "), remedy: "Say which: --array NAME.")
            }
            return try only.load().converted(to: .f32)
        } catch {
            throw error.adding(file: path)
        }
    }

    /// Refuses what isn't `[N, C, H, W]` for this network, and says what helps.
    static func check(_ input: Tensor, for graph: LayerGraph) throws(ZooError) {
        let (shape, channels) = (input.shape, graph.input.channels)
        let expected = "[N, \(channels), H, W]"
        guard shape.rank == 4 else {
            let isOne = shape.rank == 3 && shape[0] == channels
            throw ZooError(
                .mismatch, "the input has the wrong number of dimensions", expected: expected,
                found: shape.description,
                remedy: isOne
                    ? "A single picture needs a batch around it: x[None] in NumPy."
                    : "Shape it as a batch of pictures, channels before rows and columns.")
        }
        guard shape[1] == channels else {
            throw ZooError(
                .mismatch, "the input has the wrong number of channels", expected: expected,
                found: shape.description,
                remedy: shape[3] == channels
                    ? "Its channels stand last, as in Keras; x.transpose(0, 3, 1, 2) in NumPy puts them where they belong."
                    : "Check that it is meant for this network: zoo summary shows what that takes.")
        }
    }
}

/// Which results `zoo forward` hands out.
struct ForwardSelection {
    /// What is written: its name, and the path of the node that gives it.
    private(set) var arrays: [(name: String, node: String)] = []

    /// Finds layers by patterns with wildcards; a module's path, or a part's name, stands for what that gives.
    /// - Throws: ``ZooError`` with near misses for a pattern that matches nothing.
    init(_ patterns: [String], all: Bool, of graph: LayerGraph) throws(ZooError) {
        let paths = graph.nodes.map(\.path)
        var wanted = Set(all ? paths : [])
        var modules: [(name: String, node: String)] = []
        for pattern in patterns {
            let matching = ([LayerGraph.inputPath] + paths).filter { NameSelection.matches(pattern, $0) }
            wanted.formUnion(matching)
            if !matching.isEmpty || modules.contains(where: { $0.name == pattern }) { continue }
            guard let node = try ForwardSelection.result(of: pattern, in: graph) else {
                throw graph.unknownPath(pattern)
            }
            modules.append((pattern, node))
        }
        arrays = ([LayerGraph.inputPath] + paths).filter(wanted.contains).map { ($0, $0) } + modules
    }

    private static func result(of module: String, in graph: LayerGraph) throws(ZooError) -> String? {
        if let part = graph.namedParts.first(where: { $0.name == module }) { return part.nodes.last }
        let summary = try GraphSummary(graph)
        let line = SummaryTree(summary).lines.first { $0.path == module && !module.isEmpty }
        return line.flatMap { summary.result(of: $0.layers) }.map { summary.rows[$0].path }
    }
}

/// A forward pass over as many pictures as there are, a few at a time.
struct ForwardPass {
    let executor: any Executor
    let mode: ExecutionMode
    /// Pictures that are computed together.
    let batch: Int

    /// The logits, the results of the nodes asked for, and the running statistics that a training pass leaves.
    func run(
        _ input: Tensor, keeping nodes: Set<String>, progress: (Int) -> Void
    ) throws(ZooError) -> (output: Tensor, activations: [String: Tensor], statistics: ParameterTable) {
        let count = input.shape[0]
        // A training pass is one pass: batch statistics are those of all pictures.
        guard mode == .inference, count > batch else {
            let result = try executor.forward(input, mode: mode, keeping: nodes)
            return (result.output, result.activations, result.statistics)
        }
        var outputs: [Tensor] = []
        var activations: [String: [Tensor]] = [:]
        for start in stride(from: 0, to: count, by: batch) {
            let end = min(start + batch, count)
            let part = try input.sliced(axis: 0, start..<end)
            let result = try executor.forward(part, mode: mode, keeping: nodes)
            outputs.append(result.output)
            for (path, tensor) in result.activations { activations[path, default: []].append(tensor) }
            progress(end)
        }
        var joined: [String: Tensor] = [:]
        for (path, parts) in activations { joined[path] = try Tensor.joined(parts) }
        return (try Tensor.joined(outputs), joined, ParameterTable())
    }
}
