internal import ZooContainers
internal import ZooTensors

/// Files that are two things at once: what a loader that looks at the end of a file, or further in, would see.
enum Polyglot {
    /// A table of contents of a zip at the end of a file that isn't one; a zip that another kind of file begins with.
    static func hiddenEnd(
        _ source: ByteSource, _ kind: FileKind
    ) throws(ZooError) -> (text: String, byteOffset: Int)? {
        switch kind {
        case .pytorchZip, .torchScript, .torchExport, .kerasArchive, .zipOfOne, .npz, .zip:
            return try hiddenStart(source)
        default: break
        }
        let count = min(source.count, 1 << 16)
        let tail = try source.bytes(at: source.count - count, count: count)
        var place = tail.count - 22
        while place >= 0 {
            if tail[place] == 0x50, tail[place...].starts(with: [0x50, 0x4B, 5, 6]),
                (try? ZipArchive(source)) != nil
            {
                return (
                    "the file is \(kind.rawValue) and, read from its end, a zip archive",
                    source.count - count + place
                )
            }
            place -= 1
        }
        return nil
    }

    /// A zip's first member begins the file; a program or a page in front of it is for somebody else.
    private static func hiddenStart(
        _ source: ByteSource
    ) throws(ZooError) -> (text: String, byteOffset: Int)? {
        let first = try source.bytes(at: 0, count: min(4, source.count))
        if first == [0x50, 0x4B, 3, 4] || first == [0x50, 0x4B, 5, 6] { return nil }
        return ("something stands in front of the archive", 0)
    }
}

/// What a Keras model's configuration would have Python run.
public enum KerasConfigScan {
    /// One sentence for each layer or function that carries code, or that is made by code outside Keras.
    public static func findings(_ config: [UInt8]) -> [String] {
        guard let document = try? JSONParser.parse(config) else { return [] }
        var result: [String] = []
        look(into: document, &result, depth: 0)
        return result
    }

    private static func look(into value: JSONValue, _ result: inout [String], depth: Int) {
        guard depth < 100, result.count < 100 else { return }
        switch value {
        case .array(let items): for item in items { look(into: item, &result, depth: depth + 1) }
        case .object(let members):
            let name = members["class_name"]?.stringValue
            if name == "Lambda" || name == "TFOpLambda" {
                let layer = members["config"]?["name"]?.stringValue ?? "?"
                add("the layer \(quoted(layer)) is a \(name ?? ""), which runs code from the file", &result)
            } else if name == "__lambda__" {
                add("a function's code is stored in the file, and loading it runs it", &result)
            } else if let module = members["module"]?.stringValue, let name, !isOfKeras(module) {
                add("loading it imports \(quoted(module + "." + name)), which isn't Keras'", &result)
            }
            for (_, member) in members.members { look(into: member, &result, depth: depth + 1) }
        default: break
        }
    }

    private static func isOfKeras(_ module: String) -> Bool {
        let top = module.prefix { $0 != "." }
        return top == "keras" || top == "keras_core" || module.hasPrefix("tensorflow.keras")
            || module.hasPrefix("tf_keras") || module == "builtins"
    }

    private static func add(_ text: String, _ result: inout [String]) {
        if !result.contains(text) { result.append(text) }
    }
}
