import COneDNNShim
import ZooLayerGraphs
public import ZooTensors

/// A network made ready to run: kernels chosen and compiled, weights in the kernels' layouts, every byte of memory
/// assigned. Made for one batch size and one size of pictures; plans of one model share a ``ParameterStore``.
///
/// A plan never changes. Runs of it follow one another on the engine's thread, whoever asks for them.
public final class ExecutionPlan: @unchecked Sendable {
    /// What the plan was made for.
    public let configuration: PlanConfiguration
    /// The parameters that it computes with.
    public let store: ParameterStore
    /// Shape of the network's result.
    public let outputShape: TensorShape
    /// Layers whose results a run keeps.
    public var keptPaths: Set<String> { Set(slices[0].activations.keys) }
    /// Bytes of memory for results, gradients and scratch.
    public let memoryByteCount: Int
    /// Threads that a run is spread over: the engine's, or 1 where waking the others takes longer than the work.
    public let threads: Int
    /// What ``json`` shows.
    let steps: [PlanStep]
    let layout: zoo_dnn_layout

    /// Parts of the batch that are computed at the same time, each by one thread; one that is computed by all.
    private let slices: [PlanSlice]
    private let programs: [Program]
    private let input: PlanSlice.Port
    private let output: PlanSlice.Port
    private let outputGradient: PlanSlice.Port?
    private let zeroGradients: [String: TensorShape]
    private var repackedVersion = 0

    /// Gives drafts their memory and compiles their kernels.
    /// - Parameters:
    ///   - drafts: one for the whole batch, or one for each slice of it, in order.
    ///   - shapes: of all results, for the whole batch.
    init(
        _ drafts: [PlanDraft], _ shapes: [String: TensorShape], _ configuration: PlanConfiguration,
        store: ParameterStore, threads: Int, _ context: EngineContext
    ) throws(ZooError) {
        var slices: [PlanSlice] = []
        if drafts.count == 1 {
            slices.append(
                try PlanSlice(drafts[0], firstSample: 0, memory: nil, store: store, threads: threads))
        } else {
            slices = try ExecutionPlan.slices(drafts, configuration, store: store)
        }
        guard let first = slices.first else { throw ZooError(.unsupported, "the plan has no samples") }
        func whole(_ port: PlanSlice.Port) throws(ZooError) -> PlanSlice.Port {
            guard drafts.count > 1 else { return port }
            let shape = TensorShape([configuration.batch] + port.shape.dimensions.dropFirst())
            let region = try port.region.slab.region(offset: 0, byteCount: shape.floatByteCount())
            return PlanSlice.Port(shape: shape, region: region)
        }
        self.configuration = configuration
        self.store = store
        self.input = try whole(first.input)
        self.output = try whole(first.output)
        self.outputGradient = if let gradient = first.outputGradient { try whole(gradient) } else { nil }
        self.outputShape = output.shape
        self.threads = threads
        self.memoryByteCount = slices.reduce(0) { $0 + $1.byteCount }
        self.steps = first.steps
        self.layout = drafts[0].layout
        self.slices = slices
        self.programs = slices.map(\.program)
        var zeros: [String: TensorShape] = [:]
        for path in configuration.gradients.activations where first.activationGradients[path] == nil {
            zeros[path] = shapes[path]
        }
        self.zeroGradients = zeros
    }

    /// Slices whose inputs, results and gradients of results lie one after the other, as if there were one.
    private static func slices(
        _ drafts: [PlanDraft], _ configuration: PlanConfiguration, store: ParameterStore
    ) throws(ZooError) -> [PlanSlice] {
        func memory(_ port: (PlanDraft) -> PlanDraft.Port?) throws(ZooError) -> [MemoryRegion] {
            var sizes: [Int] = []
            for draft in drafts {
                guard let port = port(draft) else { return [] }
                sizes.append(try port.shape.floatByteCount())
            }
            let slab = try Slab(byteCount: sizes.reduce(0, +))
            var regions: [MemoryRegion] = []
            var offset = 0
            for size in sizes {
                regions.append(try slab.region(offset: offset, byteCount: size))
                offset += size
            }
            return regions
        }
        let inputs = try memory(\.input)
        let outputs = try memory(\.output)
        let outputGradients = try memory(\.outputGradient)
        guard inputs.count == drafts.count, outputs.count == drafts.count else {
            throw ZooError(.unsupported, "the plan has no input or no output")
        }
        var result: [PlanSlice] = []
        var firstSample = 0
        for (place, draft) in drafts.enumerated() {
            var memory = PlanSlice.Memory(input: inputs[place], output: outputs[place])
            if configuration.purpose == .training {
                memory.outputGradient = outputGradients.isEmpty ? nil : outputGradients[place]
                if place > 0 {
                    let slab = try Slab(byteCount: store.gradients.byteCount)
                    memory.gradients = try slab.region(offset: 0, byteCount: store.gradients.byteCount)
                }
            }
            result.append(
                try PlanSlice(draft, firstSample: firstSample, memory: memory, store: store, threads: 1))
            firstSample += draft.input?.shape[0] ?? 0
        }
        return result
    }

    // MARK: On the engine's thread: what a training loop is made of

    /// Where a run's input is written, `[N, C, H, W]`.
    package var inputMemory: MemoryRegion { input.region }
    /// Where the result stands after a run, in canonical order.
    package var outputMemory: MemoryRegion { output.region }
    /// Where the gradient with respect to the result is written before a backward pass, which overwrites it.
    package var outputGradientMemory: MemoryRegion? { outputGradient?.region }
    /// Positions, in the order of the graph's specifications, of the parameters that get a gradient.
    package var trainablePositions: [Int] { slices[0].trainable.sorted() }
    /// Slices of the batch that are computed at the same time.
    package var sliceCount: Int { slices.count }

    /// Computes the result from what stands in ``inputMemory``.
    package func runForward(_ moment: TrainingMoment?, _ context: EngineContext) throws(ZooError) {
        for slice in slices where slice.calls.needsMoment {
            guard var place = moment else {
                throw ZooError(.invalidArgument, "dropout needs to know its place in the training run")
            }
            place.firstSample &+= UInt64(slice.firstSample)
            slice.calls.set(place, context)
        }
        if repackedVersion != store.version {
            try run(.repack, context)
            repackedVersion = store.version
        }
        try run(.forward, context)
    }

    /// Computes gradients from what stands in ``outputGradientMemory``, after a forward run.
    package func runBackward(_ context: EngineContext) throws(ZooError) {
        guard configuration.purpose == .training else {
            throw ZooError(.invalidArgument, "a plan for inference has no gradients")
        }
        try run(.backward, context)
        try sumGradients(context)
    }

    private func run(_ part: PlanPart, _ context: EngineContext) throws(ZooError) {
        try context.using(threads: slices.count > 1 ? 1 : threads) { () throws(ZooError) in
            if programs.count > 1 {
                try Program.run(part, of: programs, context)
            } else {
                try programs[0].run(part, context)
            }
        }
    }

    /// Adds what the other slices found to the first one's gradients, which are the store's.
    private func sumGradients(_ context: EngineContext) throws(ZooError) {
        for slice in slices {
            guard let found = slice.gradients else { continue }
            for position in slice.trainable {
                let slot = store.slots[position]
                try store.gradients.add(found, in: slot.offset..<(slot.offset + slot.count), context)
            }
        }
    }

    package func forward(
        _ tensor: Tensor, _ moment: TrainingMoment?, _ context: EngineContext
    ) throws(ZooError) -> ForwardResult {
        guard tensor.shape == input.shape else {
            throw ZooError(
                .mismatch, "the input has another shape than the plan was made for",
                tensor: LayerGraph.inputPath, expected: input.shape.description,
                found: tensor.shape.description)
        }
        try input.region.fill(from: tensor, context)
        try runForward(moment, context)
        return ForwardResult(
            output: try output.region.tensor(output.shape, context),
            activations: try tensors(slices[0].activations, context), statistics: try statistics(context))
    }

    package func gradients(
        input tensor: Tensor, outputGradient gradient: Tensor, _ moment: TrainingMoment?,
        _ context: EngineContext
    ) throws(ZooError) -> GradientResult {
        guard let outputGradient else {
            throw ZooError(.invalidArgument, "a plan for inference has no gradients")
        }
        guard gradient.shape == outputGradient.shape else {
            throw ZooError(
                .mismatch, "the output's gradient has another shape than the output",
                tensor: store.graph.output,
                expected: outputGradient.shape.description, found: gradient.shape.description)
        }
        _ = try forward(tensor, moment, context)
        try outputGradient.region.fill(from: gradient, context)
        try runBackward(context)
        var activations = try tensors(slices[0].activationGradients, context)
        for (path, shape) in zeroGradients { activations[path] = try Tensor(zeros: shape) }
        let toInput: Tensor? =
            if let gradient = slices[0].inputGradient {
                try gradient.region.tensor(gradient.shape, context)
            } else {
                configuration.gradients.input ? try Tensor(zeros: input.shape) : nil
            }
        return GradientResult(
            parameters: try parameterGradients(context), input: toInput, activations: activations,
            statistics: try statistics(context))
    }

    /// Running statistics as the last run left them; the store's stay as they are.
    private func statistics(_ context: EngineContext) throws(ZooError) -> ParameterTable {
        var table = ParameterTable()
        for (position, region) in slices[0].statistics.sorted(by: { $0.key < $1.key }) {
            let slot = store.slots[position]
            table[slot.path] = try region.tensor(slot.shape, context)
        }
        return table
    }

    /// Puts the running statistics that the last run left into the store: a step of training does.
    package func keepStatistics(_ context: EngineContext) throws(ZooError) {
        guard !slices[0].statistics.isEmpty else { return }
        for (position, region) in slices[0].statistics {
            let count = store.slots[position].shape.elementCount
            try store.region(.parameter(position)).copy(from: region, count: count, context)
        }
        store.markChanged(context)
    }

    /// Gradients of what learns; zeros for parameters that the output doesn't depend on.
    package func parameterGradients(_ context: EngineContext) throws(ZooError) -> ParameterTable {
        let computed = try store.readGradients(slices[0].trainable, context)
        var table = ParameterTable()
        for slot in store.slots
        where slot.path.role.isLearned && !configuration.frozen.contains(slot.path.node) {
            table[slot.path] =
                if let known = computed[slot.path] { known } else { try Tensor(zeros: slot.shape) }
        }
        return table
    }

    private func tensors(
        _ ports: [String: PlanSlice.Port], _ context: EngineContext
    ) throws(ZooError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (path, port) in ports { result[path] = try port.region.tensor(port.shape, context) }
        return result
    }

    /// Seconds that each operation of a part takes, averaged over runs; input and parameters as they are. Of a plan
    /// with slices, those of the first one alone.
    package func profile(
        _ part: PlanPart, runs: Int, _ context: EngineContext
    ) throws(ZooError) -> [(step: PlanStep, seconds: Double)] {
        let chosen = steps.filter { $0.part == part }
        var seconds = [Double](repeating: 0, count: chosen.count)
        try context.using(threads: slices.count > 1 ? 1 : threads) { () throws(ZooError) in
            for _ in 0..<max(runs, 1) { try programs[0].run(part, timing: &seconds, context) }
        }
        return zip(chosen, seconds).map { ($0, $1 / Double(max(runs, 1))) }
    }
}

extension TensorShape {
    /// Bytes of a tensor of this shape in single precision.
    fileprivate func floatByteCount() throws(ZooError) -> Int {
        try Checked.product(elementCount, MemoryLayout<Float>.stride)
    }
}
