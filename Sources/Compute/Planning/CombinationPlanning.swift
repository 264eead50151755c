import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Layers with several operands: sums, products, means, and operands one behind the other.
extension PlanBuilder {
    /// How operands and result lie to each other: all in the plan's layout, or all in canonical order.
    struct Alignment {
        /// Extents of the result's memory.
        let extents: [Int]
        /// Strides of each operand along them, 0 where it is repeated, and of the result.
        let strides: [[Int]]
        let resultStrides: [Int]
        let isRow: Bool

        func isRepeated(_ index: Int) -> Bool {
            zip(strides[index], extents).contains { $0 == 0 && $1 > 1 }
        }
    }

    private func aligned(
        _ step: LoweredGraph.Step
    ) throws(ZooError) -> (form: Alignment, operands: [Value], result: Value) {
        var operands: [Value] = []
        for index in step.inputs.indices { operands.append(try operand(of: step, index)) }
        var shapes: [[Int]] = []
        for input in step.inputs { shapes.append(try shape(of: input)) }
        let shape = try shape(of: step.path)
        // Vectors that are maps flattened alike stay maps.
        let first = operands[0]
        let areAlike = operands.allSatisfy {
            $0.dimensions.count == 4 && $0.dimensions == first.dimensions && $0.order == first.order
        }
        // Channels that are repeated aren't in blocks of channels.
        let isRow = !areAlike && !(shape.count == 4 && shapes.allSatisfy { $0[1] == shape[1] })
        var views: [[(extent: Int, stride: Int)]] = []
        let result: Value
        let places: [(extent: Int, stride: Int)]
        if isRow {
            for index in operands.indices {
                operands[index] = try row(operands[index], step)
                views.append(StridedAxes.lying(shapes[index], .plain))
            }
            result = try makeValue([shape[0], shape.dropFirst().reduce(1, *)])
            places = StridedAxes.lying(shape, .plain)
        } else {
            for index in operands.indices {
                operands[index] = try spread(operands[index], step)
                views.append(StridedAxes.lying(operands[index].dimensions, draft.layout))
            }
            result = try makeValue(areAlike ? first.dimensions : shape, order: areAlike ? first.order : nil)
            places = StridedAxes.lying(result.dimensions, draft.layout)
        }
        let strides = views.map { view in
            zip(view, places).map { $0.extent == 1 && $1.extent > 1 ? 0 : $0.stride }
        }
        let form = Alignment(
            extents: places.map(\.extent), strides: strides, resultStrides: places.map(\.stride),
            isRow: isRow)
        return (form, operands, result)
    }

    func axes(_ extents: [Int], _ first: [Int], _ second: [Int]?, _ result: [Int]) -> StridedAxes {
        StridedAxes(
            axes: extents.indices.map {
                StridedAxes.Axis(
                    extent: extents[$0], first: first[$0], second: second?[$0] ?? first[$0],
                    result: result[$0])
            })
    }

    /// Add, multiply or average.
    func combination(_ step: LoweredGraph.Step) throws(ZooError) {
        let (form, operands, result) = try aligned(step)
        let share = step.operation == .average ? 1 / Double(operands.count) : 1
        for index in operands.indices.dropFirst() {
            // The first two, then what they gave and the next.
            let before = index == 1 ? operands[0] : result
            let strides = index == 1 ? form.strides[0] : form.resultStrides
            let work = StridedWork(
                axes: axes(form.extents, strides, form.strides[index], form.resultStrides),
                combination: step.operation == .multiply ? .product : .sum,
                scale: index == operands.count - 1 ? share : 1,
                first: StridedWork.Operand(buffer: before.buffer),
                second: StridedWork.Operand(buffer: operands[index].buffer),
                result: StridedWork.Operand(buffer: result.buffer))
            add(work, part: .forward, step, step.title, like: result)
        }
        values[step.output] = form.isRow ? try unrolled(result, as: step.path, step) : result
        traces[step.output] = Trace(sources: operands, alignment: form)
    }

    func combinationBackward(_ step: LoweredGraph.Step, _ flow: Flow, _ trace: Trace) throws(ZooError) {
        guard let form = trace.alignment else { throw unsupported(step) }
        let arriving = form.isRow ? try row(flow.value, step, part: .backward) : flow.value
        let share = step.operation == .average ? 1 / Double(step.inputs.count) : 1
        for index in step.inputs.indices where needsGradient(of: step.inputs[index]) {
            let operand = trace.sources[index]
            if step.operation == .add, !form.isRepeated(index) {
                // The same for every operand, so none may change it.
                try deliver(arriving, to: step, index, isOwned: false)
                continue
            }
            let factors =
                step.operation == .multiply
                ? try product(step, of: arriving, without: index, form, trace.sources) : arriving
            let gradient = makeValue(like: operand)
            var work = StridedWork(
                axes: axes(form.extents, form.resultStrides, nil, form.strides[index]),
                isSum: form.isRepeated(index), scale: share,
                first: StridedWork.Operand(buffer: factors.buffer),
                result: StridedWork.Operand(buffer: gradient.buffer))
            if step.operation == .multiply, let other = lastFactor(step, without: index) {
                work.axes = axes(
                    form.extents, form.resultStrides, form.strides[other], form.strides[index])
                work.combination = .product
                work.second = StridedWork.Operand(buffer: trace.sources[other].buffer)
            }
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
            try deliver(gradient, to: step, index)
        }
    }

    /// The operand that the last product of a gradient is taken with.
    private func lastFactor(_ step: LoweredGraph.Step, without index: Int) -> Int? {
        step.inputs.indices.last { $0 != index }
    }

    /// A gradient times all operands but one and the last of the others.
    private func product(
        _ step: LoweredGraph.Step, of flow: Value, without index: Int, _ form: Alignment, _ operands: [Value]
    ) throws(ZooError) -> Value {
        let last = lastFactor(step, without: index)
        var factors = flow
        for other in operands.indices where other != index && other != last {
            let result = makeValue(like: flow)
            let work = StridedWork(
                axes: axes(form.extents, form.resultStrides, form.strides[other], form.resultStrides),
                combination: .product, first: StridedWork.Operand(buffer: factors.buffer),
                second: StridedWork.Operand(buffer: operands[other].buffer),
                result: StridedWork.Operand(buffer: result.buffer))
            add(work, part: .backward, step, "\(step.title), gradient", like: result)
            factors = result
        }
        return factors
    }

    // MARK: One behind the other

    func concatenation(_ step: LoweredGraph.Step, axis: Int) throws(ZooError) {
        let shape = try shape(of: step.path)
        var shapes: [[Int]] = []
        for input in step.inputs { shapes.append(try self.shape(of: input)) }
        let block = axis == 1 ? draft.layout.block ?? 1 : 1
        let isRow = shape.count != 4 || !shapes.allSatisfy { $0[1] % block == 0 }
        var operands: [Value] = []
        for index in step.inputs.indices {
            let operand = try operand(of: step, index)
            operands.append(isRow ? try row(operand, step) : try spread(operand, step))
        }
        let result = try makeValue(isRow ? [shape[0], shape.dropFirst().reduce(1, *)] : shape)
        for (index, part) in parts(of: shape, shapes, axis: axis, isRow: isRow).enumerated() {
            let work = StridedWork(
                axes: axes(part.extents, part.strides, nil, part.wholeStrides),
                first: StridedWork.Operand(buffer: operands[index].buffer),
                result: StridedWork.Operand(buffer: result.buffer, offset: part.offset))
            add(work, part: .forward, step, step.title, like: result)
        }
        values[step.output] = isRow ? try unrolled(result, as: step.path, step) : result
        let form = Alignment(extents: [], strides: [], resultStrides: [], isRow: isRow)
        traces[step.output] = Trace(sources: operands, alignment: form)
    }

    func concatenationBackward(
        _ step: LoweredGraph.Step, axis: Int, _ flow: Flow, _ trace: Trace
    ) throws(ZooError) {
        guard let isRow = trace.alignment?.isRow else { throw unsupported(step) }
        let arriving = isRow ? try row(flow.value, step, part: .backward) : flow.value
        var shapes: [[Int]] = []
        for input in step.inputs { shapes.append(try shape(of: input)) }
        let parts = parts(of: try shape(of: step.path), shapes, axis: axis, isRow: isRow)
        for (index, part) in parts.enumerated() where needsGradient(of: step.inputs[index]) {
            let gradient = makeValue(like: trace.sources[index])
            let work = StridedWork(
                axes: axes(part.extents, part.wholeStrides, nil, part.strides),
                first: StridedWork.Operand(buffer: arriving.buffer, offset: part.offset),
                result: StridedWork.Operand(buffer: gradient.buffer))
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
            try deliver(gradient, to: step, index)
        }
    }

    /// A part of a tensor that is another tensor.
    private struct Part {
        let extents: [Int]
        let strides: [Int]
        let wholeStrides: [Int]
        /// Where it begins in the whole.
        let offset: Int
    }

    private func parts(of whole: [Int], _ shapes: [[Int]], axis: Int, isRow: Bool) -> [Part] {
        let layout = isRow ? .plain : draft.layout
        let wholeStrides = StridedAxes.lying(whole, layout).map(\.stride)
        // Where the axis is among those of memory.
        let place: Int
        switch layout {
        case .channels_last: place = axis == 1 ? 3 : axis - 1
        case .plain, .any, .blocked16, .blocked8: place = axis
        }
        let block = axis == 1 ? layout.block ?? 1 : 1
        var start = 0
        var result: [Part] = []
        for shape in shapes {
            let view = StridedAxes.lying(shape, layout)
            result.append(
                Part(
                    extents: view.map(\.extent), strides: view.map(\.stride), wholeStrides: wholeStrides,
                    offset: start / block * wholeStrides[place]))
            start += shape[axis]
        }
        return result
    }
}
