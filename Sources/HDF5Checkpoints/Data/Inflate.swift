internal import CZooZlib
internal import ZooTensors

/// zlib's format, for chunks whose size is known.
enum Inflate {
    /// Decompresses to exactly `count` bytes.
    /// - Throws: ``ZooError`` when the data is damaged or decompresses to another size.
    static func bytes(of data: [UInt8], count: Int) throws(ZooError) -> [UInt8] {
        // Deflate shrinks at most 1032 times: don't ask for memory that the data can't fill.
        guard count / 1032 <= data.count else {
            throw ZooError(
                .corrupt, "a compressed chunk is too short for its contents",
                expected: "\(count) bytes after it")
        }
        var written = uLongf(0)
        var status = Z_BUF_ERROR
        let result = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
            written = uLongf(count)
            status = unsafe data.withUnsafeBufferPointer { source in
                unsafe uncompress(buffer.baseAddress, &written, source.baseAddress, uLong(source.count))
            }
            initialized = status == Z_OK ? min(Int(clamping: written), count) : 0
        }
        guard status == Z_OK, result.count == count else {
            throw ZooError(
                .corrupt, "a compressed chunk is damaged", expected: "\(count) bytes",
                found: status == Z_OK ? "\(result.count)" : "error \(status)")
        }
        return result
    }
}
