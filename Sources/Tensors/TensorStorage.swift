#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The memory behind one or more tensors. Written once while it is made, immutable from then on, which is what
/// makes it safe to share between threads.
@safe public final class TensorStorage: @unchecked Sendable {
    @unsafe private enum Owner {
        case allocated(UnsafeMutableRawPointer)
        case mapped(base: UnsafeMutableRawPointer, length: Int)
    }

    /// Alignment of memory that we allocate, in bytes: a cache line and the widest vector register.
    public static let alignment = 64

    /// Number of bytes.
    public let byteCount: Int
    private let base: UnsafeRawPointer
    private let owner: Owner

    /// Allocates memory and lets `fill` write it; what `fill` leaves untouched is zero.
    package init(
        byteCount: Int, fill: (UnsafeMutableRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let rounded =
            try Checked.sum(max(byteCount, 1), TensorStorage.alignment - 1) & ~(TensorStorage.alignment - 1)
        // The system's fresh pages are zero and take no room until they are used; clearing them here would change that.
        guard let room = unsafe calloc(try Checked.sum(rounded, TensorStorage.alignment), 1) else {
            throw ZooError(.limitExceeded, "there is no memory for \(byteCount) bytes")
        }
        let memory = unsafe room.alignedUp(toMultipleOf: TensorStorage.alignment)
        do throws(ZooError) {
            try unsafe fill(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
        } catch {
            unsafe free(room)
            throw error
        }
        self.byteCount = byteCount
        unsafe self.base = UnsafeRawPointer(memory)
        unsafe self.owner = .allocated(room)
    }

    /// Copies bytes.
    public convenience init(bytes: [UInt8]) throws(ZooError) {
        try unsafe self.init(byteCount: bytes.count) { (buffer) throws(ZooError) in
            unsafe bytes.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
        }
    }

    /// Reads a run of bytes from a source.
    public convenience init(reading source: ByteSource, at offset: Int, byteCount: Int) throws(ZooError) {
        // Sizes are checked against the file before memory is asked for.
        let part = try source.slice(at: offset, count: byteCount)
        try unsafe self.init(byteCount: byteCount) { (buffer) throws(ZooError) in
            try unsafe part.read(at: 0, into: buffer)
        }
    }

    /// Maps a part of a file that belongs to us (the model store's own), so that pages load on first touch.
    /// Not for files from strangers: one that shrinks while it is mapped ends the process with a signal.
    public init(mapping path: String, at offset: Int, byteCount: Int) throws(ZooError) {
        let source = try ByteSource(path: path)
        _ = try source.slice(at: offset, count: byteCount)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError("cannot open the file", path: path) }
        defer { close(descriptor) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let lead = offset % page
        let length = max(byteCount + lead, 1)
        guard
            let mapping = unsafe mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, off_t(offset - lead)),
            unsafe mapping != MAP_FAILED
        else {
            throw systemError("cannot map the file", path: path)
        }
        self.byteCount = byteCount
        unsafe self.base = UnsafeRawPointer(mapping.advanced(by: lead))
        unsafe self.owner = .mapped(base: mapping, length: length)
    }

    deinit {
        switch unsafe owner {
        case .allocated(let room): unsafe free(room)
        case .mapped(let start, let length): unsafe munmap(start, length)
        }
    }

    /// Lends the memory for reading.
    package func withUnsafeBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Result
    ) throws(ZooError) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: byteCount))
    }
}
