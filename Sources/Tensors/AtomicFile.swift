internal import CZooKernels

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
    package let path: String
    private var pending: [UInt8] = []
    /// Bytes that the system has taken.
    private var written = 0
    /// Up to here the system has been told to bring the file to the disk.
    private var writtenBack = 0
    /// Bytes written so far.
    public private(set) var byteCount = 0

    /// Begins writing the file at `path`.
    /// - Throws: ``ZooError`` when the folder is missing or can't be written to, or the path is a folder or a
    ///   special file.
    public convenience init(path: String) throws(ZooError) { try self.init(path: path, beside: path) }

    /// Begins writing the file at `path`, beside something else meanwhile: a folder that is not there yet.
    package init(path: String, beside place: String) throws(ZooError) {
        self.file = try UnfinishedFile(path: path, beside: place)
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

    /// Appends bytes that stay where they are meanwhile.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
        try flush()
        try unsafe put(bytes)
        byteCount += bytes.count
    }

    /// Puts other bytes in the place of some that were written: a checksum that was not known before.
    package func overwrite(at offset: Int, _ bytes: [UInt8]) throws(ZooError) {
        try flush()
        guard offset >= 0, offset + bytes.count <= byteCount else {
            throw ZooError(.invalidArgument, "nothing was written there yet", file: path, byteOffset: offset)
        }
        var done = 0
        while done < bytes.count {
            let taken = try unsafe lendingBytes(of: bytes) { (buffer) throws(ZooError) in
                unsafe pwrite(
                    file.descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done,
                    off_t(offset + done))
            }
            if taken < 0 {
                if errno == EINTR { continue }
                throw UnfinishedFile.failure(path: path)
            }
            done += taken
        }
    }

    /// Makes what was written durable and gives it its name.
    public func commit() throws(ZooError) {
        try finish()
        try file.commit()
    }

    /// Makes what was written durable and closes the file, for a file of several that are to get their names
    /// together; ``commit()`` then has only that to do.
    package func finish() throws(ZooError) {
        try flush()
        try file.finish()
    }

    private func flush() throws(ZooError) {
        let bytes = pending
        pending = []
        try unsafe lendingBytes(of: bytes) { (buffer) throws(ZooError) in try unsafe put(buffer) }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
        var done = 0
        while done < bytes.count {
            let taken = unsafe systemWrite(
                file.descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if taken < 0 {
                if errno == EINTR { continue }
                throw UnfinishedFile.failure(path: path)
            }
            done += taken
            written += taken
        }
        startWritingBack()
    }

    /// Has the system begin to bring full stretches of the file to the disk, so that the last `fsync` has little
    /// left to wait for.
    private func startWritingBack() {
        let stretch = 8 << 20
        let fullEnd = written / stretch * stretch
        guard fullEnd > writtenBack else { return }
        zoo_start_writing_back(file.descriptor, Int64(writtenBack), Int64(fullEnd - writtenBack))
        writtenBack = fullEnd
    }
}
