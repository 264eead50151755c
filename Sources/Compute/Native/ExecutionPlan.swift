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
    public var keptPaths: Set<String> { Set(activations.keys) }
    /// Bytes of memory for results, gradients and scratch.
    public let memoryByteCount: Int
    /// Threads that a run is spread over: the engine's, or 1 where waking the others takes longer than the work.
    public let threads: Int
    /// What ``json`` shows.
    let steps: [PlanStep]
    let layout: zoo_dnn_layout

    private let program: Program
    private let calls: KernelCalls
    private let arena: Slab
    private let input: Port
    private let output: Port
    private let outputGradient: Port?
    private let activations: [String: Port]
    private let inputGradient: Port?
    private let activationGradients: [String: Port]
    private let zeroGradients: [String: TensorShape]
    private let trainable: [Int]
    private var repackedVersion = 0

    private struct Port {
        let shape: TensorShape
        let region: MemoryRegion
    }

    /// Gives a draft its memory and compiles its kernels.
    init(
        _ draft: PlanDraft, _ lowered: LoweredGraph, _ configuration: PlanConfiguration,
        store: ParameterStore, threads: Int, _ context: EngineContext
    ) throws(ZooError) {
        let memory = try MemoryPlan(draft.buffers)
        let arena = try Slab(byteCount: memory.byteCount)
        func region(_ index: PlanDraft.BufferIndex) throws(ZooError) -> MemoryRegion {
            let buffer = draft.buffers[index]
            guard let offset = memory.offsets[index] else { return try store.region(buffer.home) }
            return try arena.region(offset: offset, byteCount: buffer.byteCount)
        }
        func port(_ port: PlanDraft.Port) throws(ZooError) -> Port {
            Port(shape: port.shape, region: try region(port.buffer))
        }
        func ports(_ ports: [String: PlanDraft.Port]) throws(ZooError) -> [String: Port] {
            var result: [String: Port] = [:]
            for (path, value) in ports { result[path] = try port(value) }
            return result
        }
        let calls = KernelCalls()
        var steps: [PlanStep] = []
        for operation in draft.operations {
            let index: OperationIndex
            switch operation.work {
            case .primitive(let primitive, let bindings):
                index = primitive
                for binding in bindings {
                    try draft.program.bind(
                        primitive, binding.argument, binding.descriptor, to: region(binding.buffer))
                }
                try draft.program.prepare(primitive)
            case .dropout(let work, let isForward):
                index = try calls.add(
                    work, isForward: isForward, threads: threads, to: draft.program, region)
            case .average(let work, let isForward):
                index = try calls.add(
                    work, isForward: isForward, threads: threads, to: draft.program, region)
            }
            try draft.program.schedule(index, in: operation.part)
            steps.append(PlanStep(operation, kernel: draft.program.kernel(of: index)))
        }
        guard let input = draft.input, let output = draft.output else {
            throw ZooError(.unsupported, "the plan has no input or no output")
        }
        self.configuration = configuration
        self.store = store
        self.outputShape = output.shape
        self.threads = threads
        self.memoryByteCount = memory.byteCount
        self.steps = steps
        self.layout = draft.layout
        self.program = draft.program
        self.calls = calls
        self.arena = arena
        self.input = try port(input)
        self.output = try port(output)
        self.outputGradient = if let gradient = draft.outputGradient { try port(gradient) } else { nil }
        self.activations = try ports(draft.activations)
        self.inputGradient = if let gradient = draft.inputGradient { try port(gradient) } else { nil }
        self.activationGradients = try ports(draft.activationGradients)
        var zeros: [String: TensorShape] = [:]
        for path in configuration.gradients.activations where draft.activationGradients[path] == nil {
            zeros[path] = lowered.shapes[path]
        }
        self.zeroGradients = zeros
        self.trainable = draft.trainable
    }

    // MARK: On the engine's thread: what a training loop is made of

    /// Where a run's input is written, `[N, C, H, W]`.
    package var inputMemory: MemoryRegion { input.region }
    /// Where the result stands after a run, in canonical order.
    package var outputMemory: MemoryRegion { output.region }
    /// Where the gradient with respect to the result is written before a backward pass, which overwrites it.
    package var outputGradientMemory: MemoryRegion? { outputGradient?.region }
    /// Positions, in the order of the graph's specifications, of the parameters that get a gradient.
    package var trainablePositions: [Int] { trainable.sorted() }

    /// Computes the result from what stands in ``inputMemory``.
    package func runForward(_ moment: TrainingMoment?, _ context: EngineContext) throws(ZooError) {
        if calls.needsMoment {
            guard let moment else {
                throw ZooError(.invalidArgument, "dropout needs to know its place in the training run")
            }
            calls.set(moment, context)
        }
        try context.using(threads: threads) { () throws(ZooError) in
            if repackedVersion != store.version {
                try program.run(.repack, context)
                repackedVersion = store.version
            }
            try program.run(.forward, context)
        }
    }

    /// Computes gradients from what stands in ``outputGradientMemory``, after a forward run.
    package func runBackward(_ context: EngineContext) throws(ZooError) {
        guard configuration.purpose == .training else {
            throw ZooError(.invalidArgument, "a plan for inference has no gradients")
        }
        try context.using(threads: threads) { () throws(ZooError) in
            try program.run(.backward, context)
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
            activations: try tensors(activations, context))
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
        var activations = try tensors(activationGradients, context)
        for (path, shape) in zeroGradients { activations[path] = try Tensor(zeros: shape) }
        let toInput: Tensor? =
            if let inputGradient { try inputGradient.region.tensor(inputGradient.shape, context) } else {
                nil
            }
        return GradientResult(
            parameters: try parameterGradients(context), input: toInput, activations: activations)
    }

    /// Gradients of what learns; zeros for parameters that the output doesn't depend on.
    package func parameterGradients(_ context: EngineContext) throws(ZooError) -> ParameterTable {
        let computed = try store.readGradients(trainable, context)
        var table = ParameterTable()
        for slot in store.slots where !configuration.frozen.contains(slot.path.node) {
            table[slot.path] =
                if let known = computed[slot.path] { known } else { try Tensor(zeros: slot.shape) }
        }
        return table
    }

    private func tensors(
        _ ports: [String: Port], _ context: EngineContext
    ) throws(ZooError) -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for (path, port) in ports { result[path] = try port.region.tensor(port.shape, context) }
        return result
    }

    /// Seconds that each operation of a part takes, averaged over runs; input and parameters as they are.
    package func profile(
        _ part: PlanPart, runs: Int, _ context: EngineContext
    ) throws(ZooError) -> [(step: PlanStep, seconds: Double)] {
        let chosen = steps.filter { $0.part == part }
        var seconds = [Double](repeating: 0, count: chosen.count)
        try context.using(threads: threads) { () throws(ZooError) in
            for _ in 0..<max(runs, 1) { try program.run(part, timing: &seconds, context) }
        }
        return zip(chosen, seconds).map { ($0, $1 / Double(max(runs, 1))) }
    }
}
