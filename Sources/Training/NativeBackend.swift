internal import ZooCompute
package import ZooLayerGraphs
package import ZooTensors

/// Trains by execution plans: one for each batch size and each set of layers that learn, all on the same resident
/// parameters, which the optimizer updates where they lie.
package final class NativeBackend: TrainingBackend {
    private let run: NativeRun
    private let engine: Engine

    /// Takes over a model's parameters.
    /// - Parameters:
    ///   - batch: pictures per step, for which the parameters' layouts are chosen.
    ///   - threads: threads that compute; part of what decides the bits.
    ///   - frozen: paths of layers that don't learn from the first step on, for which the first plan is made.
    package init(
        graph: LayerGraph, parameters: ParameterTable, batch: Int, seed: UInt64, threads: Int,
        frozen: Set<String> = []
    ) throws(ZooError) {
        let engine = try Engine(threads: threads)
        self.engine = engine
        self.run = try engine.run { (context) throws(ZooError) in
            try NativeRun(
                graph: graph, parameters: parameters, batch: batch, seed: seed, engine: engine,
                frozen: frozen, context)
        }
    }

    package var plan: JSONValue { run.description }

    package func freeze(_ paths: Set<String>) throws(ZooError) {
        try engine.run { [run] (context) throws(ZooError) in run.freeze(paths, context) }
    }

    package func logits(_ inputs: Tensor) throws(ZooError) -> [Float] {
        try engine.run { [run] (context) throws(ZooError) in try run.logits(inputs, context) }
    }

    package func step(
        _ inputs: Tensor, update: OptimizerUpdate, lossGradient: ([Float]) throws(ZooError) -> [Float]
    ) throws(ZooError) {
        let logits = try engine.run { [run] (context) throws(ZooError) in try run.forward(inputs, context) }
        let gradient = try lossGradient(logits)
        try engine.run { [run] (context) throws(ZooError) in
            try run.backward(gradient, batch: inputs.shape[0], update, context)
        }
    }

    package func parameters() throws(ZooError) -> ParameterTable {
        try engine.run { [run] (context) throws(ZooError) in try run.store.read(context) }
    }

    package func optimizerState() throws(ZooError) -> [ParameterPath: [String: Tensor]] {
        try engine.run { [run] (context) throws(ZooError) in try run.optimizerState(context) }
    }

    package func setOptimizerState(_ state: [ParameterPath: [String: Tensor]]) throws(ZooError) {
        try engine.run { [run] (context) throws(ZooError) in try run.setOptimizerState(state, context) }
    }
}

/// What lives on the engine's thread. Every method asks for the proof of being there.
private final class NativeRun: @unchecked Sendable {
    let store: ParameterStore
    /// The plan for whole batches with everything learning, and the machine it was made on.
    let description: JSONValue
    private let seed: UInt64
    private var plans: [PlanConfiguration: ExecutionPlan] = [:]
    private var states: [Int: OptimizerState] = [:]
    private var frozen: Set<String> = []
    private var step: UInt64 = 0

    init(
        graph: LayerGraph, parameters: ParameterTable, batch: Int, seed: UInt64, engine: Engine,
        frozen: Set<String>, _ context: EngineContext
    ) throws(ZooError) {
        let configuration = NativeRun.configuration(
            .training, batch: batch, input: graph.input, frozen: frozen)
        let plan = try ExecutionPlan.make(
            graph, parameters: parameters, configuration, engine: engine, context)
        self.store = plan.store
        self.description = plan.json
        self.seed = seed
        self.frozen = frozen
        plans[configuration] = plan
    }

    private static func configuration(
        _ purpose: PlanConfiguration.Purpose, batch: Int, input: InputShape, frozen: Set<String>
    ) -> PlanConfiguration {
        var result = PlanConfiguration(purpose, batch: batch)
        result.input = input
        result.frozen = frozen
        return result
    }

    private func plan(
        _ purpose: PlanConfiguration.Purpose, batch: Int, _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        let wanted = NativeRun.configuration(
            purpose, batch: batch, input: store.graph.input, frozen: purpose == .training ? frozen : [])
        if let known = plans[wanted] { return known }
        let made = try ExecutionPlan.make(store, wanted, context)
        plans[wanted] = made
        return made
    }

    func freeze(_ paths: Set<String>, _ context: EngineContext) { frozen = paths }

    func logits(_ inputs: Tensor, _ context: EngineContext) throws(ZooError) -> [Float] {
        let plan = try plan(.inference, batch: inputs.shape[0], context)
        try plan.inputMemory.fill(from: inputs, context)
        try plan.runForward(nil, context)
        return try plan.outputMemory.tensor(plan.outputShape, context).scalars(Float.self)
    }

    func forward(_ inputs: Tensor, _ context: EngineContext) throws(ZooError) -> [Float] {
        let plan = try plan(.training, batch: inputs.shape[0], context)
        try plan.inputMemory.fill(from: inputs, context)
        try plan.runForward(TrainingMoment(seed: seed, step: step), context)
        return try plan.outputMemory.tensor(plan.outputShape, context).scalars(Float.self)
    }

    func backward(
        _ outputGradient: [Float], batch: Int, _ update: OptimizerUpdate, _ context: EngineContext
    ) throws(ZooError) {
        let plan = try plan(.training, batch: batch, context)
        try plan.outputGradientMemory?.fill(
            from: Tensor(outputGradient, shape: plan.outputShape), context)
        try plan.runBackward(context)
        try unsafe store.parameters.withFloats(context) { (parameters) throws(ZooError) in
            try unsafe store.gradients.withFloats(context) { (gradients) throws(ZooError) in
                for position in plan.trainablePositions {
                    let slot = store.slots[position]
                    let place = slot.offset..<(slot.offset + slot.count)
                    unsafe states[position, default: OptimizerState()].apply(
                        update, to: UnsafeMutableBufferPointer(rebasing: parameters[place]),
                        gradient: UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: gradients[place])))
                }
            }
        }
        try plan.keepStatistics(context)
        store.markChanged(context)
        step += 1
    }

    func optimizerState(_ context: EngineContext) throws(ZooError) -> [ParameterPath: [String: Tensor]] {
        var result: [ParameterPath: [String: Tensor]] = [:]
        for (position, state) in states {
            let slot = store.slots[position]
            let canonical = try state.mappingSlots { (resident) throws(ZooError) in
                // Gradients are scratch between steps; through them anything in their layout becomes canonical.
                try unsafe store.gradients.withFloats(context) { (gradients) throws(ZooError) in
                    for (index, value) in resident.enumerated() {
                        unsafe gradients[slot.offset + index] = value
                    }
                }
                let values = try store.readGradients([position], context)[slot.path]?.floats() ?? []
                try unsafe store.gradients.withFloats(context) { (gradients) throws(ZooError) in
                    for index in 0..<slot.count { unsafe gradients[slot.offset + index] = 0 }
                }
                return values
            }
            result[slot.path] = try canonical.tensors(shape: slot.shape)
        }
        return result
    }

    func setOptimizerState(
        _ state: [ParameterPath: [String: Tensor]], _ context: EngineContext
    ) throws(ZooError) {
        states = [:]
        let parameters = try store.read(context)
        for (position, slot) in store.slots.enumerated() {
            guard let tensors = state[slot.path] else { continue }
            let canonical = try OptimizerState(tensors: tensors)
            states[position] = try canonical.mappingSlots { (values) throws(ZooError) in
                // The other way round: through the parameter, which is put back below.
                var table = ParameterTable()
                table[slot.path] = try Tensor(values, shape: slot.shape)
                try store.write(table, context)
                return try unsafe store.parameters.withFloats(context) { (floats) throws(ZooError) in
                    unsafe Array(floats[slot.offset..<(slot.offset + slot.count)])
                }
            }
            step = max(step, UInt64(canonical.updates))
        }
        try store.write(parameters, context)
    }
}
