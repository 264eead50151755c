#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A bounds-checked, read-only run of bytes: a file, a part of one, or memory.
///
/// Files are read with `pread`, never mapped: a stranger's file that shrinks while it is read then gives an
/// error instead of a signal. Reading is safe from several threads at once.
public struct ByteSource: Sendable {
    private enum Backing: Sendable {
        case file(FileHandle)
        case memory([UInt8])
    }

    private let backing: Backing
    /// Where this run begins in the whole file; added to offsets in errors.
    public let start: Int
    /// Number of bytes.
    public let count: Int
    /// The file's path, when there is one.
    public let path: String?

    /// Opens a regular file.
    /// - Throws: ``ZooError`` when the path is missing, a folder or another special file, or can't be read.
    public init(path: String) throws(ZooError) {
        let handle = try FileHandle(path: path)
        self.backing = .file(handle)
        self.start = 0
        self.count = handle.byteCount
        self.path = path
    }

    /// Reads from memory.
    public init(bytes: [UInt8], path: String? = nil) {
        self.backing = .memory(bytes)
        self.start = 0
        self.count = bytes.count
        self.path = path
    }

    /// Takes over an open regular file, which needn't have a name any more.
    /// - Parameter path: what errors call it.
    package init(descriptor: Int32, path: String) throws(ZooError) {
        let handle = try FileHandle(descriptor: descriptor, path: path)
        self.backing = .file(handle)
        self.start = 0
        self.count = handle.byteCount
        self.path = path
    }

    /// Number of bytes of the file, or of the memory, that this is a part of.
    package var wholeByteCount: Int {
        switch backing {
        case .file(let handle): handle.byteCount
        case .memory(let bytes): bytes.count
        }
    }

    /// Lends the open file of which this is the part at ``start``; `nil` for a source in memory.
    package func withDescriptor<Result>(_ body: (Int32?) throws(ZooError) -> Result) throws(ZooError)
        -> Result
    {
        guard case .file(let handle) = backing else { return try body(nil) }
        defer { extendLifetime(handle) }
        return try body(handle.descriptor)
    }

    private init(backing: Backing, start: Int, count: Int, path: String?) {
        self.backing = backing
        self.start = start
        self.count = count
        self.path = path
    }

    /// A part of this source.
    /// - Throws: ``ZooError`` with code `truncated` when the part isn't wholly inside.
    public func slice(at offset: Int, count: Int) throws(ZooError) -> ByteSource {
        try check(offset: offset, count: count)
        return ByteSource(backing: backing, start: start + offset, count: count, path: path)
    }

    /// Everything from an offset to the end.
    public func suffix(from offset: Int) throws(ZooError) -> ByteSource {
        try check(offset: offset, count: 0)
        return try slice(at: offset, count: count - offset)
    }

    /// Reads `count` bytes at `offset`.
    public func bytes(at offset: Int, count: Int) throws(ZooError) -> [UInt8] {
        try check(offset: offset, count: count)
        switch backing {
        case .memory(let all):
            return Array(all[(start + offset)..<(start + offset + count)])
        case .file(let handle):
            var failure: ZooError?
            let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                do throws(ZooError) {
                    try unsafe handle.read(at: start + offset, into: UnsafeMutableRawBufferPointer(buffer))
                    initialized = count
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return result
        }
    }

    /// All bytes.
    public func allBytes() throws(ZooError) -> [UInt8] { try bytes(at: 0, count: count) }

    /// Fills a buffer from `offset` on.
    package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ZooError) {
        try check(offset: offset, count: buffer.count)
        switch backing {
        case .memory(let all):
            unsafe all.withUnsafeBytes { bytes in
                unsafe buffer.copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: bytes[(start + offset)..<(start + offset + buffer.count)]))
            }
        case .file(let handle):
            try unsafe handle.read(at: start + offset, into: buffer)
        }
    }

    /// A little-endian integer of `T`'s width.
    public func littleEndian<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) throws(ZooError) -> T {
        let raw = try bytes(at: offset, count: T.bitWidth / 8)
        return raw.reversed().reduce(T.zero) { ($0 << 8) | T(truncatingIfNeeded: $1) }
    }

    private func check(offset: Int, count wanted: Int) throws(ZooError) {
        let (end, overflow) = offset.addingReportingOverflow(wanted)
        guard offset >= 0, wanted >= 0, !overflow, end <= count else {
            let place = start.addingReportingOverflow(max(offset, 0)).partialValue
            throw ZooError(
                .truncated, "the file ends too early", file: path, byteOffset: place,
                expected: "\(wanted) bytes", found: "\(max(0, min(count, count &- offset)))",
                remedy: "The file is cut short or damaged; get it again.")
        }
    }
}

/// An open file descriptor, closed with its last user.
private final class FileHandle: Sendable {
    let descriptor: Int32
    let byteCount: Int
    let path: String

    convenience init(path: String) throws(ZooError) {
        // Not blocking, so that a named pipe can't hang us before we learn that it isn't a file.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw systemError("cannot open the file", path: path) }
        try self.init(descriptor: descriptor, path: path)
    }

    /// Closes the descriptor also when it throws.
    init(descriptor: Int32, path: String) throws(ZooError) {
        var information = stat()
        guard unsafe fstat(descriptor, &information) == 0 else {
            defer { close(descriptor) }
            throw systemError("cannot examine the file", path: path)
        }
        guard information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            let kind = information.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw ZooError(.notAFile, "this is \(kind), where a file is needed", file: path)
        }
        self.descriptor = descriptor
        self.byteCount = Int(information.st_size)
        self.path = path
    }

    deinit { close(descriptor) }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(ZooError) {
        var done = 0
        while done < buffer.count {
            let got = unsafe pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset + done))
            if got < 0 {
                if errno == EINTR { continue }
                throw systemError("cannot read the file", path: path).adding(byteOffset: offset + done)
            }
            guard got > 0 else {
                throw ZooError(
                    .truncated, "the file became shorter while it was read", file: path,
                    byteOffset: offset + done
                )
            }
            done += got
        }
    }
}
