public import ZooLayerGraphs
public import ZooTensors

/// The oracle: every layer by its definition, in double precision, in plain Swift. Slow, and the yardstick that
/// everything fast is measured with.
public struct ReferenceExecutor: Executor {
    /// The network.
    public let graph: LayerGraph
    /// Element type of the tensors handed out, `f64` or `f32`; computing is in double precision either way.
    public let precision: ElementType
    /// Nodes that stay in inference mode and whose parameters get no gradients. Nodes that share a frozen one's
    /// parameters are frozen with it.
    public let frozen: Set<String>
    private let parameters: [ParameterPath: ReferenceValue]

    /// An executor with parameters of its own.
    /// - Parameters:
    ///   - parameters: canonical layouts, any floating-point type; widened to double precision.
    ///   - frozen: paths of nodes that don't learn.
    /// - Throws: ``ZooError`` naming a parameter that is missing or has another shape than its layer, or a path
    ///   that the graph doesn't have.
    public init(
        graph: LayerGraph, parameters: ParameterTable, frozen: Set<String> = [], precision: ElementType = .f64
    ) throws(ZooError) {
        guard precision == .f64 || precision == .f32 else {
            throw ZooError(
                .invalidArgument, "the reference hands out f64 or f32", found: precision.rawValue)
        }
        try ExecutionChecks.known(frozen, in: graph)
        var values: [ParameterPath: ReferenceValue] = [:]
        for specification in graph.parameters {
            values[specification.path] = try ReferenceValue(parameters.required(specification))
        }
        self.graph = graph
        self.parameters = values
        self.frozen = frozen
        self.precision = precision
    }

    /// Computes the network's result, and what else is asked for.
    public func forward(
        _ input: Tensor, mode: ExecutionMode, keeping paths: Set<String>
    ) throws(ZooError) -> ForwardResult {
        try ExecutionChecks.known(paths, in: graph)
        let pass = try forwardPass(input, mode: mode)
        var activations: [String: Tensor] = [:]
        for path in paths { activations[path] = try value(path, in: pass).tensor(precision) }
        return ForwardResult(
            output: try value(graph.output, in: pass).tensor(precision), activations: activations,
            statistics: try statistics(of: pass))
    }

    /// Computes gradients; those of a frozen node's parameters are left out.
    public func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode, request: GradientRequest
    ) throws(ZooError) -> GradientResult {
        try ExecutionChecks.known(request.activations, in: graph)
        let pass = try forwardPass(input, mode: mode)
        let output = try value(graph.output, in: pass)
        guard outputGradient.shape == output.shape else {
            throw ZooError(
                .mismatch, "the output's gradient has another shape than the output", tensor: graph.output,
                expected: output.shape.description, found: outputGradient.shape.description)
        }
        let gradients = try backwardPass(
            pass, outputGradient: try ReferenceValue(outputGradient), mode: mode, keeping: request.activations
        )
        var parameters = ParameterTable()
        for specification in graph.parameters
        where specification.path.role.isLearned && !frozen.contains(specification.path.node) {
            let gradient = gradients.parameters[specification.path]
            parameters[specification.path] =
                try (gradient ?? ReferenceValue(zeros: specification.shape)).tensor(precision)
        }
        /// Zeros where the output doesn't depend on a result.
        func flow(_ path: String) throws(ZooError) -> Tensor {
            let shape = try value(path, in: pass).shape
            return try (gradients.flows[path] ?? ReferenceValue(zeros: shape)).tensor(precision)
        }
        var activations: [String: Tensor] = [:]
        for path in request.activations { activations[path] = try flow(path) }
        return GradientResult(
            parameters: parameters, input: request.input ? try flow(LayerGraph.inputPath) : nil,
            activations: activations, statistics: try statistics(of: pass))
    }

    // MARK: Passes

    /// What a forward pass leaves.
    private struct Pass {
        var values: [String: ReferenceValue]
        /// Running statistics that training moved.
        var statistics: [ParameterPath: ReferenceValue] = [:]
    }

    private func forwardPass(_ input: Tensor, mode: ExecutionMode) throws(ZooError) -> Pass {
        let size = try ExecutionChecks.inputShape(of: input, for: graph)
        let shapes = try ExecutionChecks.shapes(
            of: graph, batch: input.shape[0], input: size, bytesPerElement: MemoryLayout<Double>.stride)
        var pass = Pass(values: [LayerGraph.inputPath: try ReferenceValue(input)])
        for node in graph.nodes {
            let operands = try operands(of: node, in: pass)
            guard let shape = shapes[node.path] else { throw graph.unknownPath(node.path) }
            let operation = try operation(
                node, operands: operands.map(\.shape), result: shape, mode: mode)
            pass.values[node.path] = operation.forward(operands)
            if let normalization = operation as? ReferenceBatchNormalization {
                pass.statistics.merge(try updated(node, normalization, by: operands[0], in: pass)) { $1 }
            }
        }
        return pass
    }

    /// The running statistics behind a batch normalisation; a layer in two places moves them twice.
    private func updated(
        _ node: Node, _ operation: ReferenceBatchNormalization, by input: ReferenceValue, in pass: Pass
    ) throws(ZooError) -> [ParameterPath: ReferenceValue] {
        func latest(_ role: ParameterRole) throws(ZooError) -> ReferenceValue {
            if let moved = pass.statistics[ParameterPath(node.parameterOwner, role)] { return moved }
            return try parameter(node, role)
        }
        let updated = operation.updated(
            mean: try latest(.runningMean), variance: try latest(.runningVariance), by: input)
        return [
            ParameterPath(node.parameterOwner, .runningMean): updated.mean,
            ParameterPath(node.parameterOwner, .runningVariance): updated.variance,
        ]
    }

    /// Gradients with respect to parameters, and to the results that are asked for and the input.
    private func backwardPass(
        _ pass: Pass, outputGradient: ReferenceValue, mode: ExecutionMode, keeping paths: Set<String>
    ) throws(ZooError) -> (parameters: [ParameterPath: ReferenceValue], flows: [String: ReferenceValue]) {
        var flows = [graph.output: outputGradient]
        var parameters: [ParameterPath: ReferenceValue] = [:]
        for node in graph.nodes.reversed() {
            guard
                let flow = paths.contains(node.path) ? flows[node.path] : flows.removeValue(forKey: node.path)
            else { continue }
            let operands = try operands(of: node, in: pass)
            let result = try value(node.path, in: pass)
            let gradients = try operation(
                node, operands: operands.map(\.shape), result: result.shape, mode: mode
            ).backward(flow, operands: operands, result: result)
            for (path, gradient) in zip(node.inputs, gradients.operands) {
                flows.add(gradient, at: path)
            }
            guard !isFrozen(node) else { continue }
            for (role, gradient) in gradients.parameters {
                parameters.add(gradient, at: ParameterPath(node.parameterOwner, role))
            }
        }
        return (parameters, flows)
    }

    private func value(_ path: String, in pass: Pass) throws(ZooError) -> ReferenceValue {
        guard let value = pass.values[path] else { throw graph.unknownPath(path) }
        return value
    }

    private func operands(of node: Node, in pass: Pass) throws(ZooError) -> [ReferenceValue] {
        var operands: [ReferenceValue] = []
        for path in node.inputs { operands.append(try value(path, in: pass)) }
        return operands
    }

    /// Statistics of the batch normalisations that learn, in node order.
    private func statistics(of pass: Pass) throws(ZooError) -> ParameterTable {
        var table = ParameterTable()
        for specification in graph.parameters {
            table[specification.path] = try pass.statistics[specification.path]?.tensor(precision)
        }
        return table
    }

    // MARK: Nodes

    private func isFrozen(_ node: Node) -> Bool {
        frozen.contains(node.path) || frozen.contains(node.parameterOwner)
    }

    /// Whether the node behaves as in training.
    func learns(_ node: Node, in mode: ExecutionMode) -> Bool { mode != .inference && !isFrozen(node) }

    /// A parameter that the node doesn't have is `nil`.
    func optionalParameter(_ node: Node, _ role: ParameterRole) -> ReferenceValue? {
        parameters[ParameterPath(node.parameterOwner, role)]
    }

    func parameter(_ node: Node, _ role: ParameterRole) throws(ZooError) -> ReferenceValue {
        guard let value = optionalParameter(node, role) else {
            throw ZooError(
                .missingTensor, "a parameter is missing",
                tensor: ParameterPath(node.parameterOwner, role).description)
        }
        return value
    }
}

extension Dictionary where Value == ReferenceValue {
    /// Adds to what is there, in place.
    fileprivate mutating func add(_ value: ReferenceValue, at key: Key) {
        if self[key] == nil { self[key] = value } else { self[key]?.add(value) }
    }
}
