import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

/// Work of a kernel of ours. Several kinds of layers may use one kernel.
protocol KernelWork {
    /// Buffers that it reads or writes.
    var buffers: [PlanDraft.BufferIndex] { get }
    /// Makes the operation, now that the buffers have their memory.
    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex
}

/// The operands of kernels of ours, which the program refers to by address for as long as the plan lives.
@safe final class KernelCalls {
    private var contexts: [UnsafeMutableRawPointer]
    private var dropouts: [(work: DropoutWork, call: UnsafeMutablePointer<zoo_dropout>)]

    init() {
        unsafe contexts = []
        unsafe dropouts = []
    }

    deinit {
        for index in unsafe contexts.indices { unsafe contexts[index].deallocate() }
    }

    /// Memory for plain C structs and numbers.
    @unsafe fileprivate func keep<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: max(values.count, 1))
        unsafe memory.initialize(from: values, count: values.count)
        unsafe contexts.append(UnsafeMutableRawPointer(memory))
        return unsafe memory
    }

    /// Notes a dropout layer, whose mask is drawn anew for every moment.
    @unsafe fileprivate func note(_ work: DropoutWork, _ call: UnsafeMutablePointer<zoo_dropout>) {
        unsafe dropouts.append((work, call))
    }

    /// Whether a run needs to know its place in a training run.
    var needsMoment: Bool { unsafe !dropouts.isEmpty }

    /// Points the dropout layers at a place in a training run.
    func set(_ moment: TrainingMoment, _ context: EngineContext) {
        for index in unsafe dropouts.indices {
            let dropout = unsafe dropouts[index]
            let work = unsafe dropout.work
            let mask = DropoutMask(path: work.path, probability: work.probability, moment: moment)
            unsafe dropout.call.pointee.key = (mask.stream.philoxKey.0, mask.stream.philoxKey.1)
            unsafe dropout.call.pointee.step = mask.stream.step
            unsafe dropout.call.pointee.start = mask.start(
                sample: 0, elementsPerSample: work.unitsPerSample)
        }
    }
}

/// What kernels of ours are made with.
struct KernelMaker {
    let calls: KernelCalls
    let program: Program
    let threads: Int32
    let region: (PlanDraft.BufferIndex) throws(ZooError) -> MemoryRegion

    /// Where a buffer begins, or so many floats later; `nil` for no buffer.
    @unsafe func floats(
        _ buffer: PlanDraft.BufferIndex?, offset: Int = 0
    ) throws(ZooError) -> UnsafeMutablePointer<Float>? {
        guard let buffer else { return nil }
        return unsafe try region(buffer).address.assumingMemoryBound(to: Float.self) + offset
    }

    @unsafe func doubles(
        _ buffer: PlanDraft.BufferIndex?
    ) throws(ZooError) -> UnsafeMutablePointer<Double>? {
        guard let buffer else { return nil }
        return unsafe try region(buffer).address.assumingMemoryBound(to: Double.self)
    }

    /// Numbers that are part of the network's description; `nil` for none.
    @unsafe func constants(_ numbers: [Double]?) -> UnsafePointer<Float>? {
        guard let numbers else { return nil }
        return unsafe UnsafePointer(calls.keep(numbers.map { Float($0) }))
    }

    /// The operation of a function with its operands.
    @unsafe func call<Context>(
        _ function: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ context: Context
    ) throws(ZooError) -> OperationIndex {
        try unsafe program.call(function, calls.keep([context]))
    }

    /// The same for a dropout layer.
    @unsafe func call(
        _ function: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ context: zoo_dropout,
        _ work: DropoutWork
    ) throws(ZooError) -> OperationIndex {
        let call = unsafe calls.keep([context])
        unsafe calls.note(work, call)
        return try unsafe program.call(function, call)
    }
}

extension zoo_map {
    init(_ map: FeatureMap) {
        let block: Int32 =
            switch map.layout {
            case .blocked16: 16
            case .blocked8: 8
            case .channels_last: -1
            case .plain, .any: 0
            }
        self.init(
            batch: Int64(map.batch), channels: Int64(map.channels), height: Int64(map.height),
            width: Int64(map.width), block: block)
    }
}
