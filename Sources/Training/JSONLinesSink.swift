public import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Appends each event as a line of JSON to a file, `menagerie/run/1`.
public final class JSONLinesSink: EventSink {
    private let descriptor: Int32
    private let path: String
    /// Bytes in the file; a run checkpoint records it, so that resuming can cut off what came after.
    public private(set) var byteCount: Int

    /// Opens the log, keeping the first `byteCount` bytes of what is there. As long as it is open, no other process
    /// can open it, so that two never train the same run.
    /// - Throws: ``ZooError`` when another process trains the run, when the file can't be written, or when it doesn't
    ///   hold so many bytes.
    public init(path: String, keeping byteCount: Int = 0) throws(ZooError) {
        let remedy = "Begin a new run; the run's last.zoo.safetensors is a model that it can begin with."
        // A log that ought to be there isn't made anew.
        let making = byteCount == 0 ? O_CREAT : 0
        let descriptor = unsafe open(path, O_WRONLY | making | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw systemError("cannot write the run's log", path: path, remedy: byteCount == 0 ? nil : remedy)
        }
        if !JSONLinesSink.lock(descriptor) {
            close(descriptor)
            throw ZooError(
                .refused, "another process is training this run", file: path,
                remedy: "Wait for its end, or stop it.")
        }
        let length = lseek(descriptor, 0, SEEK_END)
        guard length >= byteCount, ftruncate(descriptor, off_t(byteCount)) == 0,
            lseek(descriptor, 0, SEEK_END) == byteCount
        else {
            close(descriptor)
            throw ZooError(
                .corrupt, "the run's log is shorter than its checkpoint says", file: path,
                expected: "\(byteCount) bytes", found: "\(length)", remedy: remedy)
        }
        self.descriptor = descriptor
        self.path = path
        self.byteCount = byteCount
    }

    /// Takes the lock on an open file.
    ///
    /// Some network file systems have no locks; there it has to do without. A process that is just being started
    /// holds the lock of the one that starts it until its program begins, so a second is waited.
    private static func lock(_ descriptor: Int32) -> Bool {
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return true }
            usleep(20_000)
        }
        return false
    }

    deinit { close(descriptor) }

    /// Writes the event's line.
    public func receive(_ event: TrainingEvent) throws(ZooError) {
        var bytes = Array(event.json.text().utf8)
        bytes.append(0x0A)
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR { continue }
                throw systemError(
                    "cannot write the run's log", path: path,
                    remedy: "Make room there; then go on from the run's last checkpoint with --resume.")
            }
            rest = rest.dropFirst(written)
        }
        byteCount += bytes.count
    }
}
