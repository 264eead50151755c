internal import ZooContainers
package import ZooTensors

/// Files put together again around contents that were damaged, with all lengths and checksums right, so that the
/// damage reaches what reads the contents.
package enum Rebuilt {
    /// A zip archive of members in memory.
    package static func zip(_ members: [(name: String, bytes: [UInt8])], deflated isDeflated: Bool)
        throws(ZooError) -> [UInt8]
    {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for (name, bytes) in members {
            let stored = isDeflated ? try deflated(bytes, wrapping: .raw) : bytes
            // Version, flags, method, time, date; checksum and sizes; lengths of the name and of nothing more.
            var fields: [UInt8] = [20, 0, 0, 0, isDeflated ? 8 : 0, 0, 0, 0, 0x21, 0]
            fields += littleEndian(try CRC32.of(bytes)) + littleEndian(UInt32(stored.count))
            fields += littleEndian(UInt32(bytes.count)) + littleEndian(UInt16(name.utf8.count)) + [0, 0]
            directory += [0x50, 0x4B, 1, 2, 20, 0] + fields + [UInt8](repeating: 0, count: 10)
            directory += littleEndian(UInt32(file.count)) + Array(name.utf8)
            file += [0x50, 0x4B, 3, 4] + fields + Array(name.utf8) + stored
        }
        let start = UInt32(file.count)
        let count = littleEndian(UInt16(members.count))
        return file + directory + [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + count + count
            + littleEndian(UInt32(directory.count)) + littleEndian(start) + [0, 0]
    }

    /// A PNG file whose chunks have their right checksums; what follows the last whole chunk stays as it is.
    package static func png(withChecksumsOf bytes: [UInt8]) throws(ZooError) -> [UInt8] {
        var result = bytes
        var place = 8
        while place + 12 <= result.count {
            let length = result[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard length <= result.count - place - 12 else { break }
            let checksum = try CRC32.of(Array(result[(place + 4)..<(place + 8 + length)]))
            result.replaceSubrange(
                (place + 8 + length)..<(place + 12 + length), with: littleEndian(checksum).reversed())
            place += 12 + length
        }
        return result
    }

    /// A PNG file's chunks.
    package static func chunks(ofPNG bytes: [UInt8]) -> [(type: [UInt8], content: [UInt8])] {
        var chunks: [(type: [UInt8], content: [UInt8])] = []
        var place = 8
        while place + 12 <= bytes.count {
            let length = bytes[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard length <= bytes.count - place - 12 else { break }
            chunks.append(
                (Array(bytes[(place + 4)..<(place + 8)]), Array(bytes[(place + 8)..<(place + 8 + length)])))
            place += 12 + length
        }
        return chunks
    }

    /// A PNG file of chunks, their lengths and checksums right.
    package static func png(_ chunks: [(type: [UInt8], content: [UInt8])]) throws(ZooError) -> [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        for (type, content) in chunks {
            file += littleEndian(UInt32(content.count)).reversed() + type + content
            file += littleEndian(try CRC32.of(type + content)).reversed()
        }
        return file
    }

    /// A PNG file's pixels as the compressed stream holds them: a filter byte before each row.
    package static func pixelStream(ofPNG bytes: [UInt8]) throws(ZooError) -> [UInt8] {
        let stream = chunks(ofPNG: bytes).filter { $0.type == Array("IDAT".utf8) }.flatMap(\.content)
        let inflater = try Inflater(.zlib)
        var result: [UInt8] = []
        var used = 0
        while true {
            let step = try inflater.step(stream, from: used)
            result += step.output
            used += step.consumed
            if step.isFinished { return result }
            if step.consumed == 0, step.output.isEmpty {
                throw ZooError(.truncated, "the picture's pixels end too early")
            }
        }
    }

    /// A PNG file with another pixel stream in the place of its own.
    package static func png(_ bytes: [UInt8], pixelStream: [UInt8]) throws(ZooError) -> [UInt8] {
        let packed = try deflated(pixelStream, wrapping: .zlib, level: 1)
        let data = Array("IDAT".utf8)
        var parts: [(type: [UInt8], content: [UInt8])] = []
        for chunk in chunks(ofPNG: bytes) {
            if chunk.type != data {
                parts.append(chunk)
            } else if parts.last?.type != data {
                parts.append((data, packed))
            }
        }
        return try png(parts)
    }

    private static func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
    }
}
