#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the command knows of the terminal that it runs in.
enum Terminal {
    /// Whether a person is looking at standard output.
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes text to standard output at once, without ending the line.
    static func write(_ text: String) {
        print(text, terminator: "")
        flush()
    }

    /// Sends off what was printed, which a pipe would otherwise get much later.
    static func flush() { fflush(nil) }

    /// Writes a line to standard error.
    static func printError(_ line: String) {
        var bytes = Array(line.utf8) + [0x0A]
        while !bytes.isEmpty {
            let written = systemWrite(STDERR_FILENO, bytes, bytes.count)
            if written <= 0 { return }
            bytes.removeFirst(written)
        }
    }

    /// Text in bold where a terminal shows it.
    static func bold(_ text: String) -> String { isInteractive ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}

/// Ends the process.
func endProcess(_ code: Int32) -> Never {
    fflush(nil)
    exit(code)
}

/// Where this executable lies, for starting itself again.
func pathOfThisExecutable() -> String {
    #if os(Linux)
        var buffer = [CChar](repeating: 0, count: 4_096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        if count > 0 {
            return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    #endif
    return CommandLine.arguments.first ?? "zoo"
}

/// `write(2)`, under a name that no method hides.
private func systemWrite(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}

/// A clock that never goes back.
enum MonotonicSeconds {
    /// Seconds since some moment.
    static var now: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
