import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Backward passes of layers without parameters: element-wise functions, softmax, dropout, pooling.
extension PlanBuilder {
    // MARK: Element by element

    func activationBackward(
        _ step: LoweredGraph.Step, _ function: Activation, _ flow: Flow, _ trace: Trace, _ result: Value
    ) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        if var work = trace.kernel as? FunctionWork {
            let gradient = writable(flow)
            work.resultGradient = flow.value.buffer
            work.destination = gradient.buffer
            add(work, part: .backward, step, "\(function.title), gradient", like: gradient)
            return try deliver(gradient, to: step)
        }
        let known = FunctionKernel(function).needsOperand ? source : result
        let gradient = try activation(step, function, flow, of: known, forward: trace.operation)
        try deliver(gradient.value, to: step)
    }

    /// Works in place where nobody reads the arriving gradient again.
    /// - Parameter known: the function's result, or its operand where the gradient is found from that.
    func activation(
        _ step: LoweredGraph.Step, _ function: Activation, _ flow: Flow, of known: Value,
        forward: OperationIndex
    ) throws(ZooError) -> Flow {
        let kernel = FunctionKernel(function)
        guard let library = kernel.library else { throw unsupported(step) }
        let gradient = writable(flow)
        let operands = Operands(source: flow.value.descriptor, destination: known.descriptor)
        var hint = forward
        if hint == .none {
            // What was fused has no operation of its own to refer to.
            hint = try program.activation(.training, library, operands) ?? .none
        }
        guard let made = try program.activation(.backward_data, library, operands, forward: hint) else {
            throw unsupported(step)
        }
        try add(
            made, part: .backward, paths: step.covers, title: "\(function.title), gradient",
            [
                PlanDraft.Binding(
                    argument: kernel.needsOperand ? .source : .destination, descriptor: known.descriptor,
                    buffer: known.buffer),
                PlanDraft.Binding(
                    argument: .destination_gradient, descriptor: flow.value.descriptor,
                    buffer: flow.value.buffer),
                PlanDraft.Binding(
                    argument: .source_gradient, descriptor: gradient.descriptor, buffer: gradient.buffer),
            ], layout: program.text(of: gradient.descriptor))
        return Flow(value: gradient, isOwned: true)
    }

    func softmaxBackward(
        _ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace, _ result: Value
    ) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        let gradient = makeValue(like: source)
        let operands = Operands(source: source.descriptor, destination: source.descriptor)
        guard let made = try program.softmax(.backward_data, operands, forward: trace.operation) else {
            throw unsupported(step)
        }
        try add(
            made, part: .backward, paths: step.covers, title: "Softmax, gradient",
            [
                PlanDraft.Binding(
                    argument: .destination, descriptor: source.descriptor, buffer: result.buffer),
                PlanDraft.Binding(
                    argument: .destination_gradient, descriptor: source.descriptor, buffer: flow.value.buffer),
                PlanDraft.Binding(
                    argument: .source_gradient, descriptor: source.descriptor, buffer: gradient.buffer),
            ], layout: program.text(of: gradient.descriptor))
        try deliver(gradient, to: step)
    }

    /// With the mask of the forward pass.
    func dropoutBackward(_ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace) throws(ZooError) {
        guard var work = trace.kernel as? DropoutWork else { throw unsupported(step) }
        let gradient = writable(flow)
        work.source = flow.value.buffer
        work.destination = gradient.buffer
        work.isForward = false
        add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        try deliver(gradient, to: step)
    }

    // MARK: Pooling

    func poolingBackward(
        _ step: LoweredGraph.Step, _ arriving: Flow, _ trace: Trace, _ result: Value
    ) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        var flow = arriving
        let below = lowered.resolved(step.input).value
        if let below = lowered.steps.first(where: { $0.output == below }), let function = below.fused,
            isBehindPooling(below)
        {
            flow = try activation(below, function, flow, of: result, forward: .none)
        }
        let gradient = makeValue(like: source)
        if var work = trace.kernel as? AverageWork {
            swap(&work.sourceMap, &work.destinationMap)
            work.source = flow.value.buffer
            work.destination = gradient.buffer
            work.isForward = false
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        } else if var work = trace.kernel as? AdaptiveWork {
            work.result = nil
            work.resultGradient = flow.value.buffer
            work.operandGradient = gradient.buffer
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        } else {
            try addPooling(step, flow.value, trace, source, gradient)
        }
        try deliver(gradient, to: step)
    }

    private func addPooling(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value, _ gradient: Value
    ) throws(ZooError) {
        guard let layer = step.operation.pooling(of: source.dimensions),
            let kind = zoo_dnn_pooling_kind(layer, operand: source.dimensions, result: flow.dimensions)
        else { throw unsupported(step) }
        let window = zoo_dnn_window(layer, operand: source.dimensions, result: flow.dimensions)
        let operands = Operands(source: gradient.descriptor, destination: flow.descriptor)
        guard
            let made = try program.pooling(.backward_data, kind, window, operands, forward: trace.operation)
        else { throw unsupported(step) }
        draft.cost +=
            Double(source.count) * KernelCosts.pooling * KernelCosts.factor(of: program.kernel(of: made))
        var bindings = [
            PlanDraft.Binding(
                argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
            PlanDraft.Binding(
                argument: .source_gradient, descriptor: gradient.descriptor, buffer: gradient.buffer),
        ]
        if let workspace = trace.workspace { bindings.append(workspace) }
        try add(
            made, part: .backward, paths: step.covers, title: "\(step.title), gradient", bindings,
            layout: program.text(of: gradient.descriptor))
    }

    /// Whether the gradient of a step's fused activation is taken behind the max pooling that follows, where there
    /// are fewer elements: a window's gradient goes to its largest element, whose activation is the window's result.
    func isBehindPooling(_ step: LoweredGraph.Step) -> Bool {
        guard configuration.gradients.activations.isEmpty,
            lowered.useCounts[step.output, default: 0] == 1,
            let reader = lowered.steps.first(where: {
                $0.inputs.contains { lowered.resolved($0).value == step.output }
            }), case .pooling(let layer) = reader.operation
        else { return false }
        return layer.operation == .maximum && learning.contains(reader.output)
    }
}

extension Layer {
    /// The pooling layer that a layer is for an operand of these extents.
    fileprivate func pooling(of operand: [Int]) -> Pooling? {
        switch self {
        case .pooling(let layer): layer
        case .adaptivePooling(let layer): layer.pooling(of: operand)
        case .globalPooling(let layer): layer.pooling(of: operand)
        default: nil
        }
    }
}
