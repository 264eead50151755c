import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Finds a network's numbers in a Keras file. Keras itself goes by position, not by name: names in files don't follow
/// the layers' names, and `.weights.h5` has paths made of class names.
struct KerasWeightSources {
    /// Key and layout change of each parameter that the file has.
    private(set) var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
    /// Keys of variables that compute nothing.
    private(set) var setAside: Set<String> = []

    /// - Throws: ``ZooError`` when a layer has another number of variables in the file than in the configuration.
    init(_ network: KerasNetwork, in checkpoint: Checkpoint) throws(ZooError) {
        var layers: [String: CheckpointLayer] = [:]
        for layer in checkpoint.layers { layers[layer.name] = layer }
        if checkpoint.format == .kerasHDF5 {
            try matchGroups(network, layers, in: checkpoint)
        } else {
            try matchPaths(network, layers, names: checkpoint.extras["layer_names"])
        }
    }

    private mutating func assign(_ variable: KerasNetwork.Variable, _ key: String) {
        if let parameter = variable.parameter {
            sources[parameter] = (key, variable.transform)
        } else {
            setAside.insert(key)
        }
    }

    // MARK: `.keras`

    private mutating func matchPaths(
        _ network: KerasNetwork, _ layers: [String: CheckpointLayer], names: JSONValue?
    ) throws(ZooError) {
        for weighted in network.weighted {
            let layer = weighted.layer
            guard let found = layers[layer.store], !found.tensorNames.isEmpty else { continue }
            if let name = names?[layer.store]?.stringValue, name != layer.name {
                throw ZooError(
                    .mismatch, "the file's variables belong to another layer than its configuration says",
                    tensor: layer.store, expected: layer.name, found: name)
            }
            try requireCount(weighted.variables.count, found.tensorNames.count, layer.path)
            for (variable, key) in zip(weighted.variables, found.tensorNames) { assign(variable, key) }
        }
    }

    // MARK: `.h5`

    /// A group for each layer of the outermost model. A model in there has all its variables in one list: first those
    /// that learn, then the others, as they were when the file was written.
    private mutating func matchGroups(
        _ network: KerasNetwork, _ layers: [String: CheckpointLayer], in checkpoint: Checkpoint
    ) throws(ZooError) {
        typealias Entry = (layer: KerasDescription.Layer, variable: KerasNetwork.Variable)
        var groups: [String: [Entry]] = [:]
        var order: [String] = []
        for weighted in network.weighted {
            let group = weighted.layer.outermost
            if groups[group] == nil { order.append(group) }
            groups[group, default: []] += weighted.variables.map { (weighted.layer, $0) }
        }
        for group in order {
            guard let entries = groups[group], let found = layers[group], !found.tensorNames.isEmpty else {
                continue
            }
            try requireCount(entries.count, found.tensorNames.count, group)
            if let keys = KerasWeightSources.keysByName(entries, found, in: checkpoint) {
                for (entry, key) in zip(entries, keys) { assign(entry.variable, key) }
                continue
            }
            func learns(_ entry: Entry) -> Bool { entry.layer.isTrainable && !entry.variable.isStatistic }
            let inFileOrder = entries.filter(learns) + entries.filter { !learns($0) }
            for (entry, key) in zip(inFileOrder, found.tensorNames) { assign(entry.variable, key) }
        }
    }

    /// The keys in the variables' order, when each is named after its layer and what it is to that:
    /// `inner/conv/kernel:0`. The names of a single layer prove nothing.
    private static func keysByName(
        _ entries: [(layer: KerasDescription.Layer, variable: KerasNetwork.Variable)],
        _ found: CheckpointLayer,
        in checkpoint: Checkpoint
    ) -> [String]? {
        guard Set(entries.map(\.layer.path)).count > 1 else { return nil }
        var keys: [String: String] = [:]
        for key in found.tensorNames {
            guard let location = checkpoint[key]?.location else { return nil }
            let parts = location.split(separator: "/")
            guard parts.count >= 2 else { return nil }
            let last = parts[parts.count - 1]
            let name = "\(parts[parts.count - 2])/\(last.hasSuffix(":0") ? last.dropLast(2) : last)"
            guard keys.updateValue(key, forKey: name) == nil else { return nil }
        }
        var result: [String] = []
        for (layer, variable) in entries {
            let names = variable.name == "depthwise_kernel" ? [variable.name, "kernel"] : [variable.name]
            guard let key = names.lazy.compactMap({ keys["\(layer.name)/\($0)"] }).first else { return nil }
            result.append(key)
        }
        return Set(result).count == result.count ? result : nil
    }

    private func requireCount(_ expected: Int, _ found: Int, _ path: String) throws(ZooError) {
        guard expected == found else {
            throw ZooError(
                .mismatch, "a layer has another number of variables in the file than its configuration says",
                tensor: path, expected: "\(expected)", found: "\(found)")
        }
    }
}
