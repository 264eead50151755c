import ZooArchitectures
public import ZooCheckpoints
public import ZooLayerGraphs
public import ZooModels
public import ZooTensors

extension Converter {
    /// Loads a state dict into the network of a graph document: every key has to be the one that the document names,
    /// or the parameter's own name.
    /// - Throws: ``ZooError`` for a parameter that the file lacks (with the nearest keys), one of another shape, a
    ///   tensor that the network has no use for, and for Keras' files.
    public func convert(
        _ checkpoint: Checkpoint, to document: GraphDocument.Contents
    ) throws(ZooError) -> (model: Model, report: ConversionReport) {
        do throws(ZooError) {
            guard ![.kerasHDF5, .kerasWeights, .kerasArchive].contains(checkpoint.format) else {
                throw ZooError(
                    .unsupported, "a graph document says nothing of Keras' layouts",
                    found: checkpoint.format.title,
                    remedy: "Convert the file without it: Keras' files describe their networks themselves.")
            }
            var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
            for parameter in document.graph.parameters {
                sources[parameter.path] = (
                    document.keys[parameter.path] ?? parameter.path.description, .identity
                )
            }
            let plan = ConversionPlan(
                checkpoint: checkpoint, architecture: .described(by: document.graph), framework: .pytorch,
                dialect: "the names of the graph document", graph: document.graph, sources: sources,
                assumptions: [])
            if !options.allowPartial {
                if let missing = plan.missing.first {
                    throw lack(missing, of: plan, key: sources[missing.path]?.key, in: checkpoint)
                }
                try plan.requireComplete(file: checkpoint.path)
            }
            return try carryOut(plan, on: checkpoint)
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    private func lack(
        _ parameter: ParameterSpecification, of plan: ConversionPlan, key: String?, in checkpoint: Checkpoint
    ) -> ZooError {
        let count = plan.missing.count
        let wanted = key ?? parameter.path.description
        let alike = plan.unused.filter { checkpoint[$0]?.shape == parameter.shape }
        let near = nearest(to: wanted, among: plan.unused)
        let candidates = (near + alike.filter { !near.contains($0) }).prefix(3).map { name in
            "\(name) \(checkpoint[name]?.shape.description ?? "")"
        }
        return ZooError(
            .missingTensor,
            count == 1
                ? "the file lacks a parameter of the graph document"
                : "the file lacks \(count) parameters of the graph document, the first",
            tensor: parameter.path.description, expected: "\(wanted) \(parameter.shape)",
            found: candidates.isEmpty ? nil : candidates.joined(separator: ", "),
            remedy:
                "Name its key in the document (\"key\": \"name of the module\"), or let zoo convert --allow-partial "
                + "initialise it afresh.")
    }
}

extension Architecture {
    /// A network of which nothing is known but its graph.
    static func described(by graph: LayerGraph) -> Architecture {
        Architecture(
            name: graph.architecture,
            title: "a network of \(graph.nodes.count) layers, from a graph document",
            paper: "", initialization: .torchDefault,
            preprocessing: Preprocessing(channels: graph.input.channels == 3 ? .rgb : .grey, isAssumed: true),
            graph: { (_) throws(ZooError) in graph }, fitted: { (_, _) throws(ZooError) in (graph, []) })
    }
}
