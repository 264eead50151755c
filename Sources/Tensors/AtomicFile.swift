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
    private let descriptor: Int32
    private let temporaryPath: String
    private let path: String
    private var isOpen = true
    private var pending: [UInt8] = []
    /// Bytes written so far.
    public private(set) var byteCount = 0

    /// Begins writing the file at `path`.
    /// - Throws: ``ZooError`` when the folder is missing or can't be written to, or the path is a folder.
    public init(path: String) throws(ZooError) {
        var information = stat()
        if unsafe stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
            throw ZooError(
                .notAFile, "the output is a folder", file: path, remedy: "Name a file inside the folder.")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty else {
            throw ZooError(.invalidArgument, "the output has no file name", file: path)
        }
        var template = Array("\(folder).\(name.prefix(100)).XXXXXX".utf8CString)
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { unsafe mkstemp($0) } ?? -1
        }
        guard descriptor >= 0 else {
            let reason = systemFailureReason()
            throw ZooError(
                .systemFailure, "cannot write the output: \(reason)", file: path,
                remedy: "Check that the folder exists and that you may write to it.")
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // mkstemp makes files for their owner alone; a result has the permissions of any other new file.
        let mask = umask(0)
        umask(mask)
        fchmod(descriptor, 0o666 & ~mask)
        self.descriptor = descriptor
        self.temporaryPath = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.path = path
    }

    deinit { abandon() }

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
        guard fsync(descriptor) == 0 else { throw systemError("cannot write the output", path: path) }
        guard unsafe rename(temporaryPath, path) == 0 else {
            throw systemError("cannot write the output", path: path)
        }
        isOpen = false
        close(descriptor)
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
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if written < 0 {
                if errno == EINTR { continue }
                throw systemError("cannot write the output", path: path)
            }
            done += written
        }
    }

    private func abandon() {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        unsafe unlink(temporaryPath)
    }
}
