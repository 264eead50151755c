import Menagerie

// `stdout` is a variable of C's, which no thread of ours ever sets.
#if canImport(Glibc)
    @unsafe @preconcurrency import Glibc
#elseif canImport(Musl)
    @unsafe @preconcurrency import Musl
#elseif canImport(Darwin)
    @unsafe @preconcurrency import Darwin
#endif

/// What the command knows of the terminal that it runs in.
enum Terminal {
    /// Whether a person is looking at standard output.
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes text to standard output at once, without ending the line.
    static func write(_ text: String) {
        Swift.print(text, terminator: "")
        flush()
    }

    /// Sends off what was printed, which a pipe would otherwise get much later.
    static func flush() { fflush(nil) }

    /// Brings out what was printed.
    /// - Throws: ``ZooError`` when some of it was lost, on a full disk say.
    static func finishOutput() throws(ZooError) {
        let wasFlushed = unsafe fflush(stdout) == 0
        let code = errno
        let wasLost = unsafe ferror(stdout) != 0
        guard wasLost || !wasFlushed else { return }
        let reason = wasFlushed ? "some of it was lost" : unsafe String(cString: strerror(code))
        throw ZooError(
            .systemFailure, "cannot write what was printed: \(reason)", file: "standard output",
            remedy: "Make room there, or send it to another place.")
    }

    /// Columns of the terminal that shows standard output; `nil` when it goes to a file or a pipe.
    static var width: Int? {
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Prints a line of prose. A terminal gets it broken between words, with what follows indented a bit more than
    /// the first line.
    /// - Parameter indent: spaces before the lines that follow.
    static func printText(_ line: String, indent: Int? = nil) {
        guard let width, Words.columns(line) > width else { return print(line) }
        let start = line.prefix { $0 == " " }
        let indent = indent ?? start.count + 2
        guard width > indent + 20 else { return print(line) }
        let text = String(line.dropFirst(start.count))
        let lines = Words.wrapped(text, width: width - indent, first: width - start.count)
        print(
            ([start + lines[0]] + lines.dropFirst().map { String(repeating: " ", count: indent) + $0 })
                .joined(separator: "\n"))
    }

    /// Writes a line to standard error.
    /// - Parameter start: what goes before it as it is, such as the sequence that clears a line.
    static func printError(_ line: String, start: String = "") {
        writeError(start + PlainText.without(controls: line) + "\n")
    }

    /// Writes text to standard error as it is.
    static func writeError(_ text: String) {
        var bytes = Array(text.utf8)
        while !bytes.isEmpty {
            let written = systemWrite(STDERR_FILENO, bytes, bytes.count)
            if written <= 0 { return }
            bytes.removeFirst(written)
        }
    }

    /// Text in bold where a terminal shows it.
    static func bold(_ text: String) -> String { isInteractive ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}

/// Makes a write beyond the shell's limit on the size of files (`ulimit -f`) fail as one on a full disk does,
/// instead of ending the process with a signal.
func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }

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
