import COneDNNShim
import ZooLayerGraphs
import ZooTensors

/// Makes a draft: walks the lowered graph once forward and, for training, once backward, and asks oneDNN for a
/// kernel at each step.
final class PlanBuilder {
    /// A step's result.
    struct Value {
        /// As the kernels see it: `[N, C, H, W]` or `[N, F]`.
        let dimensions: [Int]
        /// The order in which a layer flattened it, if one did.
        let order: FlattenOrder?
        let layout: zoo_dnn_layout
        let descriptor: Descriptor
        var buffer: PlanDraft.BufferIndex
    }

    /// What a step's backward pass needs to know of its forward pass.
    struct Trace {
        var operation = OperationIndex.none
        var weights: Descriptor?
        var workspace: PlanDraft.Binding?
        var dropout: PlanDraft.DropoutWork?
        var average: PlanDraft.AverageWork?
        /// The operand, which may have been brought into another layout than its value's.
        var source: Value?
        /// Multiply-adds.
        var work = 0.0
    }

    let lowered: LoweredGraph
    let configuration: PlanConfiguration
    let store: ParameterLayouts?
    let draft: PlanDraft
    let positions: [ParameterPath: Int]
    var values: [String: Value] = [:]
    var traces: [String: Trace] = [:]
    /// Steps whose forward pass must keep what a backward pass needs.
    let learning: Set<String>

    /// - Parameters:
    ///   - layout: of feature maps between layers.
    ///   - store: the resident layouts, if they are already fixed.
    init(
        _ lowered: LoweredGraph, _ configuration: PlanConfiguration, layout: zoo_dnn_layout,
        store: ParameterLayouts?
    ) throws(ZooError) {
        self.lowered = lowered
        self.configuration = configuration
        self.store = store
        self.draft = try PlanDraft(layout: layout)
        var positions: [ParameterPath: Int] = [:]
        for (position, specification) in lowered.source.parameters.enumerated() {
            positions[specification.path] = position
        }
        self.positions = positions
        self.learning = configuration.purpose == .training ? PlanBuilder.learning(lowered, configuration) : []
    }

    var program: Program { draft.program }

    func build() throws(ZooError) -> PlanDraft {
        draft.parameters = try initialParameters()
        try addInput()
        for step in lowered.steps { try forward(step) }
        for path in lowered.kept { draft.activations[path] = try port(path) }
        draft.output = try port(lowered.source.output)
        if configuration.purpose == .training { try backward() }
        return draft
    }

    /// The steps that a gradient passes through: those on the way from the output down to the lowest that learns,
    /// or at which a gradient is asked for.
    private static func learning(_ lowered: LoweredGraph, _ configuration: PlanConfiguration) -> Set<String> {
        let ancestors = LoweredGraph.ancestors(of: lowered.source.output, in: lowered.source)
        let wanted = Set(configuration.gradients.activations.map { lowered.resolved($0).value })
        var needed: Set<String> = []
        if configuration.gradients.input || wanted.contains(LayerGraph.inputPath) {
            needed.insert(LayerGraph.inputPath)
        }
        var learning: Set<String> = []
        for step in lowered.steps where ancestors.contains(step.path) {
            let layer = lowered.source[step.path]?.layer
            let hasParameters = layer.map { !$0.parameterShapes.isEmpty } ?? false
            let learns = hasParameters && !lowered.frozen.contains(step.path)
            let isWanted = step.covers.contains { wanted.contains($0) }
            let passesOn = needed.contains(lowered.resolved(step.input).value)
            if learns || isWanted || passesOn {
                needed.insert(step.output)
                learning.insert(step.output)
            }
        }
        return learning
    }

    /// Whether the gradient with respect to a step's operand is needed.
    func needsGradient(of value: String) -> Bool {
        if value == LayerGraph.inputPath {
            return configuration.gradients.input
                || configuration.gradients.activations.contains(LayerGraph.inputPath)
        }
        return learning.contains(value)
    }

    /// Row-major layouts for parameters of layers that this plan doesn't compute.
    private func initialParameters() throws(ZooError) -> [PlannedParameter] {
        var result: [PlannedParameter] = []
        for specification in lowered.source.parameters {
            let dimensions = specification.shape.dimensions
            result.append(
                PlannedParameter(
                    dimensions: dimensions, isChannelsLast: false,
                    descriptor: try program.describe(dimensions, .plain)))
        }
        return result
    }

    private func addInput() throws(ZooError) {
        guard let shape = lowered.shapes[LayerGraph.inputPath] else { return }
        let descriptor = try program.describe(shape.dimensions, .plain)
        let buffer = draft.allocate(byteCount: program.byteCount(of: descriptor))
        draft.keepForever(buffer)
        draft.input = PlanDraft.Port(shape: shape, buffer: buffer)
        values[LayerGraph.inputPath] = Value(
            dimensions: shape.dimensions, order: nil, layout: .plain, descriptor: descriptor, buffer: buffer)
    }

    // MARK: Values

    /// The value that a step reads, with the flattened order that views give it.
    func operand(of step: LoweredGraph.Step) throws(ZooError) -> Value { try value(step.input) }

    func value(_ path: String) throws(ZooError) -> Value {
        let (name, order) = lowered.resolved(path)
        guard let value = values[name] else {
            throw ZooError(.unsupported, "a layer's operand isn't computed", tensor: path)
        }
        return Value(
            dimensions: value.dimensions, order: order ?? value.order, layout: value.layout,
            descriptor: value.descriptor, buffer: value.buffer)
    }

    /// A new value in the plan's layout.
    func makeValue(_ dimensions: [Int], order: FlattenOrder?) throws(ZooError) -> Value {
        let layout = dimensions.count == 4 ? draft.layout : .plain
        let descriptor = try program.describe(dimensions, layout)
        return Value(
            dimensions: dimensions, order: order, layout: layout, descriptor: descriptor,
            buffer: draft.allocate(byteCount: program.byteCount(of: descriptor)))
    }

    /// A value brought into another layout, if it isn't in it already.
    func reordered(
        _ value: Value, to layout: zoo_dnn_layout, part: PlanPart, paths: [String]
    ) throws(ZooError) -> Value {
        let descriptor = try program.describe(value.dimensions, layout)
        if liesTheSame(value, descriptor, layout) {
            return Value(
                dimensions: value.dimensions, order: value.order, layout: layout, descriptor: descriptor,
                buffer: value.buffer)
        }
        let buffer = draft.allocate(byteCount: program.byteCount(of: descriptor))
        try addReorder(value.descriptor, value.buffer, to: descriptor, buffer, part: part, paths: paths)
        return Value(
            dimensions: value.dimensions, order: value.order, layout: layout, descriptor: descriptor,
            buffer: buffer)
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

    /// A place from which a layer's result can be read in canonical order after a run.
    private func port(_ path: String) throws(ZooError) -> PlanDraft.Port {
        let value = try value(path)
        let canonical = try reordered(value, to: canonicalLayout(value), part: .forward, paths: [path])
        draft.keepForever(canonical.buffer)
        return PlanDraft.Port(shape: lowered.shapes[path] ?? [], buffer: canonical.buffer)
    }

    // MARK: Operations

    func addReorder(
        _ source: Descriptor, _ from: PlanDraft.BufferIndex, to destination: Descriptor,
        _ to: PlanDraft.BufferIndex, part: PlanPart, paths: [String], title: String = "reorder"
    ) throws(ZooError) {
        let operation = try program.reorder(from: source, to: destination)
        draft.cost += Double(program.byteCount(of: destination) / 4) * KernelCosts.reorder
        try add(
            operation, part: part, paths: paths, title: title,
            [
                PlanDraft.Binding(argument: .source, descriptor: source, buffer: from),
                PlanDraft.Binding(argument: .destination, descriptor: destination, buffer: to),
            ], layout: "\(program.text(of: source)) to \(program.text(of: destination))")
    }

    /// Adds a kernel of oneDNN's, with the scratch memory that it wants.
    func add(
        _ operation: OperationIndex, part: PlanPart, paths: [String], title: String,
        _ bindings: [PlanDraft.Binding], layout: String, weights: String? = nil
    ) throws(ZooError) {
        var bindings = bindings
        if let scratch = try program.describe(.scratchpad, of: operation) {
            let buffer = draft.allocate(byteCount: program.byteCount(of: scratch))
            bindings.append(PlanDraft.Binding(argument: .scratchpad, descriptor: scratch, buffer: buffer))
        }
        draft.add(
            PlanDraft.Operation(
                part: part, paths: paths, title: title, work: .primitive(operation, bindings), layout: layout,
                weights: weights))
    }

    /// The shape of a value with this many channels or features and the canonical shape of `path`.
    func dimensions(of path: String) throws(ZooError) -> [Int] {
        guard let shape = lowered.shapes[path] else { throw lowered.source.unknownPath(path) }
        return shape.dimensions
    }
}
