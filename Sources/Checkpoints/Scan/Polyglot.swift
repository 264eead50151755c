internal import ZooContainers
internal import ZooTensors

/// Files that are two things at once: what a loader that looks at the end of a file, or further in, would see.
enum Polyglot {
    /// A table of contents of a zip at the end of a file that isn't one; in a zip, a second one.
    static func hidden(
        in source: ByteSource, _ kind: FileKind
    ) throws(ZooError) -> (text: String, byteOffset: Int)? {
        guard source.count >= 22 else { return nil }
        let ends = try zipEnds(source)
        let first = try source.bytes(at: 0, count: 4)
        if first == [0x50, 0x4B, 3, 4] || first == [0x50, 0x4B, 5, 6] {
            // Readers that search forwards and those that search backwards then see different archives.
            guard ends.count > 1 else { return nil }
            return ("the archive has more than one end", ends[0])
        }
        guard let end = ends.first else { return nil }
        return ("the file is \(kind.rawValue) and, read from its end, a zip archive", end)
    }

    /// Places of end records in the last 64 KiB that a reader might take: the comment fits, and what the record says
    /// of the table of contents is true, counted from the file's beginning or from the record.
    private static func zipEnds(_ source: ByteSource) throws(ZooError) -> [Int] {
        let count = min(source.count, (1 << 16) + 22)
        let start = source.count - count
        let tail = try source.bytes(at: start, count: count)
        var ends: [Int] = []
        for place in 0...(count - 22) where tail[place] == 0x50 {
            guard tail[(place + 1)..<(place + 4)].elementsEqual([0x4B, 5, 6]) else { continue }
            func number(_ offset: Int, _ width: Int) -> Int {
                (0..<width).reduce(0) { $0 | Int(tail[place + offset + $1]) << (8 * $1) }
            }
            guard place + 22 + number(20, 2) <= count else { continue }
            let (size, offset) = (number(12, 4), number(16, 4))
            let isEmpty = number(10, 2) == 0 && size == 0
            let isWide = size == 0xFFFF_FFFF || offset == 0xFFFF_FFFF || number(10, 2) == 0xFFFF
            let tables = [start + place - size, offset]
            let hasTable = tables.contains { table in
                table >= 0 && table <= source.count - 4
                    && (try? source.bytes(at: table, count: 4)) == [0x50, 0x4B, 1, 2]
            }
            if isEmpty || isWide || hasTable { ends.append(start + place) }
        }
        return ends
    }

    /// Where a PNG file's last chunk ends; `nil` when it has none.
    static func endOfPNG(_ source: ByteSource) throws(ZooError) -> Int? {
        var position = 8
        while position <= source.count - 12 {
            let header = try source.bytes(at: position, count: 8)
            let length = header[..<4].reduce(0) { $0 << 8 | Int($1) }
            guard length <= source.count - position - 12 else { return nil }
            position += 12 + length
            if header[4...].elementsEqual(Array("IEND".utf8)) { return position }
        }
        return nil
    }
}
