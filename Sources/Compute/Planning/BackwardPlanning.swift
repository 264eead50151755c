import COneDNNShim
import ZooLayerGraphs
import ZooTensors

extension PlanBuilder {
    /// Adds the backward part: from the output's gradient down to the lowest layer that learns, or whose operand's
    /// gradient is asked for.
    func backward() throws(ZooError) {
        let output = try value(lowered.source.output)
        let name = lowered.resolved(lowered.source.output).value
        var flow = try outputGradient(output)
        // Graphs have one operand per layer, so what leads to the output is a chain.
        var current = name
        var steps: [String: LoweredGraph.Step] = [:]
        for step in lowered.steps { steps[step.output] = step }
        while learning.contains(current), let step = steps[current] {
            do throws(ZooError) {
                guard let next = try backward(step, flow) else { break }
                flow = next
            } catch {
                throw error.adding(tensor: step.path)
            }
            current = lowered.resolved(step.input).value
        }
        if current == LayerGraph.inputPath, needsGradient(of: current) {
            let port = try read(flow, of: LayerGraph.inputPath)
            if configuration.gradients.input { draft.inputGradient = port }
            if wanted.contains(LayerGraph.inputPath) {
                draft.activationGradients[LayerGraph.inputPath] = port
            }
            for path in wanted where lowered.resolved(path).value == LayerGraph.inputPath {
                draft.activationGradients[path] = try read(flow, of: path)
            }
        }
    }

    /// Layers on the way to the output for whose results gradients are asked for.
    private var wanted: [String] {
        let ancestors = LoweredGraph.ancestors(of: lowered.source.output, in: lowered.source)
        return configuration.gradients.activations.filter { ancestors.contains($0) }.sorted()
    }

    private func outputGradient(_ output: Value) throws(ZooError) -> Value {
        let layout = canonicalLayout(output)
        let descriptor = try program.describe(output.dimensions, layout)
        let buffer = draft.allocate(byteCount: program.byteCount(of: descriptor))
        draft.keepForever(buffer)
        let shape = lowered.shapes[lowered.source.output] ?? []
        draft.outputGradient = PlanDraft.Port(shape: shape, buffer: buffer)
        let handed = Value(
            dimensions: output.dimensions, order: output.order, layout: layout, descriptor: descriptor,
            buffer: buffer)
        return try reordered(handed, to: output.layout, part: .backward, paths: [lowered.source.output])
    }

    /// A copy in canonical order, for reading after a run.
    private func read(_ flow: Value, of path: String) throws(ZooError) -> PlanDraft.Port {
        // The flow has the order of whoever read the value; the path may name it before it was flattened.
        let (name, flattened) = lowered.resolved(path)
        let order = flattened ?? values[name]?.order
        let layout: zoo_dnn_layout =
            flow.dimensions.count == 4 && order == .channelsLast ? .channels_last : .plain
        let descriptor = try program.describe(flow.dimensions, layout)
        let buffer = draft.allocate(byteCount: program.byteCount(of: descriptor))
        draft.keepForever(buffer)
        try addReorder(flow.descriptor, flow.buffer, to: descriptor, buffer, part: .backward, paths: [path])
        return PlanDraft.Port(shape: lowered.shapes[path] ?? [], buffer: buffer)
    }

    /// Adds a step's backward operations.
    /// - Returns: the gradient with respect to its operand, or `nil` when nobody needs it.
    private func backward(_ step: LoweredGraph.Step, _ arriving: Value) throws(ZooError) -> Value? {
        guard let trace = traces[step.output], let result = values[step.output], let source = trace.source
        else {
            throw unsupported(step)
        }
        var flow = arriving
        let paths = wanted
        for path in paths where lowered.resolved(path).value == step.output {
            draft.activationGradients[path] = try read(flow, of: path)
        }
        if let fused = step.fused, !isBehindPooling(step) {
            flow = try activation(step, fused, flow, result: result, forward: .none)
            for path in paths where path != step.output {
                let value = lowered.resolved(path).value
                guard value != step.output, step.covers.contains(value) else { continue }
                draft.activationGradients[path] = try read(flow, of: path)
            }
        }
        let needed = needsGradient(of: lowered.resolved(step.input).value)
        switch step.operation {
        case .convolution(let layer):
            let window = zoo_dnn_window(layer)
            let bias = layer.hasBias ? try program.describe([layer.outputChannels], .plain) : .none
            return try weighted(step, flow, trace, source, bias: bias, needsOperand: needed) {
                (pass, operands) throws(ZooError) in
                try program.convolution(pass, window, operands, forward: trace.operation)
            }
        case .linear(let layer):
            let bias = layer.hasBias ? try program.describe([layer.outputFeatures], .plain) : .none
            return try weighted(step, flow, trace, source, bias: bias, needsOperand: needed) {
                (pass, operands) throws(ZooError) in
                try program.innerProduct(pass, operands, forward: trace.operation)
            }
        case .activation(let function):
            guard needed else { return nil }
            return try activation(step, function, flow, result: result, forward: trace.operation)
        case .pooling:
            guard needed else { return nil }
            if let below = lowered.steps.first(where: { $0.output == lowered.resolved(step.input).value }),
                let function = below.fused, isBehindPooling(below)
            {
                flow = try activation(below, function, flow, result: result, forward: .none)
            }
            return try pooling(step, flow, trace, source, result)
        case .softmax: return needed ? try softmax(step, flow, trace, result) : nil
        case .dropout: return needed ? dropout(step, flow, trace) : nil
        case .flatten: throw unsupported(step)
        }
    }

    /// Whether the gradient of a step's fused activation is taken behind the max pooling that follows, where there
    /// are fewer elements: a window's gradient goes to its largest element, whose activation is the window's result.
    private func isBehindPooling(_ step: LoweredGraph.Step) -> Bool {
        guard configuration.gradients.activations.isEmpty else { return false }
        let readers = lowered.steps.filter { lowered.resolved($0.input).value == step.output }
        guard readers.count == 1, case .pooling(let layer) = readers[0].operation else { return false }
        return layer.operation == .maximum && learning.contains(readers[0].output)
    }

    // MARK: Layers with parameters

    private typealias Maker = (zoo_dnn_pass, Operands) throws(ZooError) -> OperationIndex?

    private func weighted(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value, bias: Descriptor,
        needsOperand: Bool, _ make: Maker
    ) throws(ZooError) -> Value? {
        if !lowered.frozen.contains(step.path) {
            try weightsGradient(step, flow, trace, source, bias: bias, make)
        }
        return needsOperand ? try operandGradient(step, flow, trace, source, make) : nil
    }

    private func weightsGradient(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value, bias: Descriptor,
        _ make: Maker
    ) throws(ZooError) {
        guard let position = positions[ParameterPath(step.path, .weight)] else { return }
        let parameter = draft.parameters[position]
        let resident = parameter.descriptor
        var operands = Operands(
            source: source.descriptor, weights: resident, bias: bias, destination: flow.descriptor)
        let direct = try make(.backward_weights, operands)
        operands.weights = try program.describe(parameter.dimensions, .any)
        let free = try make(.backward_weights, operands)
        let (operation, isDirect) = try choose(direct, free, step, trace)
        guard let weights = try program.describe(.weights_gradient, of: operation) else {
            throw unsupported(step)
        }
        let gradient = draft.external(.gradient(position))
        let isResident = isDirect || program.areEqual(weights, resident)
        let target = isResident ? gradient : draft.allocate(byteCount: program.byteCount(of: weights))
        var bindings = [
            PlanDraft.Binding(argument: .source, descriptor: source.descriptor, buffer: source.buffer),
            PlanDraft.Binding(
                argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
            PlanDraft.Binding(argument: .weights_gradient, descriptor: weights, buffer: target),
        ]
        draft.trainable.append(position)
        if bias != .none, let place = positions[ParameterPath(step.path, .bias)] {
            let buffer = draft.external(.gradient(place))
            bindings.append(PlanDraft.Binding(argument: .bias_gradient, descriptor: bias, buffer: buffer))
            draft.trainable.append(place)
        }
        try add(
            operation, part: .backward, paths: step.covers, title: "\(step.title), gradient of weights",
            bindings,
            layout: program.text(of: flow.descriptor), weights: program.text(of: weights))
        if !isResident {
            try addReorder(
                weights, target, to: resident, gradient, part: .backward, paths: step.covers,
                title: "repack gradient")
        }
    }

    private func operandGradient(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value, _ make: Maker
    ) throws(ZooError) -> Value {
        guard let position = positions[ParameterPath(step.path, .weight)] else { throw unsupported(step) }
        let parameter = draft.parameters[position]
        let operand = try gradientValue(like: source)
        var operands = Operands(
            source: operand.descriptor, weights: parameter.descriptor, destination: flow.descriptor)
        let direct = try make(.backward_data, operands)
        operands.weights = try program.describe(parameter.dimensions, .any)
        let free = try make(.backward_data, operands)
        let (operation, isDirect) = try choose(direct, free, step, trace)
        guard let weights = try program.describe(.weights, of: operation) else { throw unsupported(step) }
        var buffer = draft.external(.parameter(position))
        if !isDirect, !program.areEqual(weights, parameter.descriptor) {
            let copy = draft.allocate(byteCount: program.byteCount(of: weights))
            try addReorder(
                parameter.descriptor, buffer, to: weights, copy, part: .backward, paths: step.covers,
                title: "repack")
            buffer = copy
        }
        try add(
            operation, part: .backward, paths: step.covers, title: "\(step.title), gradient of operand",
            [
                PlanDraft.Binding(
                    argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
                PlanDraft.Binding(argument: .weights, descriptor: weights, buffer: buffer),
                PlanDraft.Binding(
                    argument: .source_gradient, descriptor: operand.descriptor, buffer: operand.buffer),
            ], layout: program.text(of: operand.descriptor), weights: program.text(of: weights))
        return operand
    }

    /// Resident weights unless repacked ones have a much better kernel.
    private func choose(
        _ direct: OperationIndex?, _ free: OperationIndex?, _ step: LoweredGraph.Step, _ trace: Trace
    ) throws(ZooError) -> (OperationIndex, isDirect: Bool) {
        let directCost = direct.map { KernelCosts.factor(of: program.kernel(of: $0)) } ?? .infinity
        let freeCost = free.map { KernelCosts.factor(of: program.kernel(of: $0)) } ?? .infinity
        draft.cost += trace.work * min(directCost, freeCost)
        if let direct, directCost <= freeCost { return (direct, true) }
        if let free { return (free, false) }
        throw unsupported(step)
    }

    /// Memory for the gradient of a value, laid out like it.
    private func gradientValue(like value: Value) throws(ZooError) -> Value {
        var gradient = value
        gradient.buffer = draft.allocate(byteCount: program.byteCount(of: value.descriptor))
        return gradient
    }

    // MARK: Layers without

    /// Works in place: nobody reads the arriving gradient again.
    private func activation(
        _ step: LoweredGraph.Step, _ function: ElementFunction, _ flow: Value, result: Value,
        forward: OperationIndex
    ) throws(ZooError) -> Value {
        let operands = Operands(source: flow.descriptor, destination: result.descriptor)
        var hint = forward
        if hint == .none {
            // What was fused has no operation of its own to refer to.
            hint = try program.activation(.training, zoo_dnn_function(function), operands) ?? .none
        }
        guard
            let made = try program.activation(
                .backward_data, zoo_dnn_function(function), operands, forward: hint)
        else { throw unsupported(step) }
        try add(
            made, part: .backward, paths: step.covers, title: "\(function.title), gradient",
            [
                PlanDraft.Binding(
                    argument: .destination, descriptor: result.descriptor, buffer: result.buffer),
                PlanDraft.Binding(
                    argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
                PlanDraft.Binding(
                    argument: .source_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
            ], layout: program.text(of: flow.descriptor))
        return flow
    }

    private func pooling(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value, _ result: Value
    ) throws(ZooError) -> Value {
        let operand = try gradientValue(like: source)
        if let work = trace.average {
            let backward = PlanDraft.AverageWork(
                layer: work.layer, sourceMap: work.destinationMap, destinationMap: work.sourceMap,
                source: flow.buffer, destination: operand.buffer)
            draft.add(
                PlanDraft.Operation(
                    part: .backward, paths: step.covers, title: "\(step.title), gradient",
                    work: .average(backward, isForward: false), layout: program.text(of: operand.descriptor)))
            return operand
        }
        guard case .pooling(let layer) = step.operation,
            let kind = zoo_dnn_pooling_kind(layer, operand: source.dimensions, result: result.dimensions)
        else { throw unsupported(step) }
        let window = zoo_dnn_window(layer, operand: source.dimensions, result: result.dimensions)
        let operands = Operands(source: operand.descriptor, destination: flow.descriptor)
        guard
            let made = try program.pooling(.backward_data, kind, window, operands, forward: trace.operation)
        else { throw unsupported(step) }
        let elements = Double(source.dimensions.reduce(1, *))
        draft.cost += elements * KernelCosts.pooling * KernelCosts.factor(of: program.kernel(of: made))
        var bindings = [
            PlanDraft.Binding(
                argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
            PlanDraft.Binding(
                argument: .source_gradient, descriptor: operand.descriptor, buffer: operand.buffer),
        ]
        if let workspace = trace.workspace { bindings.append(workspace) }
        try add(
            made, part: .backward, paths: step.covers, title: "\(step.title), gradient", bindings,
            layout: program.text(of: operand.descriptor))
        return operand
    }

    private func softmax(
        _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ result: Value
    ) throws(ZooError) -> Value {
        let operands = Operands(source: flow.descriptor, destination: result.descriptor)
        guard let made = try program.softmax(.backward_data, operands, forward: trace.operation) else {
            throw unsupported(step)
        }
        try add(
            made, part: .backward, paths: step.covers, title: "Softmax, gradient",
            [
                PlanDraft.Binding(
                    argument: .destination, descriptor: result.descriptor, buffer: result.buffer),
                PlanDraft.Binding(
                    argument: .destination_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
                PlanDraft.Binding(
                    argument: .source_gradient, descriptor: flow.descriptor, buffer: flow.buffer),
            ], layout: program.text(of: flow.descriptor))
        // Behind a flatten the row stands for a feature map in canonical order.
        let operand = try operand(of: step)
        guard operand.dimensions.count == 4 else { return flow }
        let layout = canonicalLayout(operand)
        let map = Value(
            dimensions: operand.dimensions, order: operand.order, layout: layout,
            descriptor: try program.describe(operand.dimensions, layout), buffer: flow.buffer)
        return try reordered(map, to: operand.layout, part: .backward, paths: step.covers)
    }

    /// Works in place, with the mask of the forward pass.
    private func dropout(_ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace) -> Value {
        guard let forward = trace.dropout else { return flow }
        let work = PlanDraft.DropoutWork(
            path: forward.path, probability: forward.probability, map: forward.map, order: forward.order,
            source: flow.buffer, destination: flow.buffer, mask: forward.mask)
        draft.add(
            PlanDraft.Operation(
                part: .backward, paths: step.covers, title: "Dropout, gradient",
                work: .dropout(work, isForward: false), layout: program.text(of: flow.descriptor)))
        return flow
    }
}
