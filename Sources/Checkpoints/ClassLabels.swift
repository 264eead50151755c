internal import ZooTensors

/// Names of classes that a checkpoint brings along, in the order of the head's rows.
public struct ClassLabels: Sendable, Hashable {
    /// The names.
    public let names: [String]
    /// Which of the checkpoint's extras they are from: `class_to_idx`.
    public let origin: String
}

extension Checkpoint {
    /// The names of the classes: from a folder's `config.json` (`label_names` as timm writes, `id2label` as transformers
    /// does), from what training scripts store beside the weights (`class_to_idx`, `classes`, `class_names`, …), or from
    /// texts of the same names in a safetensors file's metadata. `nil` when there are none, or when they leave out a
    /// class.
    public var classLabels: ClassLabels? {
        if let configuration = extras[CheckpointFolder.configurationKey] {
            for part in [configuration, configuration["pretrained_cfg"]] {
                guard let object = part?.objectValue, let found = ClassLabels.search(object) else { continue }
                return ClassLabels(names: found.names, origin: "config.json's \(found.key)")
            }
        }
        if let found = ClassLabels.search(extras) {
            return ClassLabels(names: found.names, origin: found.key)
        }
        for holder in ["meta", "hyper_parameters", "hparams", "args", "config"] {
            guard let value = extras[holder] else { continue }
            // An object of an unknown class has its attributes in a record.
            let object = value["attributes"]?.objectValue ?? value.objectValue
            guard let object, let found = ClassLabels.search(object) else { continue }
            return ClassLabels(names: found.names, origin: "\(holder).\(found.key)")
        }
        guard let texts = extras["__metadata__"]?.objectValue else { return nil }
        var parsed = JSONObject()
        for key in ClassLabels.keys {
            guard let text = texts[key]?.stringValue, let value = try? JSONParser.parse(text) else {
                continue
            }
            parsed[key] = value
        }
        return ClassLabels.search(parsed).map { ClassLabels(names: $0.names, origin: $0.key) }
    }
}

extension ClassLabels {
    /// Under which names of classes are stored, the plainest first.
    fileprivate static let keys = [
        "label_names", "class_names", "classes", "CLASSES", "id2label", "idx_to_class", "class_to_idx",
        "label2id",
    ]

    fileprivate static func search(_ object: JSONObject) -> (key: String, names: [String])? {
        for key in keys {
            if let value = object[key], let names = names(value) { return (key, names) }
        }
        return nil
    }

    /// A list of names, numbers with names, or names with numbers.
    private static func names(_ value: JSONValue) -> [String]? {
        if let list = value.arrayValue {
            let names = list.compactMap(\.stringValue)
            return names.count == list.count && !names.isEmpty ? names : nil
        }
        guard let object = value.objectValue, object["opaque"] != true, object.count > 0 else { return nil }
        var names = [String?](repeating: nil, count: object.count)
        for (key, value) in object.members {
            guard let (number, name) = pair(key, value), names.indices.contains(number) else { return nil }
            names[number] = name
        }
        let found = names.compactMap { $0 }
        guard found.count == names.count else { return nil }
        // What transformers fills in when nobody gave it names.
        if found.enumerated().allSatisfy({ $0.element == "LABEL_\($0.offset)" }) { return nil }
        return found
    }

    private static func pair(_ key: String, _ value: JSONValue) -> (number: Int, name: String)? {
        if let number = value.intValue { return (number, key) }
        if let name = value.stringValue, let number = Int(key) { return (number, name) }
        return nil
    }
}
