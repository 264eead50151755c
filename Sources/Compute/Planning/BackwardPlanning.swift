import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

extension PlanBuilder {
    /// Adds the backward part: from the output's gradient down to the lowest layers that learn, or whose operand's
    /// gradient is asked for. A gradient goes on once all readers of its value have added theirs, in the order of
    /// the last reader first.
    func backward() throws(ZooError) {
        let output = lowered.resolved(lowered.source.output).value
        flows[output] = try outputGradient(of: output)
        for step in lowered.steps.reversed() where learning.contains(step.output) {
            guard let flow = flows.removeValue(forKey: step.output) else { continue }
            do throws(ZooError) {
                try backward(step, flow)
            } catch {
                throw error.adding(tensor: step.path)
            }
        }
        guard let flow = flows[LayerGraph.inputPath] else { return }
        if configuration.gradients.input {
            draft.inputGradient = try read(flow.value, of: LayerGraph.inputPath)
        }
        for path in wanted where lowered.resolved(path).value == LayerGraph.inputPath {
            draft.activationGradients[path] = try read(flow.value, of: path)
        }
    }

    /// Layers on the way to the output for whose results gradients are asked for.
    private var wanted: [String] {
        let ancestors = LoweredGraph.ancestors(of: lowered.source.output, in: lowered.source)
        return configuration.gradients.activations.filter { ancestors.contains($0) }.sorted()
    }

    private func outputGradient(of name: String) throws(ZooError) -> Flow {
        let output = try value(lowered.source.output)
        let handed = try makeValue(output.dimensions, order: output.order, layout: canonicalLayout(output))
        draft.keepForever(handed.buffer)
        let shape = lowered.shapes[lowered.source.output] ?? []
        draft.outputGradient = PlanDraft.Port(shape: shape, buffer: handed.buffer)
        // Whoever hands it in writes it anew for every run.
        let gradient = try reordered(
            handed, to: output.layout, part: .backward, paths: [lowered.source.output])
        return Flow(value: try named(gradient, name), isOwned: true)
    }

    /// A copy in canonical order, for reading after a run.
    private func read(_ flow: Value, of path: String) throws(ZooError) -> PlanDraft.Port {
        // The flow has the order of whoever read the value; the path may name it before it was flattened.
        let (name, flattened) = lowered.resolved(path)
        let order = flattened ?? values[name]?.order
        let layout: zoo_dnn_layout =
            flow.dimensions.count == 4 && order == .channelsLast ? .channels_last : .plain
        let copy = try makeValue(flow.dimensions, order: order, layout: layout)
        draft.keepForever(copy.buffer)
        try addReorder(
            flow.descriptor, flow.buffer, to: copy.descriptor, copy.buffer, part: .backward, paths: [path])
        return PlanDraft.Port(shape: lowered.shapes[path] ?? [], buffer: copy.buffer)
    }

    /// Adds a step's backward operations, which hand on gradients with respect to its operands.
    private func backward(_ step: LoweredGraph.Step, _ arriving: Flow) throws(ZooError) {
        guard let trace = traces[step.output], let result = values[step.output] else {
            throw unsupported(step)
        }
        var flow = arriving
        let paths = wanted
        for path in paths where lowered.resolved(path).value == step.output {
            draft.activationGradients[path] = try read(flow.value, of: path)
        }
        if let fused = step.fused, !isBehindPooling(step) {
            flow = try activation(step, fused, flow, of: result, forward: .none)
            for path in paths where path != step.output {
                let value = lowered.resolved(path).value
                guard value != step.output, step.covers.contains(value) else { continue }
                draft.activationGradients[path] = try read(flow.value, of: path)
            }
        }
        if lowered.isIdentity(step) || lowered.flattening(step) != nil {
            return try deliver(flow.value, to: step, isOwned: flow.isOwned)
        }
        guard lowered.learns(step) || step.inputs.contains(where: { needsGradient(of: $0) }) else { return }
        switch step.operation {
        case .batchNormalization: try batchNormalizationBackward(step, flow, trace)
        case .parametricReLU: try parametricReLUBackward(step, flow, trace)
        case .normalization, .rescaling: try channelScaleBackward(step, flow, trace)
        case .localResponseNormalization: try responseNormalizationBackward(step, flow, trace)
        case .activation(let function): try activationBackward(step, function, flow, trace, result)
        case .pooling, .adaptivePooling, .globalPooling: try poolingBackward(step, flow, trace, result)
        case .softmax: try softmaxBackward(step, flow, trace, result)
        case .add, .multiply, .average: try combinationBackward(step, flow, trace)
        case .concatenate(let axis): try concatenationBackward(step, axis: axis, flow, trace)
        case .padding(let sides): try windowBackward(step, sides, isPadding: true, flow, trace)
        case .cropping(let sides): try windowBackward(step, sides, isPadding: false, flow, trace)
        case .upsampling(let layer): try upsamplingBackward(step, layer, flow, trace)
        case .reshape(let layer): try reshapeBackward(step, layer.order, flow)
        case .flatten(let order): try reshapeBackward(step, order, flow)
        case .permute(let axes): try permuteBackward(step, axes, flow)
        case .dropout, .spatialDropout, .stochasticDepth: try dropoutBackward(step, flow, trace)
        case .convolution, .transposedConvolution, .linear:
            try weightedBackward(step, flow.value, trace)
        }
    }

    // MARK: Gradients on their way down

    /// Adds a gradient with respect to one of a step's operands to what others found, if anybody needs it.
    /// - Parameters:
    ///   - gradient: laid out like the operand's value, or like any other form that a layer brought it into.
    ///   - isOwned: whether nobody else reads it.
    func deliver(
        _ gradient: Value, to step: LoweredGraph.Step, _ index: Int = 0, isOwned: Bool = true
    ) throws(ZooError) {
        let path = step.inputs[index]
        guard needsGradient(of: path) else { return }
        let target = try value(path)
        var found = gradient
        if found.dimensions != target.dimensions {
            found = try unrolled(row(found, step, part: .backward), like: target, step)
        } else if target.dimensions.count == 4 {
            found = try reordered(found, to: target.layout, part: .backward, paths: step.covers)
        }
        let isOwned = isOwned || found.buffer != gradient.buffer
        let name = lowered.resolved(path).value
        found = try named(found, name)
        guard let known = flows[name] else {
            flows[name] = Flow(value: found, isOwned: isOwned)
            return
        }
        let sum = known.isOwned ? known.value : isOwned ? found : makeValue(like: found)
        addSum(of: known.value.buffer, found.buffer, to: sum.buffer, step, like: sum)
        flows[name] = Flow(value: sum, isOwned: true)
    }

    /// A gradient as that of a step's result, whose order is the result's own and not a reader's.
    private func named(_ gradient: Value, _ name: String) throws(ZooError) -> Value {
        guard var value = values[name] else { throw lowered.source.unknownPath(name) }
        value.buffer = gradient.buffer
        return value
    }

    /// Memory for a gradient that is laid out like the one that arrives: the same, if nobody else reads that.
    func writable(_ flow: Flow) -> Value { flow.isOwned ? flow.value : makeValue(like: flow.value) }

    private func addSum(
        of first: PlanDraft.BufferIndex, _ second: PlanDraft.BufferIndex, to sum: PlanDraft.BufferIndex,
        _ step: LoweredGraph.Step, like value: Value
    ) {
        let all = StridedAxes.Axis(extent: floatCount(value), first: 1, second: 1, result: 1)
        let work = StridedWork(
            axes: StridedAxes(axes: [all]), combination: .sum, first: StridedWork.Operand(buffer: first),
            second: StridedWork.Operand(buffer: second), result: StridedWork.Operand(buffer: sum))
        add(work, part: .backward, step, "sum of gradients", like: value)
    }

    // MARK: Gradients of parameters

    /// Where a layer writes a parameter's gradient.
    struct GradientTarget {
        let position: Int
        let buffer: PlanDraft.BufferIndex
        /// Whether another use of the same layer has written the parameter's gradient already, to which this is added.
        let isAdded: Bool
    }

    /// `nil` for a parameter that the layer doesn't have.
    func gradientTarget(_ step: LoweredGraph.Step, _ role: ParameterRole) -> GradientTarget? {
        guard let position = positions[ParameterPath(step.owner, role)] else { return nil }
        guard draft.trainable.contains(position) else {
            draft.trainable.append(position)
            return GradientTarget(
                position: position, buffer: draft.external(.gradient(position)), isAdded: false)
        }
        let bytes = program.byteCount(of: draft.parameters[position].descriptor)
        return GradientTarget(position: position, buffer: draft.allocate(byteCount: bytes), isAdded: true)
    }

    /// To be called after the operations that write the gradients.
    func finish(_ targets: [GradientTarget], _ step: LoweredGraph.Step) {
        for target in targets where target.isAdded {
            let parameter = draft.parameters[target.position].descriptor
            let total = draft.external(.gradient(target.position))
            let all = StridedAxes.Axis(
                extent: program.byteCount(of: parameter) / MemoryLayout<Float>.stride, first: 1, second: 1,
                result: 1)
            let work = StridedWork(
                axes: StridedAxes(axes: [all]), accumulates: true,
                first: StridedWork.Operand(buffer: target.buffer),
                result: StridedWork.Operand(buffer: total))
            draft.add(
                PlanDraft.Operation(
                    part: .backward, paths: step.covers, title: "sum of gradients", work: .kernel(work),
                    layout: program.text(of: parameter)))
        }
    }
}
