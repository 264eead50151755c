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
        let ordered = tensors.sorted { left, right in
            let ranks = (
                SafetensorsType.rank(of: left.tensor.elementType),
                SafetensorsType.rank(of: right.tensor.elementType)
            )
            // Rust compares names by their bytes.
            return ranks.0 != ranks.1
                ? ranks.0 > ranks.1 : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        let header = try header(ordered, metadata: metadata, path: path)
        let file = try AtomicFile(path: path)
        var length: [UInt8] = []
        length.appendLittleEndian(UInt64(header.count))
        try file.write(length)
        try file.write(header)
        for tensor in ordered { try file.write(tensor.tensor) }
        try file.commit()
    }

    private static func header(
        _ tensors: [NamedTensor], metadata: [String: String], path: String
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
        for (name, tensor) in tensors.map({ ($0.name, $0.tensor) }) {
            guard names.insert(name).inserted else {
                throw ZooError(
                    .invalidArgument, "a tensor's name is taken already", file: path, tensor: name,
                    remedy: "Give every tensor a name of its own.")
            }
            guard let type = SafetensorsType.name(of: tensor.elementType) else {
                throw ZooError(
                    .unsupported, "safetensors files don't hold numbers of this type", file: path,
                    tensor: name, found: tensor.elementType.rawValue,
                    remedy: "Write a .pth or .npz file instead.")
            }
            let end = try Checked.sum(offset, tensor.byteCount)
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            members.append(
                "\(quotedJSON(name)):{\"dtype\":\"\(type)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        while !header.count.isMultiple(of: 8) { header.append(UInt8(ascii: " ")) }
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
