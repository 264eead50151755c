internal import ZooTensors

/// Where a zip's table of contents lies, from the records at the end of the file.
struct ZipEndRecord {
    let entryCount: Int
    let directoryOffset: Int
    let directorySize: Int
    /// The first byte after the record and its comment.
    let end: Int

    private static let size = 22
    private static let locatorSize = 20
    private static let signature: [UInt8] = [0x50, 0x4B, 5, 6]

    /// Finds and reads the end record, and the zip64 one where there is one.
    init(_ source: ByteSource) throws(ZooError) {
        let tailCount = min(source.count, ZipEndRecord.size + 0xFFFF)
        let tailStart = source.count - tailCount
        let tail = try source.bytes(at: tailStart, count: tailCount)
        guard let place = ZipEndRecord.find(in: tail) else {
            throw ZooError(
                .truncated, "the zip's table of contents is missing", file: source.path,
                byteOffset: source.start + tailStart,
                remedy: "The file is cut short or damaged; get it again.")
        }
        let end = tailStart + place
        var cursor = try ByteCursor(source, at: end + 4)
        let disks = (try cursor.integer(UInt16.self), try cursor.integer(UInt16.self))
        let counts = (try cursor.integer(UInt16.self), try cursor.integer(UInt16.self))
        let size = try cursor.integer(UInt32.self)
        let offset = try cursor.integer(UInt32.self)

        let commentCount = Int(try cursor.integer(UInt16.self))
        self.end = try Checked.sum(end, ZipEndRecord.size + commentCount)

        var directoryEnd = end
        var count = UInt64(counts.1)
        var wideSize = UInt64(size)
        var wideOffset = UInt64(offset)
        var singleDisk = (disks.0 == 0 || disks.0 == .max) && (disks.1 == 0 || disks.1 == .max)
        singleDisk = singleDisk && counts.0 == counts.1
        if let wide = try Zip64EndRecord(source, before: end) {
            directoryEnd = wide.position
            singleDisk = singleDisk && wide.isSingleDisk
            count = try ZipEndRecord.merge(count, wide.entryCount, marker: 0xFFFF, end, source)
            wideSize = try ZipEndRecord.merge(wideSize, wide.directorySize, marker: 0xFFFF_FFFF, end, source)
            wideOffset = try ZipEndRecord.merge(
                wideOffset, wide.directoryOffset, marker: 0xFFFF_FFFF, end, source)
        }
        guard singleDisk else {
            throw ZooError(
                .unsupported, "this is one part of a zip that spans several files", file: source.path,
                byteOffset: source.start + end)
        }
        entryCount = try Checked.int(count)
        directoryOffset = try Checked.int(wideOffset)
        directorySize = try Checked.int(wideSize)
        guard try Checked.sum(directoryOffset, directorySize) <= directoryEnd else {
            throw ZooError(
                .corrupt, "the zip's table of contents lies outside the file", file: source.path,
                byteOffset: source.start + end, expected: "an end at or before byte \(directoryEnd)",
                found: "\(directoryOffset) + \(directorySize)",
                remedy: "The file is cut short or damaged; get it again.")
        }
    }

    /// The last place where an end record fits; bytes after it are tolerated, as PyTorch does.
    private static func find(in tail: [UInt8]) -> Int? {
        var place = tail.count - size
        while place >= 0 {
            if tail[place] == 0x50, tail[place..<(place + 4)].elementsEqual(signature) {
                let comment = Int(tail[place + 20]) | Int(tail[place + 21]) << 8
                if place + size + comment <= tail.count { return place }
            }
            place -= 1
        }
        return nil
    }

    /// A value that both records give must be the same in both.
    private static func merge(
        _ narrow: UInt64, _ wide: UInt64, marker: UInt64, _ end: Int, _ source: ByteSource
    ) throws(ZooError) -> UInt64 {
        guard narrow == marker || narrow == wide else {
            throw ZooError(
                .corrupt, "the zip's two end records contradict each other", file: source.path,
                byteOffset: source.start + end, expected: "\(wide)", found: "\(narrow)")
        }
        return wide
    }

    private struct Zip64EndRecord {
        let position: Int
        let entryCount: UInt64
        let directorySize: UInt64
        let directoryOffset: UInt64
        let isSingleDisk: Bool

        /// Reads the record that the locator before the ordinary end record points to; `nil` without a locator.
        init?(_ source: ByteSource, before end: Int) throws(ZooError) {
            guard end >= ZipEndRecord.locatorSize else { return nil }
            let locator = end - ZipEndRecord.locatorSize
            guard try source.bytes(at: locator, count: 4) == [0x50, 0x4B, 6, 7] else { return nil }
            let place = try Checked.int(try source.littleEndian(UInt64.self, at: locator + 8))
            guard place <= locator, locator - place >= 56,
                try source.bytes(at: place, count: 4) == [0x50, 0x4B, 6, 6]
            else {
                throw ZooError(
                    .corrupt, "the zip64 end record is missing", file: source.path,
                    byteOffset: source.start + locator)
            }
            var cursor = try ByteCursor(source, at: place + 16)
            let disks = (try cursor.integer(UInt32.self), try cursor.integer(UInt32.self))
            let counts = (try cursor.integer(UInt64.self), try cursor.integer(UInt64.self))
            position = place
            entryCount = counts.1
            directorySize = try cursor.integer(UInt64.self)
            directoryOffset = try cursor.integer(UInt64.self)
            isSingleDisk = disks.0 == 0 && disks.1 == 0 && counts.0 == counts.1
        }
    }
}
