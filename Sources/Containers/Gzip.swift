public import ZooTensors

/// `.gz` files: RFC 1952 over zlib.
public enum Gzip {
    /// The bytes inside a gzip file; several members that follow each other are one run, zero padding is passed
    /// over. Checksums and lengths are verified.
    /// - Throws: ``ZooError`` for damaged or cut data, and beyond the limits.
    public static func decompress(
        _ source: ByteSource, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> [UInt8] {
        try Inflate.gzip(source, limits: limits)
    }

    /// One gzip member that holds `bytes`; without name and time, so that equal bytes give equal files.
    public static func compress(_ bytes: [UInt8]) throws(ZooError) -> [UInt8] {
        try deflated(bytes, wrapping: .gzip)
    }

    /// Whether a file begins like gzip.
    public static func matches(_ firstBytes: [UInt8]) -> Bool { firstBytes.starts(with: [0x1F, 0x8B, 0x08]) }
}
