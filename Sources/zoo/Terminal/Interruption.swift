import Menagerie
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What happens on Ctrl-C, and when the system asks the command to end: no half-written file stays, a line or two on
/// standard error says how things stand, and the exit code is 128 and the signal's number, as shells have it.
enum Interruption {
    /// What to say instead of naming the outputs that weren't written.
    private static let advice = Mutex<(@Sendable () -> String)?>(nil)

    /// Begins to watch for signals, for the whole process. To be called before other threads are made, since
    /// they take over which signals are blocked: all leave them to one thread that waits for them, where, other
    /// than in a signal handler, everything may be done. Signals that the caller had ignored (`nohup`) stay so.
    static func watch() {
        let signals = watchedSignals()
        guard !signals.isEmpty else { return }
        var set = signalSet(signals)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let outcome = unsafe pthread_create(
            &thread, nil,
            { _ in
                Interruption.wait()
                return nil
            }, nil)
        if outcome != 0 { unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil) }
    }

    /// Sets what the line says after its first word.
    static func advise(_ text: @escaping @Sendable () -> String) { advice.withLock { $0 = text } }

    private static func wait() {
        var set = signalSet(watchedSignals())
        var number: Int32 = 0
        guard unsafe sigwait(&set, &number) == 0 else { return }
        // Another Ctrl-C ends the process at once, should the following take long.
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        let received = number
        TemporaryFiles.removeAll { outputs in
            let text = advice.withLock { $0 }?() ?? notWritten(outputs)
            let clearLine = isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : ""
            Terminal.printError("\(word(for: received))\(text)", start: clearLine)
            // Not exit(3), which would tear down what other threads still use.
            _exit(128 + received)
        }
    }

    private static func notWritten(_ outputs: [String]) -> String {
        switch outputs.count {
        case 0: "."
        case 1: "; \(outputs[0]) is not written."
        default: "; \(outputs.joined(separator: ", ")) are not written."
        }
    }

    private static func word(for signal: Int32) -> String {
        switch signal {
        case SIGINT: "Interrupted"
        case SIGHUP: "Hung up"
        default: "Terminated"
        }
    }

    /// The signals that ask for an end, without those that whoever started the process had it ignore.
    private static func watchedSignals() -> [Int32] {
        [SIGINT, SIGTERM, SIGHUP].filter { signal in
            var action = sigaction()
            guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
            #if canImport(Darwin)
                let handler = unsafe action.__sigaction_u.__sa_handler
            #elseif canImport(Musl)
                let handler = unsafe action.__sa_handler.sa_handler
            #else
                let handler = unsafe action.__sigaction_handler.sa_handler
            #endif
            // SIG_IGN is the address 1.
            return unsafe unsafeBitCast(handler, to: Int.self) != 1
        }
    }

    private static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }
}
