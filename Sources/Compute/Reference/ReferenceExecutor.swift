public import ZooLayerGraphs
public import ZooTensors

/// The oracle: every layer by its definition, in double precision, in plain Swift. Slow, and the yardstick that
/// everything fast is measured with.
public struct ReferenceExecutor: Executor {
    /// The network.
    public let graph: LayerGraph
    /// Element type of the tensors handed out, `f64` or `f32`; computing is in double precision either way.
    public let precision: ElementType
    /// Nodes that stay in inference mode and whose parameters get no gradients.
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
        let values = try computed(input, mode: mode)
        var activations: [String: Tensor] = [:]
        for path in paths { activations[path] = try value(path, in: values).tensor(precision) }
        return ForwardResult(
            output: try value(graph.output, in: values).tensor(precision), activations: activations)
    }

    /// Computes gradients; those of a frozen node's parameters are left out.
    public func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode, request: GradientRequest
    ) throws(ZooError) -> GradientResult {
        try ExecutionChecks.known(request.activations, in: graph)
        let values = try computed(input, mode: mode)
        let output = try value(graph.output, in: values)
        guard outputGradient.shape == output.shape else {
            throw ZooError(
                .mismatch, "the output's gradient has another shape than the output", tensor: graph.output,
                expected: output.shape.description, found: outputGradient.shape.description)
        }
        var flows = [graph.output: try ReferenceValue(outputGradient)]
        var table: [ParameterPath: ReferenceValue] = [:]
        for node in graph.nodes.reversed() {
            guard let flow = flows[node.path], let source = node.inputs.first else { continue }
            let gradients = try backward(
                node, flow, input: value(source, in: values), output: value(node.path, in: values), mode: mode
            )
            if flows[source] == nil {
                flows[source] = gradients.operand
            } else {
                flows[source]?.add(gradients.operand)
            }
            table[ParameterPath(node.path, .weight)] = gradients.weight
            table[ParameterPath(node.path, .bias)] = gradients.bias
        }
        var result = ParameterTable()
        for specification in graph.parameters where !frozen.contains(specification.path.node) {
            let gradient = table[specification.path] ?? ReferenceValue(zeros: specification.shape)
            result[specification.path] = try gradient.tensor(precision)
        }
        var activations: [String: Tensor] = [:]
        for path in request.activations {
            let shape = try value(path, in: values).shape
            activations[path] = try (flows[path] ?? ReferenceValue(zeros: shape)).tensor(precision)
        }
        let none = ReferenceValue(zeros: input.shape)
        return GradientResult(
            parameters: result,
            input: request.input ? try (flows[LayerGraph.inputPath] ?? none).tensor(precision) : nil,
            activations: activations)
    }

    private func value(
        _ path: String, in values: [String: ReferenceValue]
    ) throws(ZooError) -> ReferenceValue {
        guard let value = values[path] else { throw graph.unknownPath(path) }
        return value
    }

    private func parameter(_ node: Node, _ role: ParameterRole) throws(ZooError) -> ReferenceValue {
        guard let value = parameters[ParameterPath(node.path, role)] else {
            throw ZooError(
                .missingTensor, "a parameter is missing", tensor: ParameterPath(node.path, role).description)
        }
        return value
    }

    /// All results, by path.
    private func computed(
        _ input: Tensor, mode: ExecutionMode
    ) throws(ZooError) -> [String: ReferenceValue] {
        let size = try ExecutionChecks.inputShape(of: input, for: graph)
        let shapes = try ExecutionChecks.shapes(
            of: graph, batch: input.shape[0], input: size, bytesPerElement: MemoryLayout<Double>.stride)
        var values = [LayerGraph.inputPath: try ReferenceValue(input)]
        for node in graph.nodes {
            guard let source = node.inputs.first, let shape = shapes[node.path] else { continue }
            values[node.path] = try forward(node, value(source, in: values), to: shape, mode: mode)
        }
        return values
    }

    private func forward(
        _ node: Node, _ input: ReferenceValue, to shape: TensorShape, mode: ExecutionMode
    ) throws(ZooError) -> ReferenceValue {
        switch try ComputedOperation(node) {
        case .convolution(let layer):
            return ReferenceConvolution(layer: layer, operand: input.shape, result: shape).forward(
                input, weight: try parameter(node, .weight), bias: parameters[ParameterPath(node.path, .bias)]
            )
        case .linear:
            return ReferenceLayers.linear(
                input, weight: try parameter(node, .weight), bias: parameters[ParameterPath(node.path, .bias)]
            )
        case .activation(let function): return ReferenceLayers.activation(function, input)
        case .pooling(let layer):
            return ReferencePooling(layer: layer, operand: input.shape, result: shape).forward(input)
        case .flatten(let order): return ReferenceLayers.flatten(order, input, to: shape)
        case .softmax: return ReferenceLayers.softmax(input)
        case .dropout(let probability): return dropout(node, probability, input, mode: mode)
        }
    }

    private func backward(
        _ node: Node, _ flow: ReferenceValue, input: ReferenceValue, output: ReferenceValue,
        mode: ExecutionMode
    ) throws(ZooError) -> ReferenceGradients {
        switch try ComputedOperation(node) {
        case .convolution(let layer):
            return ReferenceConvolution(layer: layer, operand: input.shape, result: output.shape).backward(
                flow, input: input, weight: try parameter(node, .weight))
        case .linear(let layer):
            return ReferenceLayers.linearBackward(
                flow, input: input, weight: try parameter(node, .weight), hasBias: layer.hasBias)
        case .activation(let function):
            return ReferenceGradients(
                operand: ReferenceLayers.activationBackward(function, flow, output: output))
        case .pooling(let layer):
            let pooling = ReferencePooling(layer: layer, operand: input.shape, result: output.shape)
            return ReferenceGradients(operand: pooling.backward(flow, input: input))
        case .flatten(let order):
            return ReferenceGradients(operand: ReferenceLayers.flattenBackward(order, flow, to: input.shape))
        case .softmax:
            return ReferenceGradients(operand: ReferenceLayers.softmaxBackward(flow, output: output))
        case .dropout(let probability):
            return ReferenceGradients(operand: dropout(node, probability, flow, mode: mode))
        }
    }

    /// Multiplies with the mask of the place in the run; the same forward and backward.
    private func dropout(
        _ node: Node, _ probability: Double, _ value: ReferenceValue, mode: ExecutionMode
    ) -> ReferenceValue {
        guard case .training(let moment) = mode, probability > 0, !frozen.contains(node.path) else {
            return value
        }
        let mask = DropoutMask(path: node.path, probability: probability, moment: moment)
        let batch = value.shape[0]
        let factors = mask.factors(batch: batch, elementsPerSample: value.elements.count / batch)
        return value.zipped(with: ReferenceValue(value.shape, factors)) { $1 == 0 ? 0 : $0 * $1 }
    }
}
