internal import CZooHDF5Shim
package import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Starts the indexing helper, reads its table, and ends it when it takes too much of anything.
package enum HDF5Helper {
    /// How long a helper may take altogether, in seconds.
    package static let wallSeconds = 20.0

    /// The table that a helper makes of a file.
    /// - Parameter part: the bytes that are the file, handed over as the helper's standard input; `nil` for the whole
    ///   file at `path`.
    /// - Throws: ``ZooError`` when the helper can't be started, crashes, hangs, or answers with something else.
    package static func table(
        executable: String, path: String, limits: ReadLimits, wallSeconds: Double = wallSeconds
    ) throws(ZooError) -> [UInt8] {
        try table(executable: executable, path: path, part: nil, limits: limits, wallSeconds: wallSeconds)
    }

    static func table(
        executable: String, path: String, part: HDF5FilePart?, limits: ReadLimits,
        wallSeconds: Double = wallSeconds
    ) throws(ZooError) -> [UInt8] {
        let bounds = HDF5Indexer.Limits(limits)
        let deadline = now() + wallSeconds
        // A relative path is meant from here; one that looks like an option is no option.
        var arguments = [
            executable, HDF5IndexerProcess.command, path, String(bounds.entries), String(bounds.tableBytes),
            String(bounds.depth),
        ]
        if let part { arguments += [String(part.offset), String(part.byteCount)] }
        let pipe = try HelperPipe()
        let child = try spawn(executable, arguments, input: part?.descriptor, output: pipe.writing)
        pipe.closeWriting()
        let greeting = HDF5IndexerProcess.greeting
        // Room for the greeting and the record that ends the table.
        let mostBytes = bounds.tableBytes.addingReportingOverflow(4096).partialValue
        let answer = read(pipe.reading, most: max(mostBytes, 4096), until: deadline)
        if answer.excess != nil { kill(child, SIGKILL) }
        let status = wait(for: child, until: deadline)
        if let excess = answer.excess { throw excess }
        try check(status, answer.bytes.count)
        guard answer.bytes.starts(with: greeting) else {
            throw ZooError(
                .systemFailure, "\(executable) isn't an HDF5 indexer",
                remedy: "Give a program that calls HDF5IndexerProcess.main, such as zoo.")
        }
        return Array(answer.bytes.dropFirst(greeting.count))
    }

    /// How the helper ended.
    private enum Ending {
        case exited(Int32)
        case killed(signal: Int32)
        case tooLate
        /// Someone else in this process reaped it.
        case unknown
    }

    private static func check(_ ending: Ending, _ byteCount: Int) throws(ZooError) {
        let remedy = "The file is damaged, or made to do harm."
        switch ending {
        case .exited(0), .unknown: return
        case .exited(let code) where byteCount == 0 && code != 1:
            throw ZooError(.systemFailure, "the HDF5 helper didn't start (exit code \(code))")
        case .exited(let code):
            throw ZooError(
                .corrupt, "the HDF5 library gave up on this file (exit code \(code))", remedy: remedy)
        case .killed(SIGXCPU), .tooLate: throw tooLate
        case .killed(let signal):
            throw ZooError(
                .corrupt, "the HDF5 library gave up on this file (signal \(signal))", remedy: remedy)
        }
    }

    private static let tooLate = ZooError(
        .corrupt, "the HDF5 library didn't come to an end with this file",
        remedy: "The file is damaged, or made to do harm.")

    private static func now() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func read(
        _ descriptor: Int32, most: Int, until deadline: Double
    ) -> (bytes: [UInt8], excess: ZooError?) {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = deadline - now()
            guard left > 0 else { return (bytes, tooLate) }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&request, 1, Int32(min(left * 1000, 60_000)) + 1)
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe systemRead(descriptor, $0) }
            if count < 0 {
                if errno == EINTR { continue }
                return (
                    bytes,
                    ZooError(.systemFailure, "cannot read from the HDF5 helper: \(systemFailureReason())")
                )
            }
            if count == 0 { return (bytes, nil) }
            bytes += buffer[0..<count]
            guard bytes.count <= most else {
                return (bytes, ZooError(.limitExceeded, "the file's structure is larger than \(most) bytes"))
            }
        }
    }

    private static func wait(for child: pid_t, until deadline: Double) -> Ending {
        var isKilled = false
        while true {
            var status: Int32 = 0
            let result = unsafe waitpid(child, &status, isKilled ? 0 : WNOHANG)
            if result == child {
                let signal = status & 0x7F
                if signal != 0 { return isKilled ? .tooLate : .killed(signal: signal) }
                return .exited(status >> 8 & 0xFF)
            }
            if result < 0, errno != EINTR { return .unknown }
            if result == 0, now() > deadline {
                kill(child, SIGKILL)
                isKilled = true
            }
            // The pipe is closed, so the end is near: a fifth of a millisecond.
            if result == 0 { usleep(200) }
        }
    }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    unsafe read(descriptor, buffer.baseAddress, buffer.count)
}

/// The pipe that the helper answers through.
private final class HelperPipe {
    let reading: Int32
    private(set) var writing: Int32

    init() throws(ZooError) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        let status = unsafe zoo_pipe(&reading, &writing)
        guard status == 0 else {
            throw ZooError(.systemFailure, "cannot make a pipe: \(systemFailureReason())")
        }
        self.reading = reading
        self.writing = writing
    }

    func closeWriting() {
        if writing >= 0 { close(writing) }
        writing = -1
    }

    deinit {
        closeWriting()
        close(reading)
    }
}
