import COneDNNShim
import CZooKernels
import ZooLayerGraphs
import ZooTensors

/// The operands of kernels of ours, which the program refers to by address for as long as the plan lives.
@safe final class KernelCalls {
    private var dropouts: [(path: String, probability: Double, call: UnsafeMutablePointer<zoo_dropout>)]
    private var averages: [UnsafeMutablePointer<zoo_average>]

    init() {
        unsafe dropouts = []
        unsafe averages = []
    }

    deinit {
        for index in unsafe dropouts.indices { unsafe dropouts[index].call.deallocate() }
        for index in unsafe averages.indices { unsafe averages[index].deallocate() }
    }

    /// The operation of a dropout layer; its mask is drawn anew for every moment.
    func add(
        _ work: PlanDraft.DropoutWork, isForward: Bool, threads: Int, to program: Program,
        _ region: (PlanDraft.BufferIndex) throws(ZooError) -> MemoryRegion
    ) throws(ZooError) -> OperationIndex {
        let call = UnsafeMutablePointer<zoo_dropout>.allocate(capacity: 1)
        let source = try region(work.source)
        let destination = try region(work.destination)
        let mask = try region(work.mask)
        unsafe call.initialize(
            to: zoo_dropout(
                map: zoo_map(work.map), channels_last: work.order == .channelsLast,
                threshold: DropoutMask.threshold(work.probability),
                scale: Float(DropoutMask.scale(work.probability)), threads: Int32(clamping: threads),
                key: (0, 0),
                step: 0, start: 0, source: source.address.assumingMemoryBound(to: Float.self),
                destination: destination.address.assumingMemoryBound(to: Float.self),
                mask: mask.address.assumingMemoryBound(to: UInt8.self)))
        unsafe dropouts.append((work.path, work.probability, call))
        return try unsafe program.call(isForward ? zoo_dropout_forward : zoo_dropout_backward, call)
    }

    /// The operation of an average pooling layer that oneDNN has no name for.
    func add(
        _ work: PlanDraft.AverageWork, isForward: Bool, threads: Int, to program: Program,
        _ region: (PlanDraft.BufferIndex) throws(ZooError) -> MemoryRegion
    ) throws(ZooError) -> OperationIndex {
        let call = UnsafeMutablePointer<zoo_average>.allocate(capacity: 1)
        let source = try region(work.source)
        let destination = try region(work.destination)
        let layer = work.layer
        unsafe call.initialize(
            to: zoo_average(
                source_map: zoo_map(work.sourceMap), destination_map: zoo_map(work.destinationMap),
                window: (Int64(layer.window.height), Int64(layer.window.width)),
                stride: (Int64(layer.stride.height), Int64(layer.stride.width)),
                before: (Int64(layer.padding.top), Int64(layer.padding.left)),
                after: (Int64(layer.padding.bottom), Int64(layer.padding.right)),
                counts_padding: layer.countsPadding, threads: Int32(clamping: threads),
                source: source.address.assumingMemoryBound(to: Float.self),
                destination: destination.address.assumingMemoryBound(to: Float.self)))
        unsafe averages.append(call)
        return try unsafe program.call(isForward ? zoo_average_forward : zoo_average_backward, call)
    }

    /// Whether a run needs to know its place in a training run.
    var needsMoment: Bool { unsafe !dropouts.isEmpty }

    /// Points the dropout layers at a place in a training run.
    func set(_ moment: TrainingMoment, _ context: EngineContext) {
        for index in unsafe dropouts.indices {
            let dropout = unsafe dropouts[index]
            let mask = unsafe DropoutMask(
                path: dropout.path, probability: dropout.probability, moment: moment)
            let map = unsafe dropout.call.pointee.map
            let count = Int(map.channels * map.height * map.width)
            unsafe dropout.call.pointee.key = (mask.stream.philoxKey.0, mask.stream.philoxKey.1)
            unsafe dropout.call.pointee.step = mask.stream.step
            unsafe dropout.call.pointee.start = mask.start(sample: 0, elementsPerSample: count)
        }
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
