#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Writes a file so that its name never shows half of it: a temporary file in the same folder, `fsync`, rename.
/// Whatever goes wrong before ``commit()``, the old file stays and nothing new is left behind.
public final class AtomicFile {
    private let file: UnfinishedFile
    private let path: String
    private var pending: [UInt8] = []
    /// Bytes written so far.
    public private(set) var byteCount = 0

    /// Begins writing the file at `path`.
    /// - Throws: ``ZooError`` when the folder is missing or can't be written to, or the path is a folder or a
    ///   special file.
    public init(path: String) throws(ZooError) {
        self.file = try UnfinishedFile(path: path)
        self.path = path
    }

    /// Appends bytes.
    public func write(_ bytes: [UInt8]) throws(ZooError) {
        pending += bytes
        byteCount += bytes.count
        if pending.count >= 1 << 20 { try flush() }
    }

    /// Appends text as UTF-8.
    public func write(_ text: String) throws(ZooError) { try write(Array(text.utf8)) }

    /// Appends a tensor's elements in row-major order, little-endian.
    public func write(_ tensor: Tensor) throws(ZooError) {
        try flush()
        try unsafe tensor.withContiguousBytes { (bytes) throws(ZooError) in try unsafe put(bytes) }
        byteCount += tensor.byteCount
    }

    /// Makes what was written durable and gives it its name.
    public func commit() throws(ZooError) {
        try flush()
        try file.commit()
    }

    private func flush() throws(ZooError) {
        let bytes = pending
        pending = []
        try unsafe lendingBytes(of: bytes) { (buffer) throws(ZooError) in try unsafe put(buffer) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
        var done = 0
        while done < bytes.count {
            let written = unsafe systemWrite(
                file.descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if written < 0 {
                if errno == EINTR { continue }
                throw UnfinishedFile.failure(path: path)
            }
            done += written
        }
    }
}
