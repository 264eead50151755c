import COneDNNShim
import ZooLayerGraphs
import ZooTensors

extension PlanBuilder {
    /// Adds a step's forward operation.
    func forward(_ step: LoweredGraph.Step) throws(ZooError) {
        do throws(ZooError) {
            switch step.operation {
            case .convolution(let layer): try convolution(step, layer)
            case .linear(let layer): try linear(step, layer)
            case .activation(let function): try activation(step, function)
            case .pooling(let layer): try pooling(step, layer)
            case .softmax: try softmax(step)
            case .dropout(let probability): try dropout(step, probability)
            case .flatten: throw ZooError(.unsupported, "a flatten layer was left in the plan")
            }
        } catch {
            throw error.adding(tensor: step.path)
        }
    }

    /// Forward kernels of steps that a gradient passes through keep what it needs.
    func pass(_ step: LoweredGraph.Step) -> zoo_dnn_pass {
        learning.contains(step.output) ? .training : .inference
    }

    func unsupported(_ step: LoweredGraph.Step) -> ZooError {
        ZooError(.unsupported, "\(OneDNN.version) has no kernel for this layer", tensor: step.path)
    }

    // MARK: Layers with parameters

    private func convolution(_ step: LoweredGraph.Step, _ layer: Convolution) throws(ZooError) {
        let window = zoo_dnn_window(layer)
        let result = try makeValue(dimensions(of: step.path), order: nil)
        let bias = layer.hasBias ? try program.describe([layer.outputChannels], .plain) : .none
        let group = layer.groups == 1 ? [] : [layer.groups]
        let shape =
            group + [
                layer.outputChannels / layer.groups, layer.inputChannels / layer.groups, layer.kernel.height,
                layer.kernel.width,
            ]
        let work = Double(result.dimensions.reduce(1, *)) * Double(shape.suffix(3).reduce(1, *))
        try weighted(step, result, weights: shape, isChannelsLast: false, bias: bias, work: work) {
            (source, weights) throws(ZooError) in
            try program.convolution(
                pass(step), window,
                Operands(source: source, weights: weights, bias: bias, destination: result.descriptor),
                fused: zoo_dnn_function(step.fused))
        }
    }

    private func linear(_ step: LoweredGraph.Step, _ layer: Linear) throws(ZooError) {
        let source = try operand(of: step)
        let result = try makeValue(dimensions(of: step.path), order: nil)
        let bias = layer.hasBias ? try program.describe([layer.outputFeatures], .plain) : .none
        let shape = [layer.outputFeatures] + source.dimensions.dropFirst()
        let work = Double(result.dimensions.reduce(1, *)) * Double(layer.inputFeatures)
        let isChannelsLast = shape.count == 4 && source.order == .channelsLast
        try weighted(step, result, weights: shape, isChannelsLast: isChannelsLast, bias: bias, work: work) {
            (source, weights) throws(ZooError) in
            try program.innerProduct(
                pass(step),
                Operands(source: source, weights: weights, bias: bias, destination: result.descriptor),
                fused: zoo_dnn_function(step.fused))
        }
    }

    /// A kernel, the layouts that it was made for, and what it costs.
    private struct Choice {
        let operation: OperationIndex
        let source: zoo_dnn_layout
        let repacks: Bool
        let cost: Double
    }

    /// Chooses among the operand's layout as it is and the plan's, and among the resident weights and repacked
    /// ones, by the names of the kernels that they lead to.
    private func weighted(
        _ step: LoweredGraph.Step, _ result: Value, weights shape: [Int], isChannelsLast: Bool,
        bias: Descriptor,
        work: Double,
        _ make: (_ source: Descriptor, _ weights: Descriptor) throws(ZooError) -> OperationIndex?
    ) throws(ZooError) {
        let operand = try operand(of: step)
        let any = try program.describe(shape, .any)
        guard let position = positions[ParameterPath(step.path, .weight)] else { return }
        let resident = try residentLayout(position, shape, isChannelsLast: isChannelsLast)
        var best: Choice?
        var layouts = [operand.layout]
        if operand.dimensions.count == 4, operand.layout != draft.layout { layouts.append(draft.layout) }
        for layout in layouts {
            let source = try program.describe(operand.dimensions, layout)
            let isSame = liesTheSame(operand, source, layout)
            let moving = isSame ? 0 : Double(operand.dimensions.reduce(1, *)) * KernelCosts.reorder
            if let resident, let made = try make(source, resident) {
                let cost = moving + work * KernelCosts.factor(of: program.kernel(of: made))
                if cost < best?.cost ?? .infinity {
                    best = Choice(operation: made, source: layout, repacks: false, cost: cost)
                }
            }
            if let made = try make(source, any) {
                let repacks = resident != nil
                let repacking = repacks ? Double(shape.reduce(1, *)) * KernelCosts.reorder : 0
                let cost = moving + repacking + work * KernelCosts.factor(of: program.kernel(of: made))
                if cost < best?.cost ?? .infinity {
                    best = Choice(operation: made, source: layout, repacks: repacks, cost: cost)
                }
            }
        }
        guard let best else { throw unsupported(step) }
        let source = try reordered(operand, to: best.source, part: .forward, paths: step.covers)
        draft.cost += best.cost
        try addWeighted(
            step, best.operation, source: source, result: result, shape: shape,
            isChannelsLast: isChannelsLast,
            bias: bias, repacked: best.repacks ? resident : nil)
        traces[step.output]?.work = work
    }

    private func addWeighted(
        _ step: LoweredGraph.Step, _ operation: OperationIndex, source: Value, result: Value, shape: [Int],
        isChannelsLast: Bool, bias: Descriptor, repacked resident: Descriptor?
    ) throws(ZooError) {
        guard let position = positions[ParameterPath(step.path, .weight)],
            let weights = try program.describe(.weights, of: operation)
        else { throw unsupported(step) }
        var weightsBuffer = draft.external(.parameter(position))
        if let resident, !program.areEqual(resident, weights) {
            let copy = draft.allocate(byteCount: program.byteCount(of: weights))
            draft.keepForever(copy)
            try addReorder(
                resident, weightsBuffer, to: weights, copy, part: .repack, paths: step.covers, title: "repack"
            )
            weightsBuffer = copy
        }
        draft.parameters[position] = PlannedParameter(
            dimensions: shape, isChannelsLast: isChannelsLast, descriptor: resident ?? weights)
        var bindings = [
            PlanDraft.Binding(argument: .source, descriptor: source.descriptor, buffer: source.buffer),
            PlanDraft.Binding(argument: .weights, descriptor: weights, buffer: weightsBuffer),
            PlanDraft.Binding(argument: .destination, descriptor: result.descriptor, buffer: result.buffer),
        ]
        if let place = positions[ParameterPath(step.path, .bias)], bias != .none {
            let buffer = draft.external(.parameter(place))
            bindings.append(PlanDraft.Binding(argument: .bias, descriptor: bias, buffer: buffer))
        }
        try add(
            operation, part: .forward, paths: step.covers, title: step.title, bindings,
            layout: program.text(of: result.descriptor), weights: program.text(of: weights))
        values[step.output] = result
        traces[step.output] = Trace(operation: operation, weights: weights, source: source)
    }

    /// The resident layout of a parameter, if it is already fixed.
    private func residentLayout(
        _ position: Int, _ shape: [Int], isChannelsLast: Bool
    ) throws(ZooError) -> Descriptor? {
        guard let store else { return nil }
        let known = store.parameters[position]
        guard known.dimensions == shape, known.isChannelsLast == isChannelsLast else {
            // A linear layer behind a map of other proportions: its columns would have another order.
            throw ZooError(
                .unsupported, "the weights were laid out for a feature map of another shape",
                expected: "\(known.dimensions)", found: "\(shape)")
        }
        return try program.describe(like: store.program, known.descriptor)
    }

    // MARK: Layers without

    private func activation(_ step: LoweredGraph.Step, _ function: ElementFunction) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(source.dimensions, order: source.order)
        let operands = Operands(source: source.descriptor, destination: result.descriptor)
        guard let made = try program.activation(pass(step), zoo_dnn_function(function), operands) else {
            throw unsupported(step)
        }
        draft.cost +=
            Double(result.dimensions.reduce(1, *)) * KernelCosts.factor(of: program.kernel(of: made))
        try addSimple(step, made, source, result)
    }

    private func softmax(_ step: LoweredGraph.Step) throws(ZooError) {
        var source = try operand(of: step)
        let dimensions = try dimensions(of: step.path)
        if source.dimensions.count == 4 {
            // Over all features at once, so they have to stand in one row.
            source = try reordered(source, to: canonicalLayout(source), part: .forward, paths: step.covers)
            source = Value(
                dimensions: dimensions, order: nil, layout: .plain,
                descriptor: try program.describe(dimensions, .plain), buffer: source.buffer)
        }
        let result = try makeValue(dimensions, order: nil)
        let operands = Operands(source: source.descriptor, destination: result.descriptor)
        guard let made = try program.softmax(pass(step), operands) else { throw unsupported(step) }
        try addSimple(step, made, source, result)
    }

    private func pooling(_ step: LoweredGraph.Step, _ layer: Pooling) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(dimensions(of: step.path), order: nil)
        guard let kind = zoo_dnn_pooling_kind(layer, operand: source.dimensions, result: result.dimensions)
        else {
            let work = PlanDraft.AverageWork(
                layer: layer, sourceMap: FeatureMap(source.dimensions, layout: source.layout),
                destinationMap: FeatureMap(result.dimensions, layout: result.layout), source: source.buffer,
                destination: result.buffer)
            draft.add(
                PlanDraft.Operation(
                    part: .forward, paths: step.covers, title: step.title,
                    work: .average(work, isForward: true), layout: program.text(of: result.descriptor)))
            values[step.output] = result
            traces[step.output] = Trace(average: work, source: source)
            return
        }
        let window = zoo_dnn_window(layer, operand: source.dimensions, result: result.dimensions)
        let operands = Operands(source: source.descriptor, destination: result.descriptor)
        guard let made = try program.pooling(pass(step), kind, window, operands) else {
            throw unsupported(step)
        }
        let elements = Double(source.dimensions.reduce(1, *))
        draft.cost += elements * KernelCosts.pooling * KernelCosts.factor(of: program.kernel(of: made))
        try addSimple(step, made, source, result)
    }

    private func dropout(_ step: LoweredGraph.Step, _ probability: Double) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(source.dimensions, order: source.order)
        let mask = draft.allocate(byteCount: source.dimensions.reduce(1, *))
        let work = PlanDraft.DropoutWork(
            path: step.path, probability: probability,
            map: FeatureMap(source.dimensions, layout: source.layout), order: source.order,
            source: source.buffer, destination: result.buffer, mask: mask)
        draft.add(
            PlanDraft.Operation(
                part: .forward, paths: step.covers, title: step.title, work: .dropout(work, isForward: true),
                layout: program.text(of: result.descriptor)))
        values[step.output] = result
        traces[step.output] = Trace(dropout: work, source: source)
    }

    /// A feature map in the plan's layout: only the network's input can be in another.
    private func spread(_ value: Value, _ step: LoweredGraph.Step) throws(ZooError) -> Value {
        guard value.dimensions.count == 4, value.layout != draft.layout else { return value }
        return try reordered(value, to: draft.layout, part: .forward, paths: step.covers)
    }

    private func addSimple(
        _ step: LoweredGraph.Step, _ operation: OperationIndex, _ source: Value, _ result: Value
    ) throws(ZooError) {
        var trace = Trace(operation: operation, source: source)
        var bindings = [
            PlanDraft.Binding(argument: .source, descriptor: source.descriptor, buffer: source.buffer),
            PlanDraft.Binding(argument: .destination, descriptor: result.descriptor, buffer: result.buffer),
        ]
        if let workspace = try program.describe(.workspace, of: operation) {
            let buffer = draft.allocate(byteCount: program.byteCount(of: workspace))
            let binding = PlanDraft.Binding(argument: .workspace, descriptor: workspace, buffer: buffer)
            bindings.append(binding)
            trace.workspace = binding
        }
        try add(
            operation, part: .forward, paths: step.covers, title: step.title, bindings,
            layout: program.text(of: result.descriptor))
        values[step.output] = result
        traces[step.output] = trace
    }
}
