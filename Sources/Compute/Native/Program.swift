import COneDNNShim
import CZooKernels
import ZooTensors

/// Shape and layout of a piece of memory, as its program numbers it.
struct Descriptor: Sendable, Hashable {
    let index: Int32
    /// What an operation doesn't have.
    static var none: Descriptor { Descriptor(index: -1) }
}

/// A step of a program, as the program numbers it.
struct OperationIndex: Sendable, Hashable {
    let index: Int32
    static var none: OperationIndex { OperationIndex(index: -1) }
}

/// The parts of a plan that run at different times; raw values are the program's lists.
package enum PlanPart: Int32, Sendable {
    /// What is done once after parameters changed.
    case repack = 0
    case forward = 1
    case backward = 2
}

/// Descriptors of an operation's operands.
struct Operands {
    var source: Descriptor
    var weights = Descriptor.none
    var bias = Descriptor.none
    var destination: Descriptor

    fileprivate var raw: zoo_dnn_operands {
        zoo_dnn_operands(
            source: source.index, weights: weights.index, bias: bias.index, destination: destination.index)
    }
}

/// oneDNN's operations in the order in which they run, over the C shim. Belongs to the engine's thread.
@safe final class Program {
    private let handle: OpaquePointer

    init() throws(ZooError) {
        var handle: OpaquePointer?
        try Program.check(unsafe zoo_dnn_program_create(&handle), "oneDNN doesn't start")
        guard let handle = unsafe handle else { throw ZooError(.systemFailure, "oneDNN doesn't start") }
        unsafe self.handle = handle
    }

    deinit { unsafe zoo_dnn_program_destroy(handle) }

    // MARK: Descriptors

    func describe(_ dimensions: [Int], _ layout: zoo_dnn_layout) throws(ZooError) -> Descriptor {
        var index: Int32 = -1
        let sizes = dimensions.map { Int64($0) }
        let status = unsafe zoo_dnn_describe(handle, Int32(sizes.count), sizes, layout, &index)
        try Program.check(status, "oneDNN can't describe a tensor of shape \(dimensions)")
        return Descriptor(index: index)
    }

    /// A descriptor of another program's.
    func describe(like other: Program, _ descriptor: Descriptor) throws(ZooError) -> Descriptor {
        var index: Int32 = -1
        let status = unsafe zoo_dnn_describe_like(handle, other.handle, descriptor.index, &index)
        try Program.check(status, "oneDNN can't copy a descriptor")
        return Descriptor(index: index)
    }

    /// What an operation wants an operand to be; `nil` for one that it doesn't have.
    func describe(
        _ argument: zoo_dnn_argument, of operation: OperationIndex
    ) throws(ZooError) -> Descriptor? {
        var index: Int32 = -1
        guard unsafe zoo_dnn_describe_argument(handle, operation.index, argument, &index) == 0 else {
            return nil
        }
        let descriptor = Descriptor(index: index)
        return byteCount(of: descriptor) > 0 ? descriptor : nil
    }

    func byteCount(of descriptor: Descriptor) -> Int {
        unsafe Int(clamping: zoo_dnn_descriptor_bytes(handle, descriptor.index))
    }

    /// How weights for Winograd's kernels lie; `nil` for anything else.
    func winograd(_ descriptor: Descriptor) -> zoo_dnn_winograd? {
        var blocks = zoo_dnn_winograd()
        return unsafe zoo_dnn_describe_winograd(handle, descriptor.index, &blocks) ? blocks : nil
    }

    func areEqual(_ first: Descriptor, _ second: Descriptor) -> Bool {
        unsafe first == second || zoo_dnn_descriptors_equal(handle, first.index, second.index)
    }

    /// The layout in oneDNN's notation.
    func text(of descriptor: Descriptor) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        unsafe zoo_dnn_descriptor_text(handle, descriptor.index, &buffer, buffer.count)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: Operations; `nil` where oneDNN has no kernel for the operands

    func convolution(
        _ pass: zoo_dnn_pass, _ window: zoo_dnn_window, _ operands: Operands,
        kind: zoo_dnn_convolution_kind = .direct, fused: zoo_dnn_fusion = .none,
        forward: OperationIndex = .none
    ) throws(ZooError) -> OperationIndex? {
        var index: Int32 = -1
        var window = window
        let status = unsafe zoo_dnn_convolution(
            handle, pass, kind, &window, operands.raw, fused, forward.index, &index)
        return try Program.made(index, status)
    }

    func innerProduct(
        _ pass: zoo_dnn_pass, _ operands: Operands, fused: zoo_dnn_function = zoo_dnn_function(fused: nil),
        forward: OperationIndex = .none
    ) throws(ZooError) -> OperationIndex? {
        var index: Int32 = -1
        let status = unsafe zoo_dnn_inner_product(handle, pass, operands.raw, fused, forward.index, &index)
        return try Program.made(index, status)
    }

    func pooling(
        _ pass: zoo_dnn_pass, _ kind: zoo_dnn_pooling_kind, _ window: zoo_dnn_window, _ operands: Operands,
        forward: OperationIndex = .none
    ) throws(ZooError) -> OperationIndex? {
        var index: Int32 = -1
        var window = window
        let status = unsafe zoo_dnn_pooling(
            handle, pass, kind, &window, operands.raw, forward.index, &index)
        return try Program.made(index, status)
    }

    func activation(
        _ pass: zoo_dnn_pass, _ function: zoo_dnn_function, _ operands: Operands,
        forward: OperationIndex = .none
    ) throws(ZooError) -> OperationIndex? {
        var index: Int32 = -1
        let status = unsafe zoo_dnn_activation(handle, pass, function, operands.raw, forward.index, &index)
        return try Program.made(index, status)
    }

    func softmax(
        _ pass: zoo_dnn_pass, _ operands: Operands, forward: OperationIndex = .none
    ) throws(ZooError) -> OperationIndex? {
        var index: Int32 = -1
        let status = unsafe zoo_dnn_softmax(handle, pass, operands.raw, forward.index, &index)
        return try Program.made(index, status)
    }

    func reorder(from source: Descriptor, to destination: Descriptor) throws(ZooError) -> OperationIndex {
        var index: Int32 = -1
        let status = unsafe zoo_dnn_reorder(handle, source.index, destination.index, &index)
        try Program.check(status, "oneDNN can't change a layout")
        return OperationIndex(index: index)
    }

    /// A function of ours, whose context outlives the program.
    @unsafe func call(
        _ function: @convention(c) (UnsafeMutableRawPointer?) -> Void, _ context: UnsafeMutableRawPointer
    ) throws(ZooError) -> OperationIndex {
        var index: Int32 = -1
        try Program.check(
            unsafe zoo_dnn_call(handle, function, context, &index), "there is no memory for an operation")
        return OperationIndex(index: index)
    }

    /// The name of an operation's kernel.
    func kernel(of operation: OperationIndex) -> String {
        unsafe String(cString: zoo_dnn_operation_name(handle, operation.index))
    }

    // MARK: Making ready, and running

    func bind(
        _ operation: OperationIndex, _ argument: zoo_dnn_argument, _ descriptor: Descriptor,
        to region: MemoryRegion
    ) throws(ZooError) {
        guard byteCount(of: descriptor) <= region.byteCount else {
            throw ZooError(.limitExceeded, "an operand is larger than the memory meant for it")
        }
        let status = unsafe zoo_dnn_bind(
            handle, operation.index, argument, descriptor.index, region.address)
        try Program.check(status, "oneDNN doesn't take an operand")
    }

    func prepare(_ operation: OperationIndex) throws(ZooError) {
        try Program.check(
            unsafe zoo_dnn_prepare(handle, operation.index),
            "oneDNN can't make the kernel \(kernel(of: operation))")
    }

    func schedule(_ operation: OperationIndex, in part: PlanPart) throws(ZooError) {
        try Program.check(
            unsafe zoo_dnn_schedule(handle, part.rawValue, operation.index), "an operation can't be scheduled"
        )
    }

    func run(_ operation: OperationIndex, _ context: EngineContext) throws(ZooError) {
        try Program.check(
            unsafe zoo_dnn_run_one(handle, operation.index), "the kernel \(kernel(of: operation)) failed")
    }

    func run(_ part: PlanPart, _ context: EngineContext) throws(ZooError) {
        var failed: Int32 = -1
        let status = unsafe zoo_dnn_run(handle, part.rawValue, &failed)
        guard status == 0 else {
            try Program.check(status, "the kernel \(kernel(of: OperationIndex(index: failed))) failed")
            return
        }
    }

    /// Runs a part of several programs at the same time, each on a thread of its own.
    static func run(_ part: PlanPart, of programs: [Program], _ context: EngineContext) throws(ZooError) {
        let handles = unsafe programs.map { unsafe Optional($0.handle) }
        var statuses = [Int32](repeating: 0, count: programs.count)
        var failed = [Int32](repeating: -1, count: programs.count)
        unsafe handles.withUnsafeBufferPointer { handles in
            unsafe statuses.withUnsafeMutableBufferPointer { statuses in
                unsafe failed.withUnsafeMutableBufferPointer { failed in
                    let call = unsafe ParallelRun(
                        handles: handles, part: part.rawValue, statuses: statuses, failed: failed)
                    unsafe withUnsafePointer(to: call) { call in
                        unsafe zoo_parallel(
                            Int32(clamping: handles.count),
                            { context, place, _ in
                                guard let run = unsafe context?.load(as: ParallelRun.self) else { return }
                                let place = Int(place)
                                unsafe run.statuses[place] = unsafe zoo_dnn_run(
                                    run.handles[place], run.part, &run.failed[place])
                            }, call)
                    }
                }
            }
        }
        for (place, program) in programs.enumerated() where statuses[place] != 0 {
            let kernel = program.kernel(of: OperationIndex(index: failed[place]))
            try check(statuses[place], "the kernel \(kernel) failed")
        }
    }

    /// What each thread reads its work from.
    @unsafe private struct ParallelRun {
        let handles: UnsafeBufferPointer<OpaquePointer?>
        let part: Int32
        let statuses: UnsafeMutableBufferPointer<Int32>
        let failed: UnsafeMutableBufferPointer<Int32>
    }

    /// Runs a part and adds each operation's seconds to `seconds`, which has an element for each.
    func run(_ part: PlanPart, timing seconds: inout [Double], _ context: EngineContext) throws(ZooError) {
        let status = unsafe zoo_dnn_run_timed(handle, part.rawValue, &seconds, nil)
        try Program.check(status, "a kernel failed")
    }

    private static func made(_ index: Int32, _ status: Int32) throws(ZooError) -> OperationIndex? {
        if status == 0 { return OperationIndex(index: index) }
        // "Unimplemented", and what it calls invalid although another layout of the same tensors is fine.
        if status == 3 || status == 2 { return nil }
        try check(status, "oneDNN can't make an operation")
        return nil
    }

    private static func check(_ status: Int32, _ problem: String) throws(ZooError) {
        guard status != 0 else { return }
        throw ZooError(
            status == 1 ? .limitExceeded : .unsupported, problem,
            found: unsafe String(cString: zoo_dnn_status_text(status)))
    }
}

/// Facts about the library.
enum OneDNN {
    /// `oneDNN 2.6.3`.
    static var version: String {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        unsafe zoo_dnn_version(&major, &minor, &patch)
        return "oneDNN \(major).\(minor).\(patch)"
    }

    /// The widest instruction set that it uses here.
    static var instructionSet: String { unsafe String(cString: zoo_dnn_instruction_set()) }

    /// The layout with channels in blocks that suits the instruction set, if one does.
    static var blockedLayout: zoo_dnn_layout? {
        switch zoo_dnn_channel_block() {
        case 16: .blocked16
        case 8: .blocked8
        default: nil
        }
    }
}
