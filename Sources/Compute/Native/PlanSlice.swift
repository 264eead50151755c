import COneDNNShim
import ZooTensors

/// A plan's kernels and memory for some of its samples: for all of them, or, where a plan works on several slices of
/// its batch at the same time, for one thread's.
///
/// Slices share the resident parameters. Each has its own copies of what kernels repack, and all but the first have
/// gradients of their own, which are summed in the slices' order.
final class PlanSlice {
    /// A tensor that is handed in or out.
    struct Port {
        let shape: TensorShape
        let region: MemoryRegion
    }

    /// Memory that a slice is given where it would have its own.
    struct Memory {
        var input: MemoryRegion
        var output: MemoryRegion
        var outputGradient: MemoryRegion?
        /// Laid out like the store's; `nil` for the store's.
        var gradients: MemoryRegion?
    }

    /// Samples of the batch that come before.
    let firstSample: Int
    let steps: [PlanStep]
    let input: Port
    let output: Port
    let outputGradient: Port?
    let activations: [String: Port]
    let inputGradient: Port?
    let activationGradients: [String: Port]
    /// Parameters, by position, whose gradients the backward part gives.
    let trainable: [Int]
    /// Running statistics, by the parameter's position, as the last training pass left them.
    let statistics: [Int: MemoryRegion]
    let gradients: MemoryRegion?
    let program: Program
    let calls: KernelCalls
    private let arena: Slab

    /// Gives a draft its memory and compiles its kernels.
    init(
        _ draft: PlanDraft, firstSample: Int, memory given: Memory?, store: ParameterStore, threads: Int
    ) throws(ZooError) {
        guard let input = draft.input, let output = draft.output else {
            throw ZooError(.unsupported, "the plan has no input or no output")
        }
        let memory = try MemoryPlan(draft.buffers)
        let arena = try Slab(byteCount: memory.byteCount)
        func region(_ index: PlanDraft.BufferIndex) throws(ZooError) -> MemoryRegion {
            let buffer = draft.buffers[index]
            if let given {
                if index == input.buffer { return given.input }
                if index == output.buffer { return given.output }
                if index == draft.outputGradient?.buffer, let gradient = given.outputGradient {
                    return gradient
                }
            }
            guard let offset = memory.offsets[index] else {
                return try store.region(buffer.home, gradients: given?.gradients)
            }
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
        let maker = KernelMaker(
            calls: calls, program: draft.program, threads: Int32(clamping: threads), region: region)
        var steps: [PlanStep] = []
        for operation in draft.operations {
            let index: OperationIndex
            var byteCount = 0
            switch operation.work {
            case .primitive(let primitive, let bindings):
                index = primitive
                for binding in bindings where binding.argument != .scratchpad {
                    byteCount += draft.program.byteCount(of: binding.descriptor)
                }
                for binding in bindings {
                    try draft.program.bind(
                        primitive, binding.argument, binding.descriptor, to: region(binding.buffer))
                }
                try draft.program.prepare(primitive)
            case .kernel(let work):
                index = try work.operation(maker)
                for buffer in Set(work.buffers) { byteCount += try region(buffer).byteCount }
            }
            try draft.program.schedule(index, in: operation.part)
            steps.append(PlanStep(operation, kernel: draft.program.kernel(of: index), byteCount: byteCount))
        }
        self.firstSample = firstSample
        self.steps = steps
        self.input = try port(input)
        self.output = try port(output)
        self.outputGradient = if let gradient = draft.outputGradient { try port(gradient) } else { nil }
        self.activations = try ports(draft.activations)
        self.inputGradient = if let gradient = draft.inputGradient { try port(gradient) } else { nil }
        self.activationGradients = try ports(draft.activationGradients)
        self.trainable = draft.trainable
        var statistics: [Int: MemoryRegion] = [:]
        for (position, buffer) in draft.statistics { statistics[position] = try region(buffer) }
        self.statistics = statistics
        self.gradients = given?.gradients
        self.program = draft.program
        self.calls = calls
        self.arena = arena
    }

    /// Bytes of memory for results and scratch.
    var byteCount: Int { arena.byteCount + (gradients?.byteCount ?? 0) }
}
