public import ZooTensors

/// One member of a zip archive; its bytes are read on demand.
public struct ZipMember: Sendable {
    private let entry: ZipDirectory.Entry
    private let archive: ByteSource
    private let limits: ReadLimits
    private let hasChecksum: Bool

    init(entry: ZipDirectory.Entry, source: ByteSource, limits: ReadLimits, hasChecksum: Bool) {
        self.entry = entry
        self.archive = source
        self.limits = limits
        self.hasChecksum = hasChecksum
    }

    /// Path inside the archive.
    public var name: String { entry.name }
    /// Number of bytes, decompressed.
    public var byteCount: Int { entry.byteCount }
    /// Whether this is an entry for a folder.
    public var isFolder: Bool { name.hasSuffix("/") }
    /// Whether the bytes lie in the file as they are.
    public var isStored: Bool { entry.method == 0 }

    /// The bytes: a part of the file when the member is stored (not read, and thus not checked, yet), else
    /// decompressed into memory and checked.
    /// - Throws: ``ZooError`` when the member is damaged or compressed by an unsupported method.
    public func source() throws(ZooError) -> ByteSource {
        let raw = try rawBytes()
        if isStored { return raw }
        let plain = try Inflate.run(raw, wrapping: .raw, expectedCount: byteCount, limits: limits)
        var sum = CRC32()
        try sum.update(plain)
        try check(sum)
        return ByteSource(bytes: plain, path: archive.path)
    }

    /// The bytes of a member that is a pickle, checked against the checksum. A pickle costs many times its bytes in
    /// memory, so it may not be compressed as much as numbers: real ones shrink to a tenth.
    package func pickle() throws(ZooError) -> ByteSource {
        try checkExpansion(to: 32, above: 1 << 20)
        guard isStored else { return try source() }
        _ = try bytes()
        return try rawBytes()
    }

    /// The bytes of a member that is a file with tensors in it, which is held in memory when it is compressed.
    package func file() throws(ZooError) -> ByteSource {
        try checkExpansion(to: 128, above: 16 << 20)
        return try source()
    }

    private func checkExpansion(to ratio: Int, above floor: Int) throws(ZooError) {
        guard byteCount > floor, !isStored, byteCount / ratio > entry.compressedByteCount else { return }
        throw ZooError(
            .limitExceeded, "the zip member \(quoted(name)) expands beyond the limits", file: archive.path,
            byteOffset: fileOffset, expected: "at most \(ratio) times its size",
            found: "\(byteCount) bytes from \(entry.compressedByteCount)")
    }

    /// All bytes, checked against the checksum.
    public func bytes() throws(ZooError) -> [UInt8] {
        let source = try source()
        let all = try source.allBytes()
        if isStored {
            var sum = CRC32()
            try sum.update(all)
            try check(sum)
        }
        return all
    }

    /// The first `count` bytes, or all if there are fewer; not checked against the checksum.
    public func prefix(_ count: Int) throws(ZooError) -> [UInt8] {
        let raw = try rawBytes()
        if isStored { return try raw.bytes(at: 0, count: min(count, raw.count)) }
        return try Inflate.run(raw, wrapping: .raw, expectedCount: byteCount, prefix: count, limits: limits)
    }

    /// Reads a run of bytes into memory that a tensor can use. When that leaves no more than a header's worth of
    /// bytes unread, the whole member is checked against its checksum.
    /// - Throws: ``ZooError`` when the run lies outside the member or the member is damaged.
    public func storage(at offset: Int, byteCount count: Int) throws(ZooError) -> TensorStorage {
        let plain = try source()
        let storage = try TensorStorage(reading: plain, at: offset, byteCount: count)
        guard isStored, plain.count - count <= 1 << 16 else { return storage }
        var sum = CRC32()
        try sum.update(try plain.bytes(at: 0, count: offset))
        try sum.update(storage)
        try sum.update(try plain.suffix(from: offset + count).allBytes())
        try check(sum)
        return storage
    }

    /// Refuses the checksum of all bytes that isn't the archive's.
    package func check(_ sum: CRC32) throws(ZooError) {
        guard hasChecksum, sum.value != entry.checksum else { return }
        throw ZooError(
            .checksum, "the zip member \(quoted(name)) doesn't have its checksum", file: archive.path,
            byteOffset: fileOffset, expected: hexadecimal(entry.checksum), found: hexadecimal(sum.value),
            remedy: "The file is damaged; get it again.")
    }

    private var fileOffset: Int { archive.start.addingReportingOverflow(entry.headerOffset).partialValue }

    private func corrupt(_ problem: String, expected: String? = nil, found: String? = nil) -> ZooError {
        ZooError(
            .corrupt, "the zip member \(quoted(name)) \(problem)", file: archive.path, byteOffset: fileOffset,
            expected: expected, found: found, remedy: "The file is damaged; get it again.")
    }

    /// The member's bytes as they lie in the file.
    private func rawBytes() throws(ZooError) -> ByteSource {
        guard entry.method == 0 || entry.method == 8 else {
            throw ZooError(
                .unsupported, "the zip member \(quoted(name)) is compressed by method \(entry.method)",
                file: archive.path, byteOffset: fileOffset, expected: "0 (stored) or 8 (deflated)",
                remedy: "Pack the archive again without compression.")
        }
        var cursor = try ByteCursor(archive, at: entry.headerOffset, windowSize: 512)
        guard try cursor.bytes(4) == [0x50, 0x4B, 3, 4] else { throw corrupt("has no header") }
        try cursor.skip(2)
        let flags = try cursor.integer(UInt16.self)
        let method = try cursor.integer(UInt16.self)
        try cursor.skip(4)
        let checksum = try cursor.integer(UInt32.self)
        let compressed = try cursor.integer(UInt32.self)
        let plain = try cursor.integer(UInt32.self)
        let nameCount = Int(try cursor.integer(UInt16.self))
        let extraCount = Int(try cursor.integer(UInt16.self))
        let localName = String(decoding: try cursor.bytes(nameCount), as: UTF8.self)
        guard method == entry.method, localName == name, flags & 0x2041 == 0 else {
            throw corrupt("differs between its header and the table of contents")
        }
        // With bit 3 the true numbers follow the data; a full field stands for a 64-bit number.
        if flags & 8 == 0, plain != .max, compressed != .max {
            guard plain == entry.byteCount, compressed == entry.compressedByteCount,
                checksum == entry.checksum
            else { throw corrupt("differs between its header and the table of contents") }
        }
        try cursor.skip(extraCount)
        let end = try Checked.sum(cursor.position, entry.compressedByteCount)
        guard end <= entry.boundary else {
            throw corrupt("overlaps what follows it", expected: "\(entry.boundary)", found: "\(end)")
        }
        if isStored, entry.compressedByteCount != entry.byteCount {
            throw corrupt(
                "is stored, but with two sizes", expected: "\(entry.byteCount)",
                found: "\(entry.compressedByteCount)")
        }
        return try archive.slice(at: cursor.position, count: entry.compressedByteCount)
    }
}

private func hexadecimal(_ value: UInt32) -> String { "0x" + String(value, radix: 16) }
