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
        self.members = members
        self.positions = positions
        self.hasChecksums = hasChecksums
    }

    /// The member with a name.
    public subscript(name: String) -> ZipMember? { positions[name].map { members[$0] } }
}
