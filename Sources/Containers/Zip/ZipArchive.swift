public import ZooTensors

/// A zip archive, read through its table of contents alone. Opening it reads no member.
///
/// Stored and deflated members are supported, zip64 included. Encrypted members, members that overlap, repeated
/// and unsafe names are refused.
public struct ZipArchive: Sendable {
    /// The members in the order of the table of contents.
    public let members: [ZipMember]
    /// Whether members carry checksums. `torch.serialization.set_crc32_options(False)` writes zeros.
    public let hasChecksums: Bool
    private let positions: [String: Int]
    private let entries: [ZipDirectory.Entry]
    private let source: ByteSource

    /// Opens an archive.
    /// - Throws: ``ZooError`` when it is cut short, damaged, or refused.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        let entries = try ZipDirectory(source, limits: limits).entries
        let hasChecksums = entries.allSatisfy { $0.byteCount == 0 } || entries.contains { $0.checksum != 0 }
        var positions: [String: Int] = [:]
        var members: [ZipMember] = []
        for (position, entry) in entries.enumerated() {
            positions[entry.name] = position
            members.append(ZipMember(entry: entry, source: source, limits: limits, hasChecksum: hasChecksums))
        }
        self.entries = entries
        self.source = source
        self.members = members
        self.positions = positions
        self.hasChecksums = hasChecksums
    }

    /// Runs of bytes that belong to no member and to no table: before the first member, between members, after the
    /// end. Ordinary writers leave none; something may be hidden there.
    /// - Throws: ``ZooError`` when a member's local header is damaged.
    package func unclaimedBytes() throws(ZooError) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        let first = entries.map(\.headerOffset).min() ?? 0
        if first > 0 { runs.append(0..<first) }
        for entry in entries {
            let header = try source.bytes(at: entry.headerOffset, count: 30)
            let nameCount = Int(header[26]) | Int(header[27]) << 8
            let extraCount = Int(header[28]) | Int(header[29]) << 8
            var end = try Checked.sum(
                try Checked.sum(entry.headerOffset, 30 + nameCount + extraCount), entry.compressedByteCount)
            // A data descriptor follows: signature, checksum and two sizes of four or eight bytes.
            if entry.flags & 8 != 0 { end = min(try Checked.sum(end, 24), entry.boundary) }
            if entry.boundary > end { runs.append(end..<entry.boundary) }
        }
        let end = try ZipEndRecord(source).end
        if end < source.count { runs.append(end..<source.count) }
        return runs.sorted { $0.lowerBound < $1.lowerBound }
    }

    /// The member with a name.
    public subscript(name: String) -> ZipMember? { positions[name].map { members[$0] } }
}
