internal import ZooContainers
public import ZooTensors

/// Writes safetensors files, byte for byte as the official writer does: types from the widest to the narrowest,
/// then names, and the header padded with spaces to a multiple of eight.
public enum SafetensorsWriter {
    /// Writes tensors, and texts as `__metadata__` (in alphabetical order). Strided views are written out; tensors
    /// that share memory are written each for itself, as the format wants it.
    /// - Throws: ``ZooError`` when two tensors have the same name or the file can't be written.
    public static func write(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], to path: String
    ) throws(ZooError) {
        try write(
            tensors.map { CheckpointTensor(name: $0.name, tensor: $0.tensor) }, metadata: metadata, to: path)
    }

    /// Writes tensors of other files, or in memory, one after the other: of what is copied as it lies in its file
    /// hardly anything is in memory at any time.
    /// - Parameter progress: told the number of bytes after every piece.
    /// - Throws: ``ZooError`` when two tensors have the same name, for types that the format doesn't have, when a
    ///   tensor can't be read, or when the file can't be written.
    public static func write(
        _ tensors: [CheckpointTensor], metadata: [String: String] = [:], to path: String,
        progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        let file = try AtomicFile(path: path)
        try write(tensors, metadata: metadata, into: file, progress: progress)
        try file.commit()
    }

    /// Writes everything of a file; its name is given to it by someone else.
    package static func write(
        _ tensors: [CheckpointTensor], metadata: [String: String], into file: AtomicFile,
        progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        let ordered = tensors.sorted { left, right in
            let ranks = (
                SafetensorsType.rank(of: left.elementType), SafetensorsType.rank(of: right.elementType)
            )
            // Rust compares names by their bytes.
            return ranks.0 != ranks.1
                ? ranks.0 > ranks.1 : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        let header = try header(ordered, metadata: metadata, path: file.path)
        var length: [UInt8] = []
        length.appendLittleEndian(UInt64(header.count))
        try file.write(length)
        try file.write(header)
        for tensor in ordered { try file.write(piecesOf: tensor, progress: progress) }
    }

    /// Refuses a tensor that the format can't hold.
    static func check(_ tensor: CheckpointTensor, path: String?) throws(ZooError) -> String {
        // What can't be read isn't copied either, and says why.
        if tensor.typeName != nil { _ = try tensor.load() }
        guard let type = SafetensorsType.name(of: tensor.elementType) else {
            throw ZooError(
                .unsupported, "safetensors files don't hold numbers of this type", file: path,
                tensor: tensor.name, found: tensor.elementType.rawValue,
                remedy: "Write a .pth or .npz file instead.")
        }
        return type
    }

    private static func header(
        _ tensors: [CheckpointTensor], metadata: [String: String], path: String
    ) throws(ZooError) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map {
                "\(quotedJSON($0.key)):\(quotedJSON($0.value))"
            }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var names: Set<String> = ["__metadata__"]
        var offset = 0
        for tensor in tensors {
            let name = tensor.name
            guard names.insert(name).inserted else {
                throw ZooError(
                    .invalidArgument, "a tensor's name is taken already", file: path, tensor: name,
                    remedy: "Give every tensor a name of its own.")
            }
            let type = try check(tensor, path: path)
            let end = try Checked.sum(offset, try tensor.byteCount())
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            members.append(
                "\(quotedJSON(name)):{\"dtype\":\"\(type)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
        guard header.count <= SafetensorsReader.maximumHeaderByteCount else {
            throw ZooError(
                .limitExceeded,
                "the header of this many names and texts would be longer than the format allows",
                file: path, expected: "at most \(SafetensorsReader.maximumHeaderByteCount) bytes",
                found: "\(header.count)", remedy: "Write a .pth file instead, or leave out what isn't needed."
            )
        }
        return header
    }

    /// A JSON string with the escapes that Rust's serde_json chooses.
    private static func quotedJSON(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension AtomicFile {
    /// Appends a tensor's elements in row-major order, little-endian.
    func write(piecesOf tensor: CheckpointTensor, progress: (Int) -> Void) throws(ZooError) {
        let before = byteCount
        // Pages of the file that are written whole cost the system less.
        let lead = Pieces.byteCount - before % Pieces.byteCount
        try unsafe tensor.forEachPiece(lead: lead) { (piece) throws(ZooError) in
            try unsafe write(piece)
            progress(piece.count)
        }
        guard byteCount - before == (try tensor.byteCount()) else {
            throw ZooError(
                .mismatch, "a tensor has another number of bytes than its type and shape say",
                tensor: tensor.name)
        }
    }
}
