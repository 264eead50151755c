import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooTensors

extension HeadReplacement {
    /// Puts a head on a model that ends with its features: a known network gets its own classifier back, any other a
    /// linear layer.
    /// - Throws: ``ZooError`` when the model ends with something else than a vector of features.
    func added(to model: Model) throws(ZooError) -> Model {
        let graph = try classifier(behind: model.graph)
        let scheme = initialization ?? Architecture.initialization(named: graph.architecture)
        var parameters = model.parameters
        for node in graph.nodes where model.graph[node.path] == nil {
            for (path, tensor) in try scheme.parameters(for: node, seed: seed) { parameters[path] = tensor }
        }
        var provenance = model.provenance
        provenance.history.append(description(for: model))
        return try Model(
            graph: graph, parameters: parameters, keys: model.keys, preprocessing: model.preprocessing,
            labels: labels, provenance: provenance)
    }

    private func classifier(behind body: LayerGraph) throws(ZooError) -> LayerGraph {
        if let whole = knownClassifier(behind: body) { return whole }
        guard let shape = try body.shapes(batch: 1)[body.output], shape.rank == 2 else {
            throw ZooError(
                .invalidArgument, "the model doesn't end with a vector of features that a head could take",
                tensor: body.output, found: body.architecture,
                remedy: "Pass --headless to take the body alone, where the network has one.")
        }
        // The place where the network usually has it, if it is a known one with other pictures or padding.
        let usual = Architecture.all.first { $0.name == body.architecture }.flatMap {
            try? $0.graph(ArchitectureOptions(classes: labels.count)).head
        }
        let names = (usual.map { [$0] } ?? []) + ["head", "classifier", "new_head"]
        guard let name = names.first(where: { name in (try? body.nodes(in: name)) == nil }) else {
            throw ZooError(.invalidArgument, "the names \(names.joined(separator: ", ")) are all taken")
        }
        return try LayerGraph(
            architecture: body.architecture, input: body.input,
            nodes: body.nodes + [Node(name, .linear(Linear(shape[1], labels.count)), inputs: [body.output])],
            head: name, parts: body.namedParts)
    }

    /// The whole network of which this is the body.
    private func knownClassifier(behind body: LayerGraph) -> LayerGraph? {
        guard let architecture = Architecture.all.first(where: { $0.name == body.architecture }) else {
            return nil
        }
        for conventions in [nil, .tensorflow, .timmTensorFlow, .keras] as [Conventions?] {
            let options = ArchitectureOptions(
                classes: labels.count, inputChannels: body.input.channels, inputSize: body.input.height,
                conventions: conventions)
            if let whole = try? architecture.fitted(body.parameterShapes, options).graph,
                whole.input == body.input,
                whole.head != nil, whole.nodes.starts(with: body.nodes)
            {
                return whole
            }
        }
        return nil
    }
}
