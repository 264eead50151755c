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
        let (draft, lowered) = try bestDraft(graph, configuration, store: nil)
        let store = try ParameterStore(graph, like: draft, engine: engine, context)
        try store.write(parameters, context)
        return try ExecutionPlan(draft, lowered, configuration, store: store, context)
    }

    /// Makes another plan on the same parameters.
    package static func make(
        _ store: ParameterStore, _ configuration: PlanConfiguration, _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        let (draft, lowered) = try bestDraft(store.graph, configuration, store: store.layouts)
        return try ExecutionPlan(draft, lowered, configuration, store: store, context)
    }

    /// Drafts a plan for each layout that the machine may be fast with, and takes the cheapest. Nothing is timed:
    /// the choice depends on the network, the sizes and the instruction set alone.
    private static func bestDraft(
        _ graph: LayerGraph, _ configuration: PlanConfiguration, store: ParameterLayouts?
    ) throws(ZooError) -> (PlanDraft, LoweredGraph) {
        let asked = configuration.keeping.union(configuration.gradients.activations)
        try ExecutionChecks.known(asked.union(configuration.frozen), in: graph)
        let shapes = try ExecutionChecks.shapes(
            of: graph, batch: configuration.batch, input: configuration.input ?? graph.input,
            bytesPerElement: MemoryLayout<Float>.stride)
        let lowered = LoweredGraph(
            graph, shapes: shapes, kept: configuration.keeping, frozen: configuration.frozen,
            usesDropout: configuration.usesDropout)
        var best: PlanDraft?
        var problem: ZooError?
        for layout in [zoo_dnn_layout.channels_last, OneDNN.blockedLayout, .plain].compactMap({ $0 }) {
            do throws(ZooError) {
                let draft = try PlanBuilder(lowered, configuration, layout: layout, store: store).build()
                if draft.cost < best?.cost ?? .infinity { best = draft }
            } catch {
                problem = problem ?? error
            }
        }
        guard let best else { throw problem ?? ZooError(.unsupported, "no layout suits the network") }
        return (best, lowered)
    }
}
