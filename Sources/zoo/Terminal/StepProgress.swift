import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How many of many things are done, on standard error: nothing for two seconds; from then on a line that is
/// redrawn for a person, and one every ten seconds for a log.
final class StepProgress {
    private let things: String
    private let total: Int
    private let begin = MonotonicSeconds.now
    private let isInteractive = isatty(STDERR_FILENO) == 1
    private var lastShown = 0.0
    private var isShown = false

    /// - Parameters:
    ///   - things: what is counted: `pictures`.
    ///   - total: how many there are.
    init(_ things: String, of total: Int) {
        self.things = things
        self.total = total
    }

    /// So many are done, of all.
    func show(_ done: Int) {
        let now = MonotonicSeconds.now
        guard now - begin > 2, done < total, now - lastShown > (isInteractive ? 0.2 : 10) else { return }
        lastShown = now
        let left = (now - begin) / Double(max(done, 1)) * Double(total - done)
        let text = "\(Numbers.grouped(done)) of \(Numbers.grouped(total)) \(things), \(Int(left) + 1) s left"
        if isInteractive {
            Terminal.writeError("\r  \(text)\u{1B}[K")
            isShown = true
        } else {
            Terminal.printError(text)
        }
    }

    /// Takes the line away.
    func finish() {
        if isShown { Terminal.writeError("\r\u{1B}[K") }
        isShown = false
    }
}
