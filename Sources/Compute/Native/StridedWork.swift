import CZooKernels
import ZooTensors

/// Element-wise combinations of two tensors, or sums of them, along ``StridedAxes``.
struct StridedWork: KernelWork {
    /// A tensor, or a part of one.
    struct Operand {
        let buffer: PlanDraft.BufferIndex
        /// Floats before its first element.
        var offset = 0
    }

    var axes: StridedAxes
    /// The result's elements are sums.
    var isSum = false
    var combination = zoo_combination.copy
    /// What combinations are multiplied with.
    var scale = 1.0
    /// Whether they are added to what is there.
    var accumulates = false
    var first: Operand
    var second: Operand?
    var result: Operand
    /// Floats of the result's buffer that are set to zero before.
    var clears = 0

    var buffers: [PlanDraft.BufferIndex] {
        [first.buffer, result.buffer] + (second.map { [$0.buffer] } ?? [])
    }

    func operation(_ maker: KernelMaker) throws(ZooError) -> OperationIndex {
        let (arranged, kept) = axes.arranged(isSum: isSum)
        guard arranged.count <= Int(zoo_most_axes) else {
            throw ZooError(.unsupported, "a tensor has too many axes", found: "\(arranged.count)")
        }
        var work = unsafe zoo_strided()
        unsafe work.rank = Int32(arranged.count)
        unsafe work.kept = Int32(kept)
        for (index, axis) in arranged.enumerated() {
            unsafe withUnsafeMutableBytes(of: &work.extents) {
                unsafe $0.storeBytes(of: Int64(axis.extent), toByteOffset: index * 8, as: Int64.self)
            }
            unsafe withUnsafeMutableBytes(of: &work.first_strides) {
                unsafe $0.storeBytes(of: Int64(axis.first), toByteOffset: index * 8, as: Int64.self)
            }
            unsafe withUnsafeMutableBytes(of: &work.second_strides) {
                unsafe $0.storeBytes(of: Int64(axis.second), toByteOffset: index * 8, as: Int64.self)
            }
            unsafe withUnsafeMutableBytes(of: &work.result_strides) {
                unsafe $0.storeBytes(of: Int64(axis.result), toByteOffset: index * 8, as: Int64.self)
            }
        }
        unsafe work.combination = combination
        unsafe work.scale = Float(scale)
        unsafe work.accumulates = accumulates
        unsafe work.threads = maker.threads
        unsafe work.clears = Int64(clears)
        unsafe work.cleared = try maker.floats(result.buffer)
        unsafe work.first = UnsafePointer(try maker.floats(first.buffer, offset: first.offset))
        unsafe work.second = UnsafePointer(try maker.floats(second?.buffer, offset: second?.offset ?? 0))
        unsafe work.result = try maker.floats(result.buffer, offset: result.offset)
        return try unsafe maker.call(isSum ? zoo_contract : zoo_combine, work)
    }
}
