import COneDNNShim
package import ZooLayerGraphs
package import ZooTensors

extension ExecutionPlan {
    /// Makes the first plan of a model, and with it the store whose layouts suit this plan.
    /// - Throws: ``ZooError`` when a parameter is missing or doesn't fit, a size doesn't, or a path is unknown.
    package static func make(
        _ graph: LayerGraph, parameters: ParameterTable, _ configuration: PlanConfiguration, engine: Engine,
        _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        for specification in graph.parameters { _ = try parameters.required(specification) }
        let lowered = try lower(graph, configuration)
        let threads = threads(for: lowered, configuration, context)
        let parts = slices(of: lowered, configuration, threads: threads)
        // What kernels keep per thread is fixed when they are made: the plan's with its own number of threads, the
        // store's, which other plans use too, with the engine's.
        let first = try context.using(threads: parts.count > 1 ? 1 : threads) { () throws(ZooError) in
            try bestDraft(lower(graph, parts[0]), parts[0], store: nil)
        }
        let store = try ParameterStore(graph, like: first, engine: engine, context)
        try store.write(parameters, context)
        return try finish([first], parts, lowered, configuration, store: store, threads: threads, context)
    }

    /// Makes another plan on the same parameters.
    package static func make(
        _ store: ParameterStore, _ configuration: PlanConfiguration, _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        let lowered = try lower(store.graph, configuration)
        let threads = threads(for: lowered, configuration, context)
        let parts = slices(of: lowered, configuration, threads: threads)
        return try finish([], parts, lowered, configuration, store: store, threads: threads, context)
    }

    /// Drafts the slices that aren't drafted yet, and makes the plan.
    private static func finish(
        _ begun: [PlanDraft], _ parts: [PlanConfiguration], _ lowered: LoweredGraph,
        _ configuration: PlanConfiguration, store: ParameterStore, threads: Int, _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        try context.using(threads: parts.count > 1 ? 1 : threads) { () throws(ZooError) in
            var drafts = begun
            for part in parts.dropFirst(begun.count) {
                drafts.append(try bestDraft(lower(store.graph, part), part, store: store.layouts))
            }
            return try ExecutionPlan(
                drafts, lowered.shapes, configuration, store: store, threads: threads, context)
        }
    }

    /// How a batch is divided. Threads that each take some samples through the whole network meet once, where threads
    /// that share every layer meet at each of them; and some kernels of oneDNN wait for the others at full load,
    /// which takes a scheduler's time slice at each layer when something else wants the processor. It costs copies
    /// of the gradients and of repacked weights, so networks with many parameters aren't divided. Neither are those
    /// that take statistics from the whole batch.
    private static func slices(
        of lowered: LoweredGraph, _ configuration: PlanConfiguration, threads: Int
    ) -> [PlanConfiguration] {
        let request = configuration.gradients
        let parameters = lowered.source.parameters.reduce(0) { $0 + $1.shape.elementCount }
        let isWhole =
            !configuration.keeping.isEmpty || request.input || !request.activations.isEmpty
            || parameters > mostDividedParameters || lowered.steps.isEmpty
            || lowered.steps.contains { lowered.usesBatchStatistics($0) }
        let count = isWhole ? 1 : max(1, min(threads, configuration.batch / fewestSamples))
        return (0..<count).map { place in
            var part = configuration
            part.batch = configuration.batch / count + (place < configuration.batch % count ? 1 : 0)
            return part
        }
    }

    /// Most parameters of a network whose batches are divided among threads.
    private static let mostDividedParameters = 1 << 19
    /// Fewest samples of a slice.
    private static let fewestSamples = 4

    /// Checks sizes and paths, and lowers the graph.
    private static func lower(
        _ graph: LayerGraph, _ configuration: PlanConfiguration
    ) throws(ZooError) -> LoweredGraph {
        let asked = configuration.keeping.union(configuration.gradients.activations)
        try ExecutionChecks.known(asked.union(configuration.frozen), in: graph)
        let shapes = try ExecutionChecks.shapes(
            of: graph, batch: configuration.batch, input: configuration.input ?? graph.input,
            bytesPerElement: MemoryLayout<Float>.stride)
        return LoweredGraph(graph, shapes: shapes, for: configuration)
    }

    /// One thread for runs that are over in some tens of microseconds: the others would be woken and waited for
    /// at every layer. LeNet with one to three pictures is such a run.
    private static func threads(
        for lowered: LoweredGraph, _ configuration: PlanConfiguration, _ context: EngineContext
    ) -> Int {
        let work = lowered.source.nodes.reduce(0.0) { sum, node in
            sum + Double(node.layer.multiplyAdds(output: lowered.shapes[node.path] ?? []))
        }
        let chosen = work < 1.5e6 ? 1 : context.threads
        return min(max(configuration.threads ?? chosen, 1), context.threads)
    }

    /// Drafts a plan for each layout that the machine may be fast with, and takes the cheapest. Nothing is timed:
    /// the choice depends on the network, the sizes and the instruction set alone.
    private static func bestDraft(
        _ lowered: LoweredGraph, _ configuration: PlanConfiguration, store: ParameterLayouts?
    ) throws(ZooError) -> PlanDraft {
        var best: PlanDraft?
        var problem: ZooError?
        for layout in configuration.layout.map({ [$0] }) ?? FeatureLayout.allCases {
            guard let layout = zoo_dnn_layout(layout) else { continue }
            do throws(ZooError) {
                let draft = try PlanBuilder(lowered, configuration, layout: layout, store: store).build()
                if draft.cost < best?.cost ?? .infinity { best = draft }
            } catch {
                problem = problem ?? error
            }
        }
        guard let best else { throw problem ?? ZooError(.unsupported, "no layout suits the network") }
        return best
    }
}
