import ZooCompute
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// Both ways to compute a network: the oracle, and the plan that users run.
enum Executors: String, CaseIterable, Sendable {
    case reference, plan

    /// One engine for all parity tests, with the number of threads that bits are promised for.
    static let engine = Result { () throws(ZooError) in try Engine(threads: 2) }

    func make(_ model: Model) throws -> any Executor {
        switch self {
        case .reference: try ReferenceExecutor(graph: model.graph, parameters: model.parameters)
        case .plan:
            try NativeExecutor(
                graph: model.graph, parameters: model.parameters, engine: Executors.engine.get())
        }
    }
}
