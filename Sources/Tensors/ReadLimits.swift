/// How much a file from a stranger may ask for before reading stops with an error. Sizes are also always
/// checked against the file itself; these bounds catch what compression and nesting could blow up.
public struct ReadLimits: Sendable, Hashable {
    /// Bytes of a header or of a pickle, also after decompression.
    public var headerBytes = 100 << 20
    /// Bytes of all tensors together, after decompression.
    public var tensorBytes = 64 << 30
    /// Tensors, members, datasets, attributes: entries in any one table.
    public var entryCount = 1_000_000
    /// How deep values may nest.
    public var nestingDepth = 256
    /// How many times larger than its compressed form a decompressed run may be, once it is over 16 MiB.
    public var expansionRatio = 1_100

    /// The defaults.
    public init() {}
}
