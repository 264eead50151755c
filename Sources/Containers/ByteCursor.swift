package import ZooTensors

/// Reads a source from front to back through a small window, so that a header or a pickle at the front of a
/// large file costs a few system calls and no memory.
package struct ByteCursor {
    private let source: ByteSource
    private let windowSize: Int
    private var window: [UInt8] = []
    private var windowStart = 0
    /// Offset of the next byte inside the source; never beyond its end.
    package private(set) var position: Int

    /// Begins at `position`.
    /// - Throws: ``ZooError`` when the source ends before it.
    package init(_ source: ByteSource, at position: Int = 0, windowSize: Int = 1 << 16) throws(ZooError) {
        _ = try source.slice(at: position, count: 0)
        self.source = source
        self.position = position
        self.windowSize = windowSize
    }

    /// Bytes that are left.
    package var remaining: Int { source.count - position }

    /// Offset of the next byte in the whole file, for errors.
    package var fileOffset: Int { source.start.addingReportingOverflow(position).partialValue }

    /// The next byte.
    package mutating func byte() throws(ZooError) -> UInt8 {
        let index = position - windowStart
        if index >= 0, index < window.count {
            position += 1
            return window[index]
        }
        guard remaining > 0 else { throw truncated(1) }
        window = try source.bytes(at: position, count: min(windowSize, remaining))
        windowStart = position
        guard let first = window.first else { throw truncated(1) }
        position += 1
        return first
    }

    /// The next `count` bytes.
    package mutating func bytes(_ count: Int) throws(ZooError) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw truncated(count) }
        let index = position - windowStart
        if index >= 0, index <= window.count, count <= window.count - index {
            position += count
            return Array(window[index..<(index + count)])
        }
        if count > windowSize / 4 {
            let result = try source.bytes(at: position, count: count)
            position += count
            return result
        }
        window = try source.bytes(at: position, count: min(windowSize, remaining))
        windowStart = position
        guard count <= window.count else { throw truncated(count) }
        position += count
        return Array(window[..<count])
    }

    /// Passes over `count` bytes.
    package mutating func skip(_ count: Int) throws(ZooError) {
        guard count >= 0, count <= remaining else { throw truncated(count) }
        position += count
    }

    /// The next little-endian integer of `T`'s width.
    package mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(ZooError) -> T {
        var value = T.zero
        var shift = 0
        while shift < T.bitWidth {
            value |= T(truncatingIfNeeded: try byte()) << T(truncatingIfNeeded: shift)
            shift += 8
        }
        return value
    }

    /// The bytes up to the next newline, which is passed over and left out.
    package mutating func line(maximum: Int) throws(ZooError) -> [UInt8] {
        var result: [UInt8] = []
        while true {
            let next = try byte()
            if next == 0x0A { return result }
            guard result.count < maximum else {
                throw ZooError(
                    .limitExceeded, "a line is longer than \(maximum) bytes", file: source.path,
                    byteOffset: fileOffset)
            }
            result.append(next)
        }
    }

    private func truncated(_ wanted: Int) -> ZooError {
        ZooError(
            .truncated, "the file ends too early", file: source.path, byteOffset: fileOffset,
            expected: "\(wanted) bytes", found: "\(remaining)",
            remedy: "The file is cut short or damaged; get it again.")
    }
}
