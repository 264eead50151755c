import COneDNNShim
import ZooLayerGraphs
import ZooTensors

// Layers whose weights oneDNN reads: convolutions and linear layers.
extension PlanBuilder {
    /// What a layer's weights and its kernel are made with.
    private struct Weighted {
        /// Shape of the weights as the kernels see it.
        let shape: [Int]
        var isChannelsLast = false
        /// The bias, if the kernel adds it.
        var bias = Descriptor.none
        /// Multiply-adds.
        let work: Double
        /// What operand and result are to the kernel.
        var roles: (operand: zoo_dnn_argument, result: zoo_dnn_argument) = (.source, .destination)
        /// Ways of computing that are worth a look.
        var kinds = [zoo_dnn_convolution_kind.direct]
        let make:
            (_ source: Descriptor, _ weights: Descriptor, zoo_dnn_convolution_kind) throws(ZooError)
                -> OperationIndex?
    }

    func convolution(_ step: LoweredGraph.Step, _ layer: Convolution) throws(ZooError) {
        let window = zoo_dnn_window(layer)
        let result = try convolutionResult(step)
        let hasBias = layer.hasBias || step.normalization != nil
        let bias = hasBias ? try program.describe([layer.outputChannels], .plain) : .none
        let shape = layer.weightShape
        let weighted = Weighted(
            shape: shape, bias: bias, work: Double(result.count) * Double(shape.suffix(3).reduce(1, *)),
            // Where gradients pass, the last digits decide on which side of its kink a rectifier is.
            kinds: layer.allowsWinograd && !learning.contains(step.output) ? [.direct, .winograd] : [.direct]
        ) { [self] (source, weights, kind) throws(ZooError) in
            try program.convolution(
                pass(step), window,
                Operands(source: source, weights: weights, bias: bias, destination: result.descriptor),
                kind: kind, fused: zoo_dnn_fusion(step))
        }
        try add(weighted, step, try operand(of: step), result)
    }

    /// Memory for a convolution's result: new, or that of the result which it is added to.
    private func convolutionResult(_ step: LoweredGraph.Step) throws(ZooError) -> Value {
        guard let addend = step.addend else { return try makeValue(dimensions(of: step.path)) }
        return try spread(value(addend), step)
    }

    /// The gradient of a convolution that takes the result to the operand. Its bias is added after that.
    func transposedConvolution(_ step: LoweredGraph.Step, _ layer: TransposedConvolution) throws(ZooError) {
        let mirrored = layer.mirrored
        let source = try spread(operand(of: step), step)
        let whole = try makeValue(dimensions(of: step.path))
        let missing = layer.unreached
        let result: Value
        if missing == Extent(0) {
            result = whole
        } else {
            let extents = whole.dimensions
            result = try makeValue(
                extents.prefix(2) + [extents[2] - missing.height, extents[3] - missing.width])
        }
        let shape = mirrored.weightShape
        let window = zoo_dnn_window(mirrored)
        let weighted = Weighted(
            shape: shape, work: Double(source.count) * Double(shape.suffix(3).reduce(1, *)),
            roles: (.destination_gradient, .source_gradient)
        ) { [self] (source, weights, _) throws(ZooError) in
            let operands = Operands(source: result.descriptor, weights: weights, destination: source)
            guard let forward = try program.convolution(.training, window, operands) else { return nil }
            return try program.convolution(.backward_data, window, operands, forward: forward)
        }
        try add(weighted, step, source, result)
        if missing != Extent(0) {
            let end = Padding(top: 0, left: 0, bottom: missing.height, right: missing.width)
            add(
                moving(result, into: whole, end), part: .forward, step, "\(step.title), unreached elements",
                like: whole)
            values[step.output] = whole
        }
        if let place = positions[ParameterPath(step.owner, .bias)], layer.hasBias {
            let work = ChannelScaleWork(
                map: FeatureMap(whole.dimensions, layout: whole.layout), channels: layer.outputChannels,
                offset: .buffer(draft.external(.parameter(place))), source: whole.buffer,
                destination: whole.buffer)
            add(work, part: .forward, step, "\(step.title), bias", like: whole)
        }
    }

    func linear(_ step: LoweredGraph.Step, _ layer: Linear) throws(ZooError) {
        let source = try linearOperand(step)
        let result = try makeValue(dimensions(of: step.path))
        let bias = layer.hasBias ? try program.describe([layer.outputFeatures], .plain) : .none
        let shape = [layer.outputFeatures] + source.dimensions.dropFirst()
        let weighted = Weighted(
            shape: shape, isChannelsLast: shape.count == 4 && source.order == .channelsLast, bias: bias,
            work: Double(result.count) * Double(layer.inputFeatures)
        ) { [self] (source, weights, _) throws(ZooError) in
            try program.innerProduct(
                pass(step),
                Operands(source: source, weights: weights, bias: bias, destination: result.descriptor),
                fused: zoo_dnn_function(fused: step.fused))
        }
        try add(weighted, step, source, result)
    }

    /// The operand, in the form that the weights were laid out for if they already were: for a map of the same
    /// proportions, or for a row.
    private func linearOperand(_ step: LoweredGraph.Step) throws(ZooError) -> Value {
        let source = try operand(of: step)
        guard let position = positions[ParameterPath(step.owner, .weight)], let known = resident(position)
        else { return source }
        let dimensions = source.dimensions.prefix(1) + known.dimensions.dropFirst()
        let isChannelsLast = source.dimensions.count == 4 && source.order == .channelsLast
        if dimensions == source.dimensions[...], isChannelsLast == known.isChannelsLast { return source }
        return try reinterpreted(
            row(source, step), Array(dimensions),
            order: known.isChannelsLast ? .channelsLast : .channelsFirst,
            layout: known.isChannelsLast ? .channels_last : .plain)
    }

    /// Whether a kernel's scratch memory is in proportion to the maps that it works on: some of Winograd's want many
    /// times as much, which isn't worth it.
    func isModest(_ operation: OperationIndex, beside operands: Operands) throws(ZooError) -> Bool {
        guard let scratch = try program.describe(.scratchpad, of: operation) else { return true }
        let maps = program.byteCount(of: operands.source) + program.byteCount(of: operands.destination)
        return program.byteCount(of: scratch) <= 6 * maps
    }

    /// A kernel, the layouts that it was made for, and what it costs.
    private struct Choice {
        let operation: OperationIndex
        let source: zoo_dnn_layout
        /// Whether the weights are in a form of Winograd's, which is no layout of the weights themselves.
        let isOpaque: Bool
        let repacks: Bool
        let cost: Double
    }

    /// Chooses among the operand's layout as it is and the plan's, and among the resident weights and repacked
    /// ones, by the names of the kernels that they lead to.
    private func add(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ operand: Value, _ result: Value
    ) throws(ZooError) {
        let any = try program.describe(layer.shape, .any)
        guard let position = positions[ParameterPath(step.owner, .weight)] else { throw unsupported(step) }
        let resident = try residentLayout(position, layer)
        // Folded weights are a copy in any case, in whatever layout the kernel likes.
        let isFolded = step.normalization != nil
        var best: Choice?
        func consider(
            _ operation: OperationIndex?, _ layout: zoo_dnn_layout, _ kind: zoo_dnn_convolution_kind,
            repacks: Bool, extra: Double
        ) throws(ZooError) {
            guard let operation else { return }
            if kind == .winograd {
                let source = try program.describe(operand.dimensions, layout)
                let operands = Operands(source: source, destination: result.descriptor)
                guard try isModest(operation, beside: operands) else { return }
            }
            let size =
                result.dimensions.count == 4 ? Extent(result.dimensions[2], result.dimensions[3]) : Extent(1)
            let factor = KernelCosts.factor(of: program.kernel(of: operation), results: size)
            let cost = extra + layer.work * factor
            if cost < best?.cost ?? .infinity {
                best = Choice(
                    operation: operation, source: layout, isOpaque: kind == .winograd, repacks: repacks,
                    cost: cost)
            }
        }
        var layouts = [operand.layout]
        if operand.dimensions.count == 4, operand.layout != draft.layout { layouts.append(draft.layout) }
        for layout in layouts {
            let source = try program.describe(operand.dimensions, layout)
            let isSame = liesTheSame(operand, source, layout)
            let moving = isSame ? 0 : Double(operand.count) * KernelCosts.reorder
            for kind in layer.kinds {
                if let resident, !isFolded {
                    try consider(
                        try layer.make(source, resident, kind), layout, kind, repacks: false, extra: moving)
                }
                let repacks = resident != nil
                let repacking =
                    repacks && !isFolded ? Double(layer.shape.reduce(1, *)) * KernelCosts.reorder : 0
                try consider(
                    layer.make(source, any, kind), layout, kind, repacks: repacks,
                    extra: moving + repacking)
            }
        }
        guard let best else { throw unsupported(step) }
        let source = try reordered(operand, to: best.source, part: .forward, paths: step.covers)
        draft.cost += best.cost
        if let normalization = step.normalization {
            return try addFolded(layer, step, best, source, result, normalization, resident)
        }
        // What is opaque stays beside the weights.
        let kept =
            best.isOpaque && resident == nil ? try program.describe(layer.shape, .plain) : resident
        try add(
            layer, step, best, source, result, repacked: best.repacks || best.isOpaque ? kept : nil)
    }

    private func add(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ choice: Choice, _ source: Value, _ result: Value,
        repacked resident: Descriptor?
    ) throws(ZooError) {
        guard let position = positions[ParameterPath(step.owner, .weight)],
            let weights = try program.describe(.weights, of: choice.operation)
        else { throw unsupported(step) }
        var weightsBuffer = draft.external(.parameter(position))
        if let resident, !program.areEqual(resident, weights) {
            let copy = draft.allocate(byteCount: program.byteCount(of: weights))
            draft.keepForever(copy)
            try addRepack(
                layer.shape, resident, weightsBuffer, to: weights, copy, isOpaque: choice.isOpaque, step)
            weightsBuffer = copy
        }
        draft.parameters[position] = PlannedParameter(
            dimensions: layer.shape, isChannelsLast: layer.isChannelsLast, descriptor: resident ?? weights)
        decided.insert(position)
        let bias = layer.bias == .none ? nil : positions[ParameterPath(step.owner, .bias)]
        try add(
            layer, step, choice.operation, source, result, weights, weightsBuffer,
            bias: bias.map { draft.external(.parameter($0)) })
    }

    /// The operation itself, its weights where they are.
    private func add(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ operation: OperationIndex, _ source: Value,
        _ result: Value, _ weights: Descriptor, _ weightsBuffer: PlanDraft.BufferIndex,
        bias: PlanDraft.BufferIndex?
    ) throws(ZooError) {
        var bindings = [
            PlanDraft.Binding(
                argument: layer.roles.operand, descriptor: source.descriptor, buffer: source.buffer),
            PlanDraft.Binding(argument: .weights, descriptor: weights, buffer: weightsBuffer),
            PlanDraft.Binding(
                argument: layer.roles.result, descriptor: result.descriptor, buffer: result.buffer),
        ]
        if let bias {
            bindings.append(PlanDraft.Binding(argument: .bias, descriptor: layer.bias, buffer: bias))
        }
        try add(
            operation, part: .forward, paths: step.covers, title: step.title, bindings,
            layout: program.text(of: result.descriptor), weights: program.text(of: weights),
            multiplyAdds: layer.work)
        values[step.output] = result
        traces[step.output] = Trace(
            operation: operation, weights: weights, sources: [source], work: layer.work)
    }

    /// Weights that take a batch normalisation in, computed anew whenever parameters change: row by row in canonical
    /// order, then brought into the kernel's layout.
    private func addFolded(
        _ layer: Weighted, _ step: LoweredGraph.Step, _ choice: Choice, _ source: Value, _ result: Value,
        _ normalization: LoweredGraph.Normalization, _ resident: Descriptor?
    ) throws(ZooError) {
        let owner = normalization.owner
        guard let position = positions[ParameterPath(step.owner, .weight)],
            let weights = try program.describe(.weights, of: choice.operation),
            let mean = positions[ParameterPath(owner, .runningMean)],
            let variance = positions[ParameterPath(owner, .runningVariance)]
        else { throw unsupported(step) }
        func buffer(_ owner: String, _ role: ParameterRole) -> PlanDraft.BufferIndex? {
            positions[ParameterPath(owner, role)].map { draft.external(.parameter($0)) }
        }
        let plain = try program.describe(layer.shape, .plain)
        let lying = resident ?? plain
        draft.parameters[position] = PlannedParameter(
            dimensions: layer.shape, isChannelsLast: layer.isChannelsLast, descriptor: lying)
        decided.insert(position)
        var canonical = draft.external(.parameter(position))
        if !program.areEqual(lying, plain) {
            let copy = draft.allocate(byteCount: program.byteCount(of: plain))
            try addReorder(
                lying, canonical, to: plain, copy, part: .repack, paths: step.covers, title: "repack")
            canonical = copy
        }
        let isPlain = program.areEqual(weights, plain)
        let folded = draft.allocate(byteCount: program.byteCount(of: plain))
        let rows = normalization.layer.channels
        let bias = draft.allocate(byteCount: MemoryLayout<Float>.stride * rows)
        draft.keepForever(bias)
        let work = FoldWork(
            rows: rows, columns: layer.shape.reduce(1, *) / max(rows, 1),
            epsilon: normalization.layer.epsilon,
            scale: buffer(owner, .weight), centre: buffer(owner, .bias),
            mean: draft.external(.parameter(mean)), variance: draft.external(.parameter(variance)),
            weights: canonical, bias: buffer(step.owner, .bias), folded: folded, foldedBias: bias)
        draft.add(
            PlanDraft.Operation(
                part: .repack, paths: step.covers, title: "fold", work: .kernel(work),
                layout: program.text(of: plain)))
        var kept = folded
        if !isPlain {
            kept = draft.allocate(byteCount: program.byteCount(of: weights))
            try addRepack(layer.shape, plain, folded, to: weights, kept, isOpaque: choice.isOpaque, step)
        }
        draft.keepForever(kept)
        try add(layer, step, choice.operation, source, result, weights, kept, bias: bias)
    }

    /// Brings weights into a kernel's layout whenever parameters change.
    private func addRepack(
        _ shape: [Int], _ source: Descriptor, _ from: PlanDraft.BufferIndex, to weights: Descriptor,
        _ target: PlanDraft.BufferIndex, isOpaque: Bool, _ step: LoweredGraph.Step
    ) throws(ZooError) {
        func reorder(
            _ source: Descriptor, _ from: PlanDraft.BufferIndex, _ to: Descriptor,
            _ target: PlanDraft.BufferIndex
        ) throws(ZooError) {
            try addReorder(source, from, to: to, target, part: .repack, paths: step.covers, title: "repack")
        }
        guard isOpaque else { return try reorder(source, from, weights, target) }
        let plain = try program.describe(shape, .plain)
        var canonical = from
        if !program.areEqual(source, plain) {
            canonical = draft.allocate(byteCount: program.byteCount(of: plain))
            try reorder(source, from, plain, canonical)
        }
        guard let blocks = program.winograd(weights) else {
            return try reorder(plain, canonical, weights, target)
        }
        draft.add(
            PlanDraft.Operation(
                part: .repack, paths: step.covers, title: "repack",
                work: .kernel(WinogradWork(shape: shape, blocks: blocks, weights: canonical, result: target)),
                layout: program.text(of: plain), weights: program.text(of: weights)))
    }

    /// A parameter's resident form, if it is already fixed: by the store, or by another layer that shares it.
    private func resident(_ position: Int) -> PlannedParameter? {
        store?.parameters[position] ?? (decided.contains(position) ? draft.parameters[position] : nil)
    }

    private func residentLayout(_ position: Int, _ layer: Weighted) throws(ZooError) -> Descriptor? {
        guard let known = resident(position) else { return nil }
        guard known.dimensions == layer.shape, known.isChannelsLast == layer.isChannelsLast else {
            // Weights that no plan has computed with yet lie in canonical order, whatever their extents are called.
            if try isCanonical(known), known.dimensions.reduce(1, *) == layer.shape.reduce(1, *) {
                return try program.describe(layer.shape, layer.isChannelsLast ? .channels_last : .plain)
            }
            throw ZooError(
                .unsupported, "the weights were laid out for a feature map of another shape",
                expected: "\(known.dimensions)", found: "\(layer.shape)")
        }
        guard let store else { return known.descriptor }
        return try program.describe(like: store.program, known.descriptor)
    }

    /// Whether a parameter's elements stand in their canonical order.
    private func isCanonical(_ parameter: PlannedParameter) throws(ZooError) -> Bool {
        let owner = store?.program ?? program
        let layout = parameter.isChannelsLast ? zoo_dnn_layout.channels_last : .plain
        return owner.areEqual(parameter.descriptor, try owner.describe(parameter.dimensions, layout))
    }
}

extension Convolution {
    /// Shape of the weights as oneDNN sees them, with an axis for groups if there are any.
    var weightShape: [Int] {
        let shape = [
            outputChannels / groups, inputChannels / groups, kernel.height, kernel.width,
        ]
        return groups == 1 ? shape : [groups] + shape
    }
}

extension Convolution {
    /// Whether Winograd's way of computing pays: 3×3 windows next to each other over enough channels, all of them at
    /// once. With few channels its transformations take longer than what they save.
    var allowsWinograd: Bool {
        kernel == Extent(3) && stride == Extent(1) && dilation == Extent(1) && groups == 1
            && inputChannels >= 32 && outputChannels >= 32
    }
}

extension TransposedConvolution {
    /// The convolution whose gradient this is: it takes the part of the result that elements reach to the operand.
    var mirrored: Convolution {
        let unreached = unreached
        return Convolution(
            outputChannels, inputChannels, kernel: kernel, stride: stride,
            padding: Padding(
                top: padding.top, left: padding.left,
                bottom: padding.bottom - outputPadding.height + unreached.height,
                right: padding.right - outputPadding.width + unreached.width),
            dilation: dilation, groups: groups, hasBias: false)
    }

    /// Rows and columns at the result's end that a convolution over it would begin another window in, so that they
    /// have to be added: none where the output padding is below the stride.
    var unreached: Extent {
        Extent(
            max(outputPadding.height - padding.bottom - stride.height + 1, 0),
            max(outputPadding.width - padding.right - stride.width + 1, 0))
    }
}
