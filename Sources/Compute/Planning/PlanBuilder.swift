import COneDNNShim
import ZooLayerGraphs
import ZooTensors

/// Makes a draft: walks the lowered graph once forward and, for training, once backward, and asks oneDNN for a
/// kernel at each step.
final class PlanBuilder {
    /// A step's result.
    struct Value {
        /// As the kernels see it: `[N, C, H, W]`, or `[N, F]` for a value of any other rank.
        let dimensions: [Int]
        /// The order in which a layer flattened it, if one did.
        let order: FlattenOrder?
        let layout: zoo_dnn_layout
        let descriptor: Descriptor
        var buffer: PlanDraft.BufferIndex

        var count: Int { dimensions.reduce(1, *) }
    }

    /// What a step's backward pass needs to know of its forward pass.
    struct Trace {
        var operation = OperationIndex.none
        var weights: Descriptor?
        var workspace: PlanDraft.Binding?
        /// The operands of a kernel of ours.
        var kernel: (any KernelWork)?
        /// The operands, which may have been brought into other layouts than their values'.
        var sources: [Value] = []
        /// How several operands lie to each other.
        var alignment: Alignment?
        /// Multiply-adds.
        var work = 0.0
    }

    /// A gradient on its way down.
    struct Flow {
        var value: Value
        /// Whether nobody else reads it, so that it may be changed in place.
        var isOwned: Bool
    }

    let lowered: LoweredGraph
    let configuration: PlanConfiguration
    let store: ParameterLayouts?
    let draft: PlanDraft
    let positions: [ParameterPath: Int]
    var values: [String: Value] = [:]
    var traces: [String: Trace] = [:]
    /// Gradients with respect to results, summed over the readers that were visited so far.
    var flows: [String: Flow] = [:]
    /// Parameters whose resident layout is fixed: all of them once there is a store.
    var decided: Set<Int> = []
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
        self.learning = lowered.learning
    }

    var program: Program { draft.program }

    func build() throws(ZooError) -> PlanDraft {
        draft.parameters = try initialParameters()
        try addInput()
        for step in lowered.steps { try forward(step) }
        for path in configuration.keeping { draft.activations[path] = try port(path) }
        draft.output = try port(lowered.source.output)
        if configuration.purpose == .training { try backward() }
        return draft
    }

    /// Whether the gradient with respect to a layer's result is needed.
    func needsGradient(of path: String) -> Bool {
        let value = lowered.resolved(path).value
        guard value == LayerGraph.inputPath else { return learning.contains(value) }
        return configuration.gradients.input
            || configuration.gradients.activations.contains { lowered.resolved($0).value == value }
    }

    /// Row-major layouts for parameters of layers that this plan doesn't compute, and of those that no kernel of
    /// oneDNN's reads.
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
        _ bindings: [PlanDraft.Binding], layout: String, weights: String? = nil, multiplyAdds: Double = 0
    ) throws(ZooError) {
        var bindings = bindings
        if let scratch = try program.describe(.scratchpad, of: operation) {
            let buffer = draft.allocate(byteCount: program.byteCount(of: scratch))
            bindings.append(PlanDraft.Binding(argument: .scratchpad, descriptor: scratch, buffer: buffer))
        }
        draft.add(
            PlanDraft.Operation(
                part: part, paths: paths, title: title, work: .primitive(operation, bindings), layout: layout,
                weights: weights, multiplyAdds: multiplyAdds))
    }

    /// Adds a kernel of ours.
    func add(
        _ work: any KernelWork, part: PlanPart, _ step: LoweredGraph.Step, _ title: String, like value: Value
    ) {
        draft.add(
            PlanDraft.Operation(
                part: part, paths: step.covers, title: title, work: .kernel(work),
                layout: program.text(of: value.descriptor)))
    }

    func unsupported(_ step: LoweredGraph.Step) -> ZooError {
        ZooError(.unsupported, "\(OneDNN.version) has no kernel for this layer", tensor: step.path)
    }
}
