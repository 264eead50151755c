public import ZooTensors

/// The files of a tar archive: POSIX ustar and what GNU tar and Python's `tarfile` put on top of it, as far as
/// plain files are concerned. Nothing is unpacked; names are keys, never paths.
public struct TarArchive: Sendable {
    /// The files by name, each a part of the source; of a repeated name the last one counts, as tar has it.
    public let files: [String: ByteSource]
    /// What isn't a plain file, or stands twice: "a symbolic link, latest".
    package let others: [String]

    private static let blockBytes = 512

    /// Reads the headers, from front to back.
    /// - Throws: ``ZooError`` for a header whose checksum is wrong, and for an archive that is cut short.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        var files: [String: ByteSource] = [:]
        var others: [String] = []
        var longName: String?
        var position = 0
        var count = 0
        while position <= source.count - TarArchive.blockBytes {
            let header = try source.bytes(at: position, count: TarArchive.blockBytes)
            if header.allSatisfy({ $0 == 0 }) { break }
            count += 1
            guard count <= limits.entryCount else {
                throw ZooError(
                    .limitExceeded, "the archive has more than \(limits.entryCount) members",
                    file: source.path)
            }
            let size = try TarArchive.checkedSize(header, at: source.start + position, file: source.path)
            let start = position + TarArchive.blockBytes
            let content = try source.slice(at: start, count: size)
            switch header[156] {
            case UInt8(ascii: "L"):
                let name = try content.bytes(at: 0, count: min(size, 4096)).prefix { $0 != 0 }
                longName = String(decoding: name, as: UTF8.self)
            case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
                let name = longName ?? TarArchive.name(header)
                if files.updateValue(content, forKey: name) != nil, others.count < 100 {
                    others.append("a second file, " + name)
                }
                longName = nil
            case UInt8(ascii: "x"): longName = try TarArchive.name(inExtendedHeader: content) ?? longName
            case UInt8(ascii: "g"), UInt8(ascii: "K"): break
            default:
                if others.count < 100 {
                    others.append(TarArchive.title(header[156]) + (longName ?? TarArchive.name(header)))
                }
                longName = nil
            }
            let padded = try Checked.product(
                (size + TarArchive.blockBytes - 1) / TarArchive.blockBytes, TarArchive.blockBytes)
            position = try Checked.sum(start, padded)
        }
        self.files = files
        self.others = others
    }

    /// The name that an extended header gives the next file. Times and owners don't matter; another size, or a file
    /// with holes, would have readers differ.
    private static func name(inExtendedHeader content: ByteSource) throws(ZooError) -> String? {
        let text = String(
            decoding: try content.bytes(at: 0, count: min(content.count, 1 << 16)), as: UTF8.self)
        var name: String?
        for record in text.split(separator: "\n") {
            // `30 path=name`
            let field = record.drop { $0 != " " }.dropFirst()
            let key = field.prefix { $0 != "=" }
            if key == "path" { name = String(field.dropFirst(5)) }
            guard key != "size", key != "linkpath", !key.hasPrefix("GNU.sparse") else {
                throw ZooError(
                    .unsupported,
                    "an extended header of the tar archive changes a file's \(quoted(String(key)))",
                    file: content.path, byteOffset: content.start, remedy: "Pack the files again.")
            }
        }
        return name
    }

    private static func title(_ kind: UInt8) -> String {
        switch kind {
        case UInt8(ascii: "1"): "a hard link, "
        case UInt8(ascii: "2"): "a symbolic link, "
        case UInt8(ascii: "3"), UInt8(ascii: "4"): "a device, "
        case UInt8(ascii: "5"): "a folder, "
        case UInt8(ascii: "6"): "a pipe, "
        default: "something that isn't a file, "
        }
    }

    /// The size that a header states, once its checksum was found right.
    private static func checkedSize(_ header: [UInt8], at offset: Int, file: String?) throws(ZooError) -> Int
    {
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 0x20 : Int(byte) }
        guard octal(header[148..<156]) == sum, let size = octal(header[124..<136]) else {
            throw ZooError(
                .corrupt, "a header of the tar archive is damaged", file: file, byteOffset: offset,
                remedy: "Get the file again.")
        }
        return size
    }

    /// Octal digits, ended by a blank or a zero byte.
    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }

    private static func name(_ header: [UInt8]) -> String {
        func text(_ range: Range<Int>) -> String {
            String(decoding: header[range].prefix { $0 != 0 }, as: UTF8.self)
        }
        let isPOSIX = header[257..<263].elementsEqual(Array("ustar\u{0}".utf8))
        let prefix = isPOSIX ? text(345..<500) : ""
        return prefix.isEmpty ? text(0..<100) : prefix + "/" + text(0..<100)
    }
}
