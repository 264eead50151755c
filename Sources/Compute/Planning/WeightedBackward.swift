import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Gradients of layers whose weights oneDNN reads.
extension PlanBuilder {
    /// What a layer's backward kernels are made of.
    private struct Weighted {
        /// The bias, if the weights' kernel gives its gradient too.
        var bias = Descriptor.none
        /// Whether the layer is the gradient of its kernel's convolution, so that operand and result change roles.
        var isMirrored = false
        /// Ways of computing that are worth a look.
        var kinds = [zoo_dnn_convolution_kind.direct]
        let make: (zoo_dnn_pass, Operands, zoo_dnn_convolution_kind) throws(ZooError) -> OperationIndex?
    }

    func weightedBackward(_ step: LoweredGraph.Step, _ arriving: Value, _ trace: Trace) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        var flow = arriving
        let layer: Weighted
        switch step.operation {
        case .convolution(let convolution):
            let window = zoo_dnn_window(convolution)
            let bias =
                convolution.hasBias ? try program.describe([convolution.outputChannels], .plain) : .none
            layer = Weighted(
                bias: bias, kinds: convolution.allowsWinograd ? [.direct, .winograd] : [.direct]
            ) {
                [self] (pass, operands, kind) throws(ZooError) in
                try program.convolution(pass, window, operands, kind: kind, forward: trace.operation)
            }
        case .transposedConvolution(let convolution):
            if lowered.learns(step), convolution.hasBias { addBiasGradient(step, flow) }
            flow = try reached(flow, step, convolution)
            let window = zoo_dnn_window(convolution.mirrored)
            layer = Weighted(isMirrored: true) { [self] (pass, operands, _) throws(ZooError) in
                let isForward = pass == .inference
                let forward =
                    isForward ? .none : try program.convolution(.training, window, operands) ?? .none
                return try program.convolution(pass, window, operands, forward: forward)
            }
        case .linear(let linear):
            let bias = linear.hasBias ? try program.describe([linear.outputFeatures], .plain) : .none
            layer = Weighted(bias: bias) { [self] (pass, operands, _) throws(ZooError) in
                try program.innerProduct(pass, operands, forward: trace.operation)
            }
        default: throw unsupported(step)
        }
        if lowered.learns(step) { try addWeightsGradient(layer, step, flow, trace, source) }
        if needsGradient(of: step.input) {
            try deliver(try operandGradient(layer, step, flow, trace, source), to: step)
        }
    }

    private func addWeightsGradient(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value
    ) throws(ZooError) {
        guard let position = positions[ParameterPath(step.owner, .weight)] else { throw unsupported(step) }
        let parameter = draft.parameters[position]
        let resident = parameter.descriptor
        let (operand, result) = layer.isMirrored ? (flow, source) : (source, flow)
        let operands = Operands(
            source: operand.descriptor, weights: resident, bias: layer.bias, destination: result.descriptor)
        let any = try program.describe(parameter.dimensions, .any)
        let (operation, isDirect) = try choose(
            layer, .backward_weights, operands, any, step, trace, result.dimensions)
        guard let weights = try program.describe(.weights_gradient, of: operation),
            let target = gradientTarget(step, .weight)
        else { throw unsupported(step) }
        var targets = [target]
        let isResident = isDirect || program.areEqual(weights, resident)
        let written =
            isResident ? target.buffer : draft.allocate(byteCount: program.byteCount(of: weights))
        var bindings = [
            PlanDraft.Binding(argument: .source, descriptor: operand.descriptor, buffer: operand.buffer),
            PlanDraft.Binding(
                argument: .destination_gradient, descriptor: result.descriptor, buffer: result.buffer),
            PlanDraft.Binding(argument: .weights_gradient, descriptor: weights, buffer: written),
        ]
        if layer.bias != .none, let bias = gradientTarget(step, .bias) {
            bindings.append(
                PlanDraft.Binding(argument: .bias_gradient, descriptor: layer.bias, buffer: bias.buffer))
            targets.append(bias)
        }
        try add(
            operation, part: .backward, paths: step.covers, title: "\(step.title), gradient of weights",
            bindings, layout: program.text(of: flow.descriptor), weights: program.text(of: weights),
            multiplyAdds: trace.work)
        if !isResident {
            try addReorder(
                weights, written, to: resident, target.buffer, part: .backward, paths: step.covers,
                title: "repack gradient")
        }
        finish(targets, step)
    }

    private func operandGradient(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ flow: Value, _ trace: Trace, _ source: Value
    ) throws(ZooError) -> Value {
        guard let position = positions[ParameterPath(step.owner, .weight)] else { throw unsupported(step) }
        let parameter = draft.parameters[position]
        let gradient = makeValue(like: source)
        let pass: zoo_dnn_pass = layer.isMirrored ? .inference : .backward_data
        let (first, second) = layer.isMirrored ? (flow, gradient) : (gradient, flow)
        let operands = Operands(
            source: first.descriptor, weights: parameter.descriptor, destination: second.descriptor)
        let any = try program.describe(parameter.dimensions, .any)
        let (operation, isDirect) = try choose(layer, pass, operands, any, step, trace, gradient.dimensions)
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
                    argument: layer.isMirrored ? .source : .destination_gradient,
                    descriptor: flow.descriptor, buffer: flow.buffer),
                PlanDraft.Binding(argument: .weights, descriptor: weights, buffer: buffer),
                PlanDraft.Binding(
                    argument: layer.isMirrored ? .destination : .source_gradient,
                    descriptor: gradient.descriptor, buffer: gradient.buffer),
            ], layout: program.text(of: gradient.descriptor), weights: program.text(of: weights),
            multiplyAdds: trace.work)
        return gradient
    }

    /// The cheapest kernel by its name; resident weights unless repacked ones have a much better one.
    private func choose(
        _ layer: Weighted, _ pass: zoo_dnn_pass, _ operands: Operands, _ any: Descriptor,
        _ step: LoweredGraph.Step, _ trace: Trace, _ results: [Int]
    ) throws(ZooError) -> (OperationIndex, isDirect: Bool) {
        let size = results.count == 4 ? Extent(results[2], results[3]) : Extent(1)
        var best: (operation: OperationIndex, isDirect: Bool, cost: Double)?
        for (weights, isDirect) in [(operands.weights, true), (any, false)] {
            for kind in layer.kinds {
                var operands = operands
                operands.weights = weights
                guard let made = try layer.make(pass, operands, kind) else { continue }
                if kind == .winograd, try !isModest(made, beside: operands) { continue }
                let cost = KernelCosts.factor(of: program.kernel(of: made), results: size)
                if cost < best?.cost ?? .infinity { best = (made, isDirect, cost) }
            }
        }
        guard let best else { throw unsupported(step) }
        draft.cost += trace.work * best.cost
        return (best.operation, best.isDirect)
    }

    // MARK: What only transposed convolutions need

    /// The part of a result's gradient that the operand's elements reach.
    private func reached(
        _ flow: Value, _ step: LoweredGraph.Step, _ layer: TransposedConvolution
    ) throws(ZooError) -> Value {
        let missing = layer.unreached
        guard missing != Extent(0) else { return flow }
        let extents = flow.dimensions
        let part = try makeValue(
            extents.prefix(2) + [extents[2] - missing.height, extents[3] - missing.width])
        let end = Padding(top: 0, left: 0, bottom: missing.height, right: missing.width)
        add(
            taking(part, outOf: flow, end), part: .backward, step, "\(step.title), reached elements",
            like: part)
        return part
    }

    /// The sum of each channel.
    private func addBiasGradient(_ step: LoweredGraph.Step, _ flow: Value) {
        guard let target = gradientTarget(step, .bias) else { return }
        let channels = FeatureMap.channelStrides(flow.layout)
        let lying = StridedAxes.lying(flow.dimensions, flow.layout)
        // A last block with fewer channels than lanes ends in zeros, for which parameters have room.
        let work = StridedWork(
            axes: StridedAxes(
                axes: lying.indices.map {
                    StridedAxes.Axis(
                        extent: lying[$0].extent, first: lying[$0].stride, second: 0,
                        result: channels[$0] ?? 0)
                }), isSum: true, first: StridedWork.Operand(buffer: flow.buffer),
            result: StridedWork.Operand(buffer: target.buffer))
        add(work, part: .backward, step, "\(step.title), gradient of bias", like: flow)
        finish([target], step)
    }
}

extension FeatureMap {
    /// Steps in a list of channels along the axes of a map's memory that are axes of channels.
    fileprivate static func channelStrides(_ layout: zoo_dnn_layout) -> [Int: Int] {
        switch layout {
        case .channels_last: [3: 1]
        case .plain, .any: [1: 1]
        case .blocked16, .blocked8: [1: layout.block ?? 1, 4: 1]
        }
    }
}
