internal import ZooCompute
package import ZooLayerGraphs
package import ZooTensors

/// Trains with any ``Executor`` and parameters in canonical layout: slow, and the oracle of the fast way.
package final class ReferenceBackend: TrainingBackend {
    private let graph: LayerGraph
    private var values: [ParameterPath: [Float]] = [:]
    private var states: [ParameterPath: OptimizerState] = [:]
    private var frozen: Set<String> = []
    private let seed: UInt64
    private var step: UInt64 = 0

    /// Takes over a model's parameters.
    package init(graph: LayerGraph, parameters: ParameterTable, seed: UInt64 = 0) throws(ZooError) {
        self.graph = graph
        self.seed = seed
        for specification in graph.parameters {
            values[specification.path] = try parameters.required(specification).floats()
        }
    }

    package var plan: JSONValue { ["executor": "reference", "precision": "f64"] }

    package func freeze(_ paths: Set<String>) { frozen = paths }

    private func executor() throws(ZooError) -> ReferenceExecutor {
        try ReferenceExecutor(graph: graph, parameters: try parameters(), frozen: frozen)
    }

    package func logits(_ inputs: Tensor) throws(ZooError) -> [Float] {
        try executor().forward(inputs).output.floats()
    }

    package func step(
        _ inputs: Tensor, update: OptimizerUpdate, lossGradient: ([Float]) throws(ZooError) -> [Float]
    ) throws(ZooError) {
        let executor = try executor()
        let mode = ExecutionMode.training(TrainingMoment(seed: seed, step: step))
        let output = try executor.forward(inputs, mode: mode, keeping: []).output
        let gradient = try Tensor(try lossGradient(output.floats()), shape: output.shape)
        let result = try executor.gradients(input: inputs, outputGradient: gradient, mode: mode)
        for (path, tensor) in result.parameters.entries where !frozen.contains(path.node) {
            guard var value = values.removeValue(forKey: path) else { continue }
            states[path, default: OptimizerState()].apply(update, to: &value, gradient: try tensor.floats())
            values[path] = value
        }
        for (path, tensor) in result.statistics.entries { values[path] = try tensor.floats() }
        step += 1
    }

    package func parameters() throws(ZooError) -> ParameterTable {
        var table = ParameterTable()
        for specification in graph.parameters {
            table[specification.path] = try Tensor(
                values[specification.path] ?? [], shape: specification.shape)
        }
        return table
    }

    package func optimizerState() throws(ZooError) -> [ParameterPath: [String: Tensor]] {
        var result: [ParameterPath: [String: Tensor]] = [:]
        for specification in graph.parameters {
            guard let state = states[specification.path] else { continue }
            result[specification.path] = try state.tensors(shape: specification.shape)
        }
        return result
    }

    package func setOptimizerState(_ state: [ParameterPath: [String: Tensor]]) throws(ZooError) {
        states = [:]
        for (path, tensors) in state {
            let known = try OptimizerState(tensors: tensors)
            states[path] = known
            step = max(step, UInt64(known.updates))
        }
    }
}
