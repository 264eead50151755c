import Synchronization
public import ZooLayerGraphs
public import ZooTensors

/// The fast executor: plans over oneDNN, made as they are needed for each batch size and kept. Safe to use from
/// any number of tasks and threads; runs follow one another on the engine's thread.
public final class NativeExecutor: Executor {
    /// Most plans that are kept; the one used longest ago goes first.
    static let mostPlans = 12

    /// The network.
    public let graph: LayerGraph
    /// Whose thread computes.
    public let engine: Engine
    /// Nodes that stay in inference mode and whose parameters get no gradients.
    public let frozen: Set<String>
    /// The parameters, which can be read and replaced.
    public let store: ParameterStore
    private let plans: Mutex<[ExecutionPlan]>

    /// An executor with parameters of its own; blocks until the first plan is made.
    /// - Parameters:
    ///   - parameters: canonical layouts, any floating-point type; computing is in single precision.
    ///   - configuration: what the executor will mostly be used for, which decides the parameters' layouts;
    ///     by default inference with single pictures.
    public init(
        graph: LayerGraph, parameters: ParameterTable, engine: Engine, frozen: Set<String> = [],
        mostly configuration: PlanConfiguration? = nil
    ) throws(ZooError) {
        var first = configuration ?? PlanConfiguration(.inference, batch: 1)
        first.input = first.input ?? graph.input
        first.frozen = frozen
        let chosen = first
        let plan = try engine.run { (context) throws(ZooError) in
            try ExecutionPlan.make(graph, parameters: parameters, chosen, engine: engine, context)
        }
        self.graph = graph
        self.engine = engine
        self.frozen = frozen
        self.store = plan.store
        self.plans = Mutex([plan])
    }

    /// The plan for a configuration, made now if it wasn't before.
    package func plan(
        for configuration: PlanConfiguration, _ context: EngineContext
    ) throws(ZooError) -> ExecutionPlan {
        var configuration = configuration
        configuration.input = configuration.input ?? graph.input
        configuration.frozen = frozen
        let wanted = configuration
        let known = plans.withLock { plans -> ExecutionPlan? in
            guard let place = plans.firstIndex(where: { $0.configuration == wanted }) else { return nil }
            if place != plans.count - 1 { plans.append(plans.remove(at: place)) }
            return plans.last
        }
        if let known { return known }
        let made = try ExecutionPlan.make(store, wanted, context)
        plans.withLock { plans in
            plans.append(made)
            if plans.count > NativeExecutor.mostPlans { plans.removeFirst() }
        }
        return made
    }

    /// The plan for a configuration; blocks until it is made. For reports.
    public func plan(for configuration: PlanConfiguration) throws(ZooError) -> ExecutionPlan {
        try engine.run { (context) throws(ZooError) in try self.plan(for: configuration, context) }
    }

    // MARK: For callers that aren't tasks

    /// Computes the network's result, and what else is asked for; blocks until the engine has done it.
    public func forward(
        _ input: Tensor, mode: ExecutionMode, keeping paths: Set<String>
    ) throws(ZooError) -> ForwardResult {
        try engine.run { (context) throws(ZooError) in
            try self.forward(input, mode: mode, keeping: paths, context)
        }
    }

    /// Computes gradients; blocks until the engine has done it.
    public func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode, request: GradientRequest
    ) throws(ZooError) -> GradientResult {
        try engine.run { (context) throws(ZooError) in
            try self.gradients(
                input: input, outputGradient: outputGradient, mode: mode, request: request, context)
        }
    }

    // MARK: For tasks

    /// Computes the network's result, and what else is asked for, without blocking a thread.
    public func forward(
        _ input: Tensor, mode: ExecutionMode = .inference, keeping paths: Set<String> = []
    ) async throws(ZooError) -> ForwardResult {
        try await engine.run { (context) throws(ZooError) in
            try self.forward(input, mode: mode, keeping: paths, context)
        }
    }

    /// Computes gradients without blocking a thread.
    public func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode = .inference,
        request: GradientRequest = GradientRequest()
    ) async throws(ZooError) -> GradientResult {
        try await engine.run { (context) throws(ZooError) in
            try self.gradients(
                input: input, outputGradient: outputGradient, mode: mode, request: request, context)
        }
    }

    // MARK: On the engine's thread

    private func forward(
        _ input: Tensor, mode: ExecutionMode, keeping paths: Set<String>, _ context: EngineContext
    ) throws(ZooError) -> ForwardResult {
        let size = try ExecutionChecks.inputShape(of: input, for: graph)
        let configuration = PlanConfiguration(
            .inference, batch: input.shape[0], input: size, isTraining: mode != .inference, keeping: paths)
        return try plan(for: configuration, context).forward(input, mode.moment, context)
    }

    private func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode, request: GradientRequest,
        _ context: EngineContext
    ) throws(ZooError) -> GradientResult {
        let size = try ExecutionChecks.inputShape(of: input, for: graph)
        let configuration = PlanConfiguration(
            .training, batch: input.shape[0], input: size, isTraining: mode != .inference, gradients: request
        )
        return try plan(for: configuration, context).gradients(
            input: input, outputGradient: outputGradient, mode.moment, context)
    }
}

extension ExecutionMode {
    /// The place in a training run, if it is one.
    var moment: TrainingMoment? {
        if case .training(let moment) = self { moment } else { nil }
    }
}
