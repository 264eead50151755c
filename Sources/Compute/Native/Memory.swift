import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A block of memory that plans compute in. Only the engine's thread touches its contents.
@safe final class Slab: @unchecked Sendable {
    /// Alignment of the block and of every region in it, in bytes: a cache line, a vector register.
    static let alignment = 64

    let byteCount: Int
    private let base: UnsafeMutableRawPointer
    private let room: UnsafeMutableRawPointer

    /// Zeroed memory.
    init(byteCount: Int) throws(ZooError) {
        let rounded = try Slab.rounded(max(byteCount, 1))
        // The system's fresh pages are zero and take no room until they are used; clearing them here would change that.
        guard let room = unsafe calloc(try Checked.sum(rounded, Slab.alignment), 1) else {
            throw ZooError(.limitExceeded, "there is no memory for \(byteCount) bytes")
        }
        unsafe self.room = room
        unsafe self.base = room.alignedUp(toMultipleOf: Slab.alignment)
        self.byteCount = rounded
    }

    deinit { unsafe free(room) }

    /// A size rounded up to whole alignments.
    static func rounded(_ byteCount: Int) throws(ZooError) -> Int {
        try Checked.sum(byteCount, alignment - 1) & ~(alignment - 1)
    }

    /// A part of the block.
    func region(offset: Int, byteCount: Int) throws(ZooError) -> MemoryRegion {
        guard offset >= 0, byteCount >= 0, offset <= self.byteCount - byteCount else {
            throw ZooError(.limitExceeded, "a region lies outside its memory")
        }
        return MemoryRegion(slab: self, offset: offset, byteCount: byteCount)
    }

    @unsafe func address(_ offset: Int) -> UnsafeMutableRawPointer { unsafe base + offset }
}

/// A part of a slab, in single precision.
package struct MemoryRegion: Sendable {
    let slab: Slab
    let offset: Int
    /// Size in bytes.
    package let byteCount: Int

    fileprivate init(slab: Slab, offset: Int, byteCount: Int) {
        self.slab = slab
        self.offset = offset
        self.byteCount = byteCount
    }

    /// Number of floats.
    package var floatCount: Int { byteCount / MemoryLayout<Float>.stride }

    /// Where it begins.
    @unsafe var address: UnsafeMutableRawPointer { unsafe slab.address(offset) }

    /// Lends the floats; only on the engine's thread.
    package func withFloats<Result>(
        _ context: EngineContext, _ body: (UnsafeMutableBufferPointer<Float>) throws(ZooError) -> Result
    ) throws(ZooError) -> Result {
        let start = unsafe address.assumingMemoryBound(to: Float.self)
        return try unsafe body(UnsafeMutableBufferPointer(start: start, count: floatCount))
    }

    /// Copies a tensor's elements in canonical order.
    package func fill(from tensor: Tensor, _ context: EngineContext) throws(ZooError) {
        let single = try tensor.converted(to: .f32)
        guard single.byteCount <= byteCount else {
            throw ZooError(.limitExceeded, "a tensor is larger than the memory meant for it")
        }
        try unsafe single.withContiguousBytes { (bytes) throws(ZooError) in
            guard let source = bytes.baseAddress else { return }
            unsafe memcpy(address, source, bytes.count)
        }
    }

    /// Adds another region's floats to those at the same places.
    func add(
        _ other: MemoryRegion, in range: Range<Int>, _ context: EngineContext
    ) throws(ZooError) {
        guard range.lowerBound >= 0, range.upperBound <= min(floatCount, other.floatCount) else {
            throw ZooError(.limitExceeded, "a region to add to is smaller than what is added")
        }
        try unsafe withFloats(context) { (sum) throws(ZooError) in
            try unsafe other.withFloats(context) { (terms) throws(ZooError) in
                for index in range { unsafe sum[index] += terms[index] }
            }
        }
    }

    /// Copies another region's first floats.
    func copy(from other: MemoryRegion, count: Int, _ context: EngineContext) throws(ZooError) {
        guard count >= 0, count <= min(floatCount, other.floatCount) else {
            throw ZooError(.limitExceeded, "a region is smaller than what is copied")
        }
        unsafe memmove(address, other.address, count * MemoryLayout<Float>.stride)
    }

    /// A tensor of the first elements.
    package func tensor(_ shape: TensorShape, _ context: EngineContext) throws(ZooError) -> Tensor {
        guard shape.elementCount <= floatCount else {
            throw ZooError(.limitExceeded, "a tensor is larger than the memory that holds it")
        }
        return try unsafe Tensor(shape: shape, elementType: .f32) { (bytes) throws(ZooError) in
            guard let target = bytes.baseAddress else { return }
            unsafe memcpy(target, address, bytes.count)
        }
    }
}
