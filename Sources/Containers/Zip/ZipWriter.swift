public import ZooTensors

/// Writes a zip archive front to back: members are stored, their data begins at a multiple of 64 bytes (so that
/// a reader that maps the file gets aligned tensors), checksums and sizes are true in both headers. Equal members
/// give equal files: there are no times.
public final class ZipWriter {
    /// From which numbers on 64-bit records are used.
    package struct Thresholds: Sendable {
        package var size = 0xFFFF_FFFF
        package var count = 0xFFFF

        package init() {}
    }

    private struct Written {
        let name: [UInt8]
        var checksum: UInt32
        let byteCount: Int
        let headerOffset: Int
    }

    /// Alignment of every member's first byte in the file.
    public static let alignment = 64

    private let file: AtomicFile
    private let thresholds: Thresholds
    private var written: [Written] = []
    private var names: Set<String> = []

    /// Begins an archive; nothing bears the name `path` until ``finish()``.
    public convenience init(path: String) throws(ZooError) {
        try self.init(path: path, thresholds: Thresholds())
    }

    package init(path: String, thresholds: Thresholds) throws(ZooError) {
        self.file = try AtomicFile(path: path)
        self.thresholds = thresholds
    }

    /// Begins an archive in a file whose name is given to it by someone else.
    package init(file: AtomicFile) {
        self.file = file
        self.thresholds = Thresholds()
    }

    /// Adds a member that is in memory.
    public func add(_ name: String, _ bytes: [UInt8]) throws(ZooError) {
        try begin(name, byteCount: bytes.count, checksum: try CRC32.of(bytes))
        try file.write(bytes)
    }

    /// Adds a member: `header`, then the tensor's elements in row-major order, little-endian.
    public func add(_ name: String, header: [UInt8] = [], tensor: Tensor) throws(ZooError) {
        let plain = try tensor.contiguous()
        var sum = CRC32()
        try sum.update(header)
        try sum.update(plain)
        try begin(name, byteCount: try Checked.sum(header.count, plain.byteCount), checksum: sum.value)
        try file.write(header)
        try file.write(plain)
    }

    /// Adds a member whose bytes come piece by piece; its checksum is put in at the end.
    /// - Parameters:
    ///   - byteCount: number of bytes that will come.
    ///   - pieces: gives them, in order, to the function that it is called with.
    package func add(
        _ name: String, byteCount: Int,
        pieces: ((UnsafeRawBufferPointer) throws(ZooError) -> Void) throws(ZooError) -> Void
    ) throws(ZooError) {
        try begin(name, byteCount: byteCount, checksum: 0)
        let start = file.byteCount
        var sum = CRC32()
        try unsafe pieces { (piece) throws(ZooError) in
            unsafe sum.update(piece)
            try unsafe file.write(piece)
        }
        guard file.byteCount - start == byteCount else {
            throw ZooError(
                .mismatch, "a zip member has another length than was announced", found: quoted(name))
        }
        try setChecksum(sum.value)
    }

    /// Adds a member with all bytes of another source.
    package func add(_ name: String, copying source: ByteSource) throws(ZooError) {
        try begin(name, byteCount: source.count, checksum: 0)
        var sum = CRC32()
        var position = 0
        while position < source.count {
            let run = try source.bytes(at: position, count: min(source.count - position, 1 << 22))
            try sum.update(run)
            try file.write(run)
            position += run.count
        }
        try setChecksum(sum.value)
    }

    /// Puts a checksum into the header of the last member.
    private func setChecksum(_ value: UInt32) throws(ZooError) {
        guard let headerOffset = written.last?.headerOffset else { return }
        written[written.count - 1].checksum = value
        var checksum: [UInt8] = []
        checksum.appendLittleEndian(value)
        try file.overwrite(at: try Checked.sum(headerOffset, ZipWriter.checksumOffset), checksum)
    }

    /// Place of the checksum in a member's header.
    private static let checksumOffset = 14

    /// Writes the table of contents and gives the file its name.
    public func finish() throws(ZooError) {
        try close()
        try file.commit()
    }

    /// Writes the table of contents.
    package func close() throws(ZooError) {
        let start = file.byteCount
        for member in written { try file.write(directoryEntry(member)) }
        let size = file.byteCount - start
        if written.count >= thresholds.count || start >= thresholds.size || size >= thresholds.size {
            try file.write(wideEndRecord(start: start, size: size))
        }
        var end: [UInt8] = [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
        let count = written.count >= thresholds.count ? UInt16.max : UInt16(truncatingIfNeeded: written.count)
        end.appendLittleEndian(count)
        end.appendLittleEndian(count)
        end.appendLittleEndian(narrow(size))
        end.appendLittleEndian(narrow(start))
        end.appendLittleEndian(UInt16(0))
        try file.write(end)
    }

    private func narrow(_ value: Int) -> UInt32 {
        value >= thresholds.size ? .max : UInt32(truncatingIfNeeded: value)
    }

    private func begin(_ name: String, byteCount: Int, checksum: UInt32) throws(ZooError) {
        let rawName = Array(name.utf8)
        guard !rawName.isEmpty, rawName.count <= 0xFFFF, names.insert(name).inserted else {
            throw ZooError(
                .invalidArgument, "a zip can't have a second or nameless member", found: quoted(name))
        }
        guard (try? ZipName.validated(rawName, byteOffset: 0, file: nil)) != nil else {
            throw ZooError(
                .invalidArgument, "a zip member's name would lead out of the archive", found: quoted(name),
                remedy: "Give the tensor a name without .. and without a slash in front.")
        }
        let isWide = byteCount >= thresholds.size
        var header: [UInt8] = [0x50, 0x4B, 3, 4]
        let place = file.byteCount
        appendCommonFields(to: &header, isWide: isWide, checksum: checksum)
        header.appendLittleEndian(isWide ? UInt32.max : UInt32(truncatingIfNeeded: byteCount))
        header.appendLittleEndian(isWide ? UInt32.max : UInt32(truncatingIfNeeded: byteCount))
        header.appendLittleEndian(UInt16(truncatingIfNeeded: rawName.count))
        let wideCount = isWide ? 20 : 0
        let unpadded = place + 30 + rawName.count + wideCount + 4
        let padding = (ZipWriter.alignment - unpadded % ZipWriter.alignment) % ZipWriter.alignment
        header.appendLittleEndian(UInt16(truncatingIfNeeded: wideCount + 4 + padding))
        header += rawName
        if isWide {
            header += [1, 0, 16, 0]
            header.appendLittleEndian(UInt64(byteCount))
            header.appendLittleEndian(UInt64(byteCount))
        }
        // PyTorch's own padding field: the id "FB", then the letter Z.
        header += [0x46, 0x42]
        header.appendLittleEndian(UInt16(truncatingIfNeeded: padding))
        header += [UInt8](repeating: 0x5A, count: padding)
        try file.write(header)
        written.append(
            Written(name: rawName, checksum: checksum, byteCount: byteCount, headerOffset: place))
    }

    /// Version, flags, method, time and checksum, which both headers have in the same order.
    private func appendCommonFields(to header: inout [UInt8], isWide: Bool, checksum: UInt32) {
        header.appendLittleEndian(UInt16(isWide ? 45 : 20))
        header.appendLittleEndian(UInt16(0x800))
        header.appendLittleEndian(UInt16(0))
        header.appendLittleEndian(UInt16(0))
        // The first of January 1980, the earliest day there is in a zip.
        header.appendLittleEndian(UInt16(0x21))
        header.appendLittleEndian(checksum)
    }

    private func directoryEntry(_ member: Written) -> [UInt8] {
        let isWide = member.byteCount >= thresholds.size
        let isFar = member.headerOffset >= thresholds.size
        var extra: [UInt8] = []
        if isWide || isFar {
            extra += [1, 0, (isWide ? 16 : 0) + (isFar ? 8 : 0), 0]
            if isWide {
                extra.appendLittleEndian(UInt64(member.byteCount))
                extra.appendLittleEndian(UInt64(member.byteCount))
            }
            if isFar { extra.appendLittleEndian(UInt64(member.headerOffset)) }
        }
        var entry: [UInt8] = [0x50, 0x4B, 1, 2]
        entry.appendLittleEndian(UInt16(isWide || isFar ? 45 : 20))
        appendCommonFields(to: &entry, isWide: isWide || isFar, checksum: member.checksum)
        entry.appendLittleEndian(narrow(member.byteCount))
        entry.appendLittleEndian(narrow(member.byteCount))
        entry.appendLittleEndian(UInt16(truncatingIfNeeded: member.name.count))
        entry.appendLittleEndian(UInt16(truncatingIfNeeded: extra.count))
        entry += [UInt8](repeating: 0, count: 10)
        entry.appendLittleEndian(narrow(member.headerOffset))
        return entry + member.name + extra
    }

    private func wideEndRecord(start: Int, size: Int) -> [UInt8] {
        let place = file.byteCount
        var record: [UInt8] = [0x50, 0x4B, 6, 6]
        record.appendLittleEndian(UInt64(44))
        record.appendLittleEndian(UInt16(45))
        record.appendLittleEndian(UInt16(45))
        record.appendLittleEndian(UInt64(0))
        record.appendLittleEndian(UInt64(written.count))
        record.appendLittleEndian(UInt64(written.count))
        record.appendLittleEndian(UInt64(size))
        record.appendLittleEndian(UInt64(start))
        record += [0x50, 0x4B, 6, 7, 0, 0, 0, 0]
        record.appendLittleEndian(UInt64(place))
        record.appendLittleEndian(UInt32(1))
        return record
    }
}
