import COneDNNShim
import ZooLayerGraphs
import ZooTensors

// How results lie, and how they are brought into other layouts.
extension PlanBuilder {
    /// The value that a step reads, with the flattened order that views give it.
    func operand(of step: LoweredGraph.Step, _ index: Int = 0) throws(ZooError) -> Value {
        guard index < step.inputs.count else { throw unsupported(step) }
        return try value(step.inputs[index])
    }

    func value(_ path: String) throws(ZooError) -> Value {
        let (name, order) = lowered.resolved(path)
        guard let value = values[name] else {
            throw ZooError(.unsupported, "a layer's operand isn't computed", tensor: path)
        }
        return Value(
            dimensions: value.dimensions, order: order ?? value.order, layout: value.layout,
            descriptor: value.descriptor, buffer: value.buffer)
    }

    /// Extents of a layer's result as the kernels see them: `[N, C, H, W]`, or all of a sample in a row.
    func dimensions(of path: String) throws(ZooError) -> [Int] {
        guard let shape = lowered.shapes[path] else { throw lowered.source.unknownPath(path) }
        guard shape.rank != 4 else { return shape.dimensions }
        return [shape[0], shape.dimensions.dropFirst().reduce(1, *)]
    }

    /// The canonical extents of a layer's result.
    func shape(of path: String) throws(ZooError) -> [Int] {
        guard let shape = lowered.shapes[path] else { throw lowered.source.unknownPath(path) }
        return shape.dimensions
    }

    /// A new value in the plan's layout.
    func makeValue(_ dimensions: [Int], order: FlattenOrder? = nil) throws(ZooError) -> Value {
        try makeValue(dimensions, order: order, layout: dimensions.count == 4 ? draft.layout : .plain)
    }

    func makeValue(
        _ dimensions: [Int], order: FlattenOrder?, layout: zoo_dnn_layout
    ) throws(ZooError) -> Value {
        let descriptor = try program.describe(dimensions, layout)
        return Value(
            dimensions: dimensions, order: order, layout: layout, descriptor: descriptor,
            buffer: draft.allocate(byteCount: program.byteCount(of: descriptor)))
    }

    /// New memory for a value that lies like another.
    func makeValue(like value: Value) -> Value {
        var made = value
        made.buffer = draft.allocate(byteCount: program.byteCount(of: value.descriptor))
        return made
    }

    /// The same memory seen under other extents.
    func reinterpreted(
        _ value: Value, _ dimensions: [Int], order: FlattenOrder? = nil, layout: zoo_dnn_layout = .plain
    ) throws(ZooError) -> Value {
        Value(
            dimensions: dimensions, order: order, layout: layout,
            descriptor: try program.describe(dimensions, layout), buffer: value.buffer)
    }

    /// A value brought into another layout, if it isn't in it already.
    func reordered(
        _ value: Value, to layout: zoo_dnn_layout, part: PlanPart, paths: [String]
    ) throws(ZooError) -> Value {
        let descriptor = try program.describe(value.dimensions, layout)
        var result = Value(
            dimensions: value.dimensions, order: value.order, layout: layout, descriptor: descriptor,
            buffer: value.buffer)
        if !liesTheSame(value, descriptor, layout) {
            result.buffer = draft.allocate(byteCount: program.byteCount(of: descriptor))
            try addReorder(
                value.descriptor, value.buffer, to: descriptor, result.buffer, part: part, paths: paths)
        }
        return result
    }

    /// Whether a value's elements already lie as they would in another layout.
    func liesTheSame(_ value: Value, _ descriptor: Descriptor, _ layout: zoo_dnn_layout) -> Bool {
        let isDense = [layout, value.layout].allSatisfy { $0 == .plain || $0 == .channels_last }
        let dimensions = value.dimensions
        // One channel, or one place: nothing to exchange.
        let isOneDimensional =
            dimensions.count == 4 && (dimensions[1] == 1 || dimensions[2] * dimensions[3] == 1)
        return isDense && isOneDimensional || program.areEqual(descriptor, value.descriptor)
    }

    /// The layout in which a value's elements stand in canonical order.
    func canonicalLayout(_ value: Value) -> zoo_dnn_layout {
        value.dimensions.count == 4 && value.order == .channelsLast ? .channels_last : .plain
    }

    // MARK: The forms that layers want their operands in

    /// A feature map in the plan's layout.
    func spread(_ value: Value, _ step: LoweredGraph.Step) throws(ZooError) -> Value {
        guard value.dimensions.count == 4, value.layout != draft.layout else { return value }
        return try reordered(value, to: draft.layout, part: .forward, paths: step.covers)
    }

    /// A value in canonical order, with all of a sample in a row.
    func row(_ value: Value, _ step: LoweredGraph.Step, part: PlanPart = .forward) throws(ZooError) -> Value {
        guard value.dimensions.count == 4 else { return value }
        let canonical = try reordered(value, to: canonicalLayout(value), part: part, paths: step.covers)
        return try reinterpreted(
            canonical, [value.dimensions[0], value.dimensions.dropFirst().reduce(1, *)])
    }

    /// What stands in a row in canonical order as the kernels want a layer's result.
    func unrolled(_ row: Value, as path: String, _ step: LoweredGraph.Step) throws(ZooError) -> Value {
        let dimensions = try dimensions(of: path)
        guard dimensions.count == 4 else { return row }
        return try reordered(
            reinterpreted(row, dimensions), to: draft.layout, part: .forward, paths: step.covers)
    }

    /// A gradient that stands in a row in canonical order, laid out like the value that it belongs to.
    func unrolled(
        _ row: Value, like value: Value, _ step: LoweredGraph.Step
    ) throws(ZooError) -> Value {
        guard value.dimensions.count == 4 else { return row }
        let map = try reinterpreted(
            row, value.dimensions, order: value.order, layout: canonicalLayout(value))
        return try reordered(map, to: value.layout, part: .backward, paths: step.covers)
    }

    /// An operand in which axis 1 of its canonical shape are the channels of a map.
    func channels(of step: LoweredGraph.Step) throws(ZooError) -> (value: Value, map: FeatureMap) {
        let value = try operand(of: step)
        let shape = try shape(of: step.input)
        let isPoint = value.dimensions.count == 4 && value.dimensions[2] * value.dimensions[3] == 1
        if value.dimensions.count == 4, shape.count == 4 || isPoint {
            let spread = try spread(value, step)
            return (spread, FeatureMap(spread.dimensions, layout: spread.layout))
        }
        let row = try row(value, step)
        return (row, FeatureMap(channelsOf: shape))
    }
}

extension FeatureMap {
    /// The map that a tensor of any rank in canonical order is, with axis 1 as its channels.
    init(channelsOf shape: [Int]) {
        let rest = shape.dropFirst(2).reduce(1, *)
        self.init(
            [shape.first ?? 1, shape.count > 1 ? shape[1] : 1, rest, 1],
            layout: rest == 1 ? .channels_last : .plain)
    }
}
