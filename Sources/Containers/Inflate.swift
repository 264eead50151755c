package import ZooTensors

/// Decompression of whole runs under ``ReadLimits``.
package enum Inflate {
    /// Decompresses one run, as in a zip member.
    /// - Parameters:
    ///   - expectedCount: how many bytes the container says there are.
    ///   - prefix: stop once this many bytes are there.
    /// - Throws: ``ZooError`` when the run is damaged or isn't of the announced length.
    package static func run(
        _ source: ByteSource, wrapping: DeflateWrapping, expectedCount: Int, prefix: Int = .max,
        limits: ReadLimits
    ) throws(ZooError) -> [UInt8] {
        try checkExpansion(to: expectedCount, from: source, limits: limits)
        var result: [UInt8] = []
        let wanted = min(expectedCount, prefix)
        result.reserveCapacity(min(wanted, 1 << 26))
        let inflater = try Inflater(wrapping)
        var reader = InputReader(source)
        while true {
            let step = try reader.step(inflater)
            guard step.output.count <= expectedCount - result.count else {
                throw wrongLength(source, expected: expectedCount, found: "more")
            }
            result += step.output
            if result.count >= prefix { return Array(result.prefix(prefix)) }
            if step.isFinished {
                guard result.count == expectedCount else {
                    throw wrongLength(source, expected: expectedCount, found: "\(result.count)")
                }
                return result
            }
            if step.consumed == 0, step.output.isEmpty { throw reader.cutShort() }
        }
    }

    /// Decompresses a gzip file, which may consist of several members that follow each other.
    package static func gzip(_ source: ByteSource, limits: ReadLimits) throws(ZooError) -> [UInt8] {
        // All of it is held in memory, whatever is in it.
        var wholeFile = limits
        wholeFile.expansionRatio = min(limits.expansionRatio, 128)
        var result: [UInt8] = []
        let inflater = try Inflater(.gzip)
        var reader = InputReader(source)
        while true {
            let step = try reader.step(inflater)
            let total = try Checked.sum(result.count, step.output.count)
            try checkExpansion(to: total, from: source, limits: wholeFile)
            result += step.output
            if step.isFinished {
                if try reader.isAtEnd() { return result }
                inflater.restart()
            } else if step.consumed == 0, step.output.isEmpty {
                throw reader.cutShort()
            }
        }
    }

    private static func checkExpansion(
        to count: Int, from source: ByteSource, limits: ReadLimits
    ) throws(ZooError) {
        let (bound, overflow) = source.count.multipliedReportingOverflow(by: limits.expansionRatio)
        guard count <= limits.tensorBytes, count <= 16 << 20 || overflow || count <= bound else {
            throw ZooError(
                .limitExceeded, "compressed data expands beyond the limits", file: source.path,
                byteOffset: source.start, expected: "at most \(limits.expansionRatio) times its size",
                found: "\(count) bytes from \(source.count)")
        }
    }

    private static func wrongLength(_ source: ByteSource, expected: Int, found: String) -> ZooError {
        ZooError(
            .corrupt, "compressed data has another length than announced", file: source.path,
            byteOffset: source.start, expected: "\(expected) bytes", found: found)
    }
}

/// Feeds a source to an inflater in pieces.
private struct InputReader {
    let source: ByteSource
    var input: [UInt8] = []
    var inputOffset = 0
    var used = 0

    init(_ source: ByteSource) { self.source = source }

    mutating func refill() throws(ZooError) {
        guard used == input.count else { return }
        inputOffset += input.count
        input = try source.bytes(at: inputOffset, count: min(1 << 18, source.count - inputOffset))
        used = 0
    }

    mutating func step(_ inflater: Inflater) throws(ZooError) -> InflateStep {
        try refill()
        do throws(ZooError) {
            let step = try inflater.step(input, from: used)
            used += step.consumed
            return step
        } catch {
            throw error.adding(file: source.path, byteOffset: source.start + inputOffset)
        }
    }

    /// Whether nothing but zero padding is left.
    mutating func isAtEnd() throws(ZooError) -> Bool {
        while true {
            try refill()
            guard used < input.count else { return true }
            guard input[used] == 0 else { return false }
            used += 1
        }
    }

    func cutShort() -> ZooError {
        ZooError(
            .truncated, "the compressed data ends too early", file: source.path,
            byteOffset: source.start + inputOffset + used,
            remedy: "The file is cut short; get it again.")
    }
}
