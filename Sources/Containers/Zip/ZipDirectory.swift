internal import ZooTensors

/// A zip's table of contents as it stands in the file: the one place that says what is inside. Local headers
/// are only consulted to find where a member's bytes begin (PyTorch writes zeros into the rest of them).
struct ZipDirectory {
    struct Entry {
        var name: String
        /// Bytes of the name as it stands in the file.
        var nameByteCount: Int
        var method: UInt16
        var flags: UInt16
        var checksum: UInt32
        var compressedByteCount: Int
        var byteCount: Int
        var headerOffset: Int
        /// Where the next member, or the table of contents, begins.
        var boundary: Int
    }

    private(set) var entries: [Entry] = []

    /// Reads all entries; names are valid and unique, and no two members overlap.
    init(_ source: ByteSource, limits: ReadLimits) throws(ZooError) {
        let end = try ZipEndRecord(source)
        guard end.entryCount <= limits.entryCount, end.directorySize <= limits.headerBytes else {
            throw ZooError(
                .limitExceeded, "the zip has too many members", file: source.path,
                expected: "at most \(limits.entryCount)", found: "\(end.entryCount)")
        }
        let table = try source.slice(at: end.directoryOffset, count: end.directorySize)
        var cursor = try ByteCursor(table)
        var names: Set<String> = []
        for _ in 0..<end.entryCount {
            let place = cursor.fileOffset
            let entry = try ZipDirectory.entry(&cursor, source)
            guard names.insert(entry.name).inserted else {
                throw ZooError(
                    .corrupt, "the zip has two members named \(quoted(entry.name))", file: source.path,
                    byteOffset: place)
            }
            entries.append(entry)
        }
        guard cursor.remaining == 0 else {
            throw ZooError(
                .corrupt, "the zip has more members than it counts", file: source.path,
                byteOffset: cursor.fileOffset, expected: "\(end.entryCount)")
        }
        try setBoundaries(directoryOffset: end.directoryOffset, source)
    }

    private static func entry(_ cursor: inout ByteCursor, _ source: ByteSource) throws(ZooError) -> Entry {
        let place = cursor.fileOffset
        guard try cursor.bytes(4) == [0x50, 0x4B, 1, 2] else {
            throw ZooError(
                .corrupt, "the zip's table of contents is damaged", file: source.path, byteOffset: place,
                remedy: "The file is damaged; get it again.")
        }
        try cursor.skip(4)
        let flags = try cursor.integer(UInt16.self)
        let method = try cursor.integer(UInt16.self)
        try cursor.skip(4)
        let checksum = try cursor.integer(UInt32.self)
        let compressed = try cursor.integer(UInt32.self)
        let plain = try cursor.integer(UInt32.self)
        let nameCount = Int(try cursor.integer(UInt16.self))
        let extraCount = Int(try cursor.integer(UInt16.self))
        let commentCount = Int(try cursor.integer(UInt16.self))
        let disk = try cursor.integer(UInt16.self)
        try cursor.skip(6)
        let offset = try cursor.integer(UInt32.self)
        let name = try ZipName.validated(try cursor.bytes(nameCount), byteOffset: place, file: source.path)
        let extra = try cursor.bytes(extraCount)
        try cursor.skip(commentCount)
        guard flags & 0x2041 == 0 else {
            throw ZooError(
                .unsupported, "the zip member \(quoted(name)) is encrypted", file: source.path,
                byteOffset: place,
                remedy: "Unpack it with its password first.")
        }
        guard disk == 0 || disk == .max else {
            throw ZooError(
                .unsupported, "this is one part of a zip that spans several files", file: source.path,
                byteOffset: place)
        }
        var wide = try Zip64Extra(extra, byteOffset: place, file: source.path)
        return Entry(
            name: name, nameByteCount: nameCount, method: method, flags: flags, checksum: checksum,
            compressedByteCount: 0, byteCount: try wide.resolve(plain), headerOffset: 0, boundary: 0
        ).completed(compressed: try wide.resolve(compressed), offset: try wide.resolve(offset))
    }

    /// Members may not overlap: each must end before the next begins.
    private mutating func setBoundaries(directoryOffset: Int, _ source: ByteSource) throws(ZooError) {
        let order = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
        var boundary = directoryOffset
        for index in order.reversed() {
            let entry = entries[index]
            let least = try Checked.sum(
                try Checked.sum(entry.headerOffset, 30 + entry.nameByteCount), entry.compressedByteCount)
            guard least <= boundary else {
                throw ZooError(
                    .corrupt, "the zip member \(quoted(entry.name)) overlaps what follows it",
                    file: source.path,
                    byteOffset: source.start.addingReportingOverflow(entry.headerOffset).partialValue,
                    expected: "an end at or before byte \(boundary)", found: "\(least)",
                    remedy: "The file is cut short or damaged; get it again.")
            }
            entries[index].boundary = boundary
            boundary = entry.headerOffset
        }
    }
}

extension ZipDirectory.Entry {
    fileprivate func completed(compressed: Int, offset: Int) -> ZipDirectory.Entry {
        var copy = self
        copy.compressedByteCount = compressed
        copy.headerOffset = offset
        return copy
    }
}

/// The 64-bit numbers of an entry whose 32-bit fields are full, in the order in which the fields stand.
private struct Zip64Extra {
    private var numbers: ArraySlice<UInt8> = []
    private let byteOffset: Int
    private let file: String?

    init(_ extra: [UInt8], byteOffset: Int, file: String?) throws(ZooError) {
        self.byteOffset = byteOffset
        self.file = file
        var rest = extra[...]
        while rest.count >= 4 {
            let header = Array(rest.prefix(4))
            let count = Int(header[2]) | Int(header[3]) << 8
            rest = rest.dropFirst(4)
            if header[0] == 1, header[1] == 0 {
                guard count <= rest.count else { break }
                numbers = rest.prefix(count)
                return
            }
            rest = rest.dropFirst(count)
        }
    }

    mutating func resolve(_ narrow: UInt32) throws(ZooError) -> Int {
        guard narrow == .max else { return try Checked.int(narrow) }
        guard numbers.count >= 8 else {
            throw ZooError(
                .corrupt, "a zip member's 64-bit size is missing", file: file, byteOffset: byteOffset)
        }
        let value = numbers.prefix(8).reversed().reduce(UInt64.zero) { $0 << 8 | UInt64($1) }
        numbers = numbers.dropFirst(8)
        return try Checked.int(value)
    }
}

/// Text from a file inside a message: short, and without anything that could act on a terminal.
package func quoted(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(120) {
        let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
        result.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
    }
    return "\"" + result + (text.unicodeScalars.count > 120 ? "…\"" : "\"")
}
