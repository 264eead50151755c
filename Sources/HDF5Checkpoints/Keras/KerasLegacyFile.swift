internal import ZooCheckpoints
internal import ZooTensors

/// Keras' older layout (`keras.src.legacy.saving.legacy_h5_format`): `layer_names` lists groups, each group's
/// `weight_names` lists datasets relative to it. Nothing is derived from a layer's name: files hold
/// `batch_normalization_1/batch_normalization_1_1/gamma:0` and `block1_conv1/block1_conv1_W_1:0`.
struct KerasLegacyFile {
    private let index: HDF5Index
    private let path: String
    /// The group that holds the layers' groups.
    private let root: HDF5Object
    /// The file's own root, where the configuration is.
    private let top: HDF5Object

    /// - Returns: `nil` when the file has no `layer_names`.
    init?(_ index: HDF5Index, path: String) {
        guard let top = index[""] else { return nil }
        let candidates = [top, index["/model_weights"]].compactMap { $0 }
        guard let root = candidates.first(where: { KerasLegacyFile.lists($0, "layer_names") }) else {
            return nil
        }
        self.index = index
        self.path = path
        self.root = root
        self.top = top
    }

    private static func lists(_ object: HDF5Object, _ name: String) -> Bool {
        object.isGroup && (object[attribute: name] != nil || object[attribute: "\(name)0"] != nil)
    }

    func checkpoint(limits: ReadLimits) throws(ZooError) -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var layers: [CheckpointLayer] = []
        for name in try list("layer_names", of: root) ?? [] {
            guard let group = index["\(root.path)/\(name)"], group.isGroup else {
                throw ZooError(.corrupt, "layer_names lists a layer that the file doesn't hold", tensor: name)
            }
            try append(group, named: name, to: &tensors, &layers)
        }
        // A model's own variables, beside those of its layers.
        let own = "top_level_model_weights"
        if let group = index["\(root.path)/\(own)"], try list("weight_names", of: group)?.isEmpty == false {
            try append(group, named: own, to: &tensors, &layers)
        }
        var notes: [String] = []
        if let group = index["/optimizer_weights"], group.isGroup {
            let count = index.objects.count { $0.path.hasPrefix("/optimizer_weights/") && $0.dataset != nil }
            notes.append("left out the optimizer's \(count) variables")
        }
        return try Checkpoint(
            format: .kerasHDF5, path: path, tensors: tensors, layers: layers,
            extras: try extras(limits: limits, notes: &notes), notes: notes)
    }

    private func append(
        _ group: HDF5Object, named name: String, to tensors: inout [CheckpointTensor],
        _ layers: inout [CheckpointLayer]
    ) throws(ZooError) {
        let weights = try list("weight_names", of: group) ?? []
        let keys = KerasLegacyFile.keys(of: weights, layer: name)
        for (weight, key) in zip(weights, keys) {
            tensors.append(try index.tensor(key, at: "\(group.path)/\(weight)"))
        }
        layers.append(CheckpointLayer(name: name, tensorNames: keys))
    }

    /// `<layer>/<last component>` where the layer has no second weight that ends so, else the whole name; without
    /// TensorFlow's `:0`.
    static func keys(of weights: [String], layer: String) -> [String] {
        let names = weights.map { $0.hasSuffix(":0") ? String($0.dropLast(2)) : $0 }
        let ends = names.map { name in
            name.lastIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
        }
        var uses: [String: Int] = [:]
        for end in ends { uses[end, default: 0] += 1 }
        return zip(names, ends).map { name, end in "\(layer)/\(uses[end] == 1 ? end : name)" }
    }

    /// A list of names, whole or cut into `name0`, `name1`, … because an attribute has to be smaller than 64 KiB.
    private func list(_ name: String, of group: HDF5Object) throws(ZooError) -> [String]? {
        if let whole = group[attribute: name] { return try strings(whole, of: group) }
        var attributes: [String: HDF5Attribute] = [:]
        for attribute in group.attributes where attribute.name.hasPrefix(name) {
            attributes[attribute.name] = attribute
        }
        var result: [String]?
        var part = 0
        while let attribute = attributes["\(name)\(part)"] {
            result = (result ?? []) + (try strings(attribute, of: group))
            part += 1
        }
        return result
    }

    private func strings(_ attribute: HDF5Attribute, of group: HDF5Object) throws(ZooError) -> [String] {
        guard let strings = attribute.stringList else {
            throw ZooError(
                .corrupt, "the attribute \(attribute.name) is no list of names", tensor: group.path)
        }
        return strings
    }

    private func extras(limits: ReadLimits, notes: inout [String]) throws(ZooError) -> JSONObject {
        var extras = JSONObject()
        for name in ["keras_version", "backend"] {
            guard let text = (top[attribute: name] ?? root[attribute: name])?.string else { continue }
            extras[name] = .string(text)
        }
        let options = JSONParser.Options(keras: limits)
        if let text = top[attribute: "model_config"]?.string {
            do {
                extras["model_config"] = try JSONParser.parse(text, options: options)
            } catch {
                throw ZooError(.corrupt, "the attribute model_config is damaged: \(error.problem)")
            }
        }
        if let text = top[attribute: "training_config"]?.string {
            // Nothing depends on it, and old files have strange ones.
            if let value = try? JSONParser.parse(text, options: options) {
                extras["training_config"] = value
            } else {
                notes.append("left out training_config, which isn't valid JSON")
            }
        }
        return extras
    }
}
