import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How far work on many bytes is, on standard error: nothing for two seconds; from then on a bar for a person, and a
/// line now and then for a log.
final class CopyProgress {
    private let verb: String
    private let total: Int
    private let begin = MonotonicSeconds.now
    private let isInteractive = isatty(STDERR_FILENO) == 1
    private var done = 0
    private var lastShown = 0.0
    private var isBarShown = false

    private static let patience = 2.0
    /// Less than this is never worth a line in a log.
    private static let leastLoggedByteCount = 64 << 20

    /// - Parameters:
    ///   - verb: what is done to the bytes: `copied`.
    ///   - total: how many there are.
    init(_ verb: String, of total: Int) {
        self.verb = verb
        self.total = total
    }

    /// So many bytes more are done.
    func advance(_ count: Int) {
        done += count
        let now = MonotonicSeconds.now
        guard now - begin > CopyProgress.patience, done < total else { return }
        guard now - lastShown > (isInteractive ? 0.2 : 10) else { return }
        lastShown = now
        let share = Double(done) / Double(max(total, 1))
        let rate = Numbers.bytes(Int(Double(done) / (now - begin)))
        let text =
            "\(verb) \(Numbers.bytes(done)) of \(Numbers.bytes(total)), \(Numbers.percent(share)), \(rate)/s"
        if isInteractive {
            let filled = Int(share * 20)
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled)
            Terminal.writeError("\r  \(bar) \(text)\u{1B}[K")
            isBarShown = true
        } else if total >= CopyProgress.leastLoggedByteCount {
            Terminal.printError(text)
        }
    }

    /// Takes the bar away.
    func finish() {
        if isBarShown { Terminal.writeError("\r\u{1B}[K") }
        isBarShown = false
    }
}
