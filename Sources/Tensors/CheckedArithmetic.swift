/// Arithmetic on numbers that came from a file: overflow is the file's fault and an error, never a trap.
public enum Checked {
    /// `a + b`.
    public static func sum(_ a: Int, _ b: Int) throws(ZooError) -> Int {
        let (value, overflow) = a.addingReportingOverflow(b)
        guard !overflow else { throw overflowed(a, b) }
        return value
    }

    /// `a × b`.
    public static func product(_ a: Int, _ b: Int) throws(ZooError) -> Int {
        let (value, overflow) = a.multipliedReportingOverflow(by: b)
        guard !overflow else { throw overflowed(a, b) }
        return value
    }

    /// An integer of any width as an `Int`.
    public static func int(_ value: some BinaryInteger) throws(ZooError) -> Int {
        guard let exact = Int(exactly: value) else {
            throw ZooError(.corrupt, "the number \(value) is too large for a size or an offset")
        }
        return exact
    }

    private static func overflowed(_ a: Int, _ b: Int) -> ZooError {
        ZooError(.corrupt, "sizes in the file are too large to add up (\(a) and \(b))")
    }
}
