internal import CZooKernels
internal import CZooZlib
package import ZooTensors

/// The checksum of zip and gzip, computed piece by piece: by our own kernel where the processor multiplies without carries,
/// else by zlib.
package struct CRC32 {
    private var state: UInt = 0

    /// The checksum of nothing.
    package init() {}

    /// The checksum of everything so far.
    package var value: UInt32 { UInt32(truncatingIfNeeded: state) }

    /// Adds bytes.
    package mutating func update(_ bytes: [UInt8]) throws(ZooError) {
        let before = state
        state = try unsafe lendingBytes(of: bytes) { (buffer) throws(ZooError) in
            unsafe extend(before, by: buffer)
        }
    }

    /// Adds bytes that stay where they are meanwhile.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state = unsafe extend(state, by: bytes)
    }

    /// Adds all bytes of a storage.
    package mutating func update(_ storage: TensorStorage) throws(ZooError) {
        let before = state
        state = try unsafe storage.withUnsafeBytes { (buffer) throws(ZooError) in
            unsafe extend(before, by: buffer)
        }
    }

    /// Adds a tensor's elements in row-major order.
    package mutating func update(_ tensor: Tensor) throws(ZooError) {
        let before = state
        state = try unsafe tensor.withContiguousBytes { (buffer) throws(ZooError) in
            unsafe extend(before, by: buffer)
        }
    }

    /// The checksum of some bytes.
    package static func of(_ bytes: [UInt8]) throws(ZooError) -> UInt32 {
        var sum = CRC32()
        try sum.update(bytes)
        return sum.value
    }
}

private let isFast = zoo_crc32_is_fast()

private func extend(_ state: UInt, by buffer: UnsafeRawBufferPointer) -> UInt {
    guard let base = buffer.baseAddress, buffer.count > 0 else { return state }
    var state = state
    // The kernel takes whole blocks of sixteen bytes, four at least.
    let whole = isFast && buffer.count >= 64 ? buffer.count & ~15 : 0
    if whole > 0 {
        state = UInt(
            unsafe zoo_crc32_extend(
                UInt32(truncatingIfNeeded: state), base.assumingMemoryBound(to: UInt8.self), whole))
    }
    guard whole < buffer.count else { return state }
    return unsafe crc32_z(
        state, base.advanced(by: whole).assumingMemoryBound(to: Bytef.self), buffer.count - whole)
}
