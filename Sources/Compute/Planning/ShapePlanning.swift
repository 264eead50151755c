import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

// Layers that move elements: padding, cropping, enlargement, other shapes and orders.
extension PlanBuilder {
    // MARK: Padding and cropping

    /// Adds the sides to a map, or takes them off.
    func window(_ step: LoweredGraph.Step, _ sides: Padding, isPadding: Bool) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(dimensions(of: step.path))
        let work = isPadding ? moving(source, into: result, sides) : taking(result, outOf: source, sides)
        addOwn(step, work, [source], result)
    }

    func windowBackward(
        _ step: LoweredGraph.Step, _ sides: Padding, isPadding: Bool, _ flow: Flow, _ trace: Trace
    ) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        let gradient = makeValue(like: source)
        let work =
            isPadding ? taking(gradient, outOf: flow.value, sides) : moving(flow.value, into: gradient, sides)
        add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        try deliver(gradient, to: step)
    }

    /// A map put into a larger one, with zeros around it.
    func moving(_ small: Value, into large: Value, _ sides: Padding) -> StridedWork {
        let (axes, offset) = place(of: small, in: large, sides, isFirst: true)
        return StridedWork(
            axes: axes, first: StridedWork.Operand(buffer: small.buffer),
            result: StridedWork.Operand(buffer: large.buffer, offset: offset), clears: floatCount(large))
    }

    /// A map cut out of a larger one.
    func taking(_ small: Value, outOf large: Value, _ sides: Padding) -> StridedWork {
        let (axes, offset) = place(of: small, in: large, sides, isFirst: false)
        return StridedWork(
            axes: axes, first: StridedWork.Operand(buffer: large.buffer, offset: offset),
            result: StridedWork.Operand(buffer: small.buffer))
    }

    private func place(
        of small: Value, in large: Value, _ sides: Padding, isFirst: Bool
    ) -> (axes: StridedAxes, offset: Int) {
        let inner = StridedAxes.lying(small.dimensions, small.layout)
        let outer = StridedAxes.lying(large.dimensions, large.layout).map(\.stride)
        let (row, column) = FeatureMap.axes(of: small.layout)
        let strides = inner.map(\.stride)
        return (
            axes(inner.map(\.extent), isFirst ? strides : outer, nil, isFirst ? outer : strides),
            sides.top * outer[row] + sides.left * outer[column]
        )
    }

    /// Floats of a value's memory, padding included.
    func floatCount(_ value: Value) -> Int {
        program.byteCount(of: value.descriptor) / MemoryLayout<Float>.stride
    }

    // MARK: Enlargement

    func upsampling(_ step: LoweredGraph.Step, _ layer: Upsampling) throws(ZooError) {
        let source = try spread(operand(of: step), step)
        let result = try makeValue(dimensions(of: step.path))
        guard layer.interpolation != .nearest else {
            let work = StridedWork(
                axes: repeated(source, layer.factor, isBackward: false),
                first: StridedWork.Operand(buffer: source.buffer),
                result: StridedWork.Operand(buffer: result.buffer))
            return addOwn(step, work, [source], result)
        }
        let work = InterpolationWork(
            alignsCorners: layer.interpolation == .bilinearAlignedCorners,
            operandMap: FeatureMap(source.dimensions, layout: source.layout),
            resultMap: FeatureMap(result.dimensions, layout: result.layout), operand: source.buffer,
            result: result.buffer)
        addOwn(step, work, [source], result)
    }

    func upsamplingBackward(
        _ step: LoweredGraph.Step, _ layer: Upsampling, _ flow: Flow, _ trace: Trace
    ) throws(ZooError) {
        guard let source = trace.sources.first else { throw unsupported(step) }
        let gradient = makeValue(like: source)
        if var work = trace.kernel as? InterpolationWork {
            work.operand = gradient.buffer
            work.result = flow.value.buffer
            work.isForward = false
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        } else {
            let work = StridedWork(
                axes: repeated(source, layer.factor, isBackward: true), isSum: true,
                first: StridedWork.Operand(buffer: flow.value.buffer),
                result: StridedWork.Operand(buffer: gradient.buffer))
            add(work, part: .backward, step, "\(step.title), gradient", like: gradient)
        }
        try deliver(gradient, to: step)
    }

    /// Axes of a map of which each row and column is repeated, or backward summed.
    private func repeated(_ source: Value, _ factor: Extent, isBackward: Bool) -> StridedAxes {
        var large = source.dimensions
        large[2] *= factor.height
        large[3] *= factor.width
        let outer = StridedAxes.lying(large, source.layout)
        let (row, column) = FeatureMap.axes(of: source.layout)
        var axes: [StridedAxes.Axis] = []
        func add(_ extent: Int, small: Int, large: Int) {
            let (first, result) = isBackward ? (large, small) : (small, large)
            axes.append(StridedAxes.Axis(extent: extent, first: first, second: first, result: result))
        }
        for (index, axis) in StridedAxes.lying(source.dimensions, source.layout).enumerated() {
            let times = index == row ? factor.height : index == column ? factor.width : 1
            add(axis.extent, small: axis.stride, large: outer[index].stride * times)
            if times > 1 { add(times, small: 0, large: outer[index].stride) }
        }
        return StridedAxes(axes: axes)
    }

    // MARK: Other shapes and orders

    /// Also what flattens values that don't lie in the order that is asked for.
    func reshape(_ step: LoweredGraph.Step, _ order: FlattenOrder) throws(ZooError) {
        let source = try row(operand(of: step), step)
        var result = source
        if order == .channelsLast {
            let shapes = try (from: shape(of: step.input), to: shape(of: step.path))
            let last = permuted(
                source, shapes.from, FlattenOrder.channelsLastAxes(shapes.from.count), step, part: .forward)
            result = permuted(
                last, FlattenOrder.channelsLastAxes(shapes.to.count).map { shapes.to[$0] },
                FlattenOrder.channelsFirstAxes(shapes.to.count), step, part: .forward)
        }
        values[step.output] = try unrolled(result, as: step.path, step)
        traces[step.output] = Trace(sources: [source])
    }

    func reshapeBackward(
        _ step: LoweredGraph.Step, _ order: FlattenOrder, _ flow: Flow
    ) throws(ZooError) {
        let arriving = try row(flow.value, step, part: .backward)
        guard order == .channelsLast else {
            let isOwned = flow.isOwned || arriving.buffer != flow.value.buffer
            return try deliver(arriving, to: step, isOwned: isOwned)
        }
        let shapes = try (from: shape(of: step.input), to: shape(of: step.path))
        let last = permuted(
            arriving, shapes.to, FlattenOrder.channelsLastAxes(shapes.to.count), step, part: .backward)
        let gradient = permuted(
            last, FlattenOrder.channelsLastAxes(shapes.from.count).map { shapes.from[$0] },
            FlattenOrder.channelsFirstAxes(shapes.from.count), step, part: .backward)
        try deliver(gradient, to: step)
    }

    func permute(_ step: LoweredGraph.Step, _ order: [Int]) throws(ZooError) {
        let source = try row(operand(of: step), step)
        let result = permuted(source, try shape(of: step.input), order, step, part: .forward)
        values[step.output] = try unrolled(result, as: step.path, step)
        traces[step.output] = Trace(sources: [source])
    }

    func permuteBackward(_ step: LoweredGraph.Step, _ order: [Int], _ flow: Flow) throws(ZooError) {
        let arriving = try row(flow.value, step, part: .backward)
        let inverse = order.indices.map { axis in order.firstIndex(of: axis) ?? axis }
        let gradient = permuted(arriving, try shape(of: step.path), inverse, step, part: .backward)
        try deliver(gradient, to: step)
    }

    /// A copy in a row whose axes stand in another order: axis `i` of it is axis `order[i]` of the original.
    private func permuted(
        _ row: Value, _ shape: [Int], _ order: [Int], _ step: LoweredGraph.Step, part: PlanPart
    ) -> Value {
        let from = StridedAxes.lying(shape, .plain).map(\.stride)
        let to = StridedAxes.lying(order.map { shape[$0] }, .plain)
        let result = makeValue(like: row)
        let work = StridedWork(
            axes: axes(to.map(\.extent), order.map { from[$0] }, nil, to.map(\.stride)),
            first: StridedWork.Operand(buffer: row.buffer),
            result: StridedWork.Operand(buffer: result.buffer))
        add(work, part: part, step, "\(step.title), other order", like: result)
        return result
    }
}

extension FlattenOrder {
    /// The axes in the order that puts channels, axis 1, last.
    fileprivate static func channelsLastAxes(_ rank: Int) -> [Int] { [0] + (2..<max(rank, 2)) + [1] }
    /// The order that puts them back.
    fileprivate static func channelsFirstAxes(_ rank: Int) -> [Int] {
        [0, rank - 1] + (1..<max(rank - 1, 1))
    }
}

extension FeatureMap {
    /// Which axes of a map's memory are its rows and its columns.
    fileprivate static func axes(of layout: zoo_dnn_layout) -> (row: Int, column: Int) {
        switch layout {
        case .channels_last: (1, 2)
        case .plain, .any, .blocked16, .blocked8: (2, 3)
        }
    }
}
