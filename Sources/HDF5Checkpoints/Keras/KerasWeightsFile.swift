internal import ZooCheckpoints
internal import ZooTensors

/// Keras 3's layout (`keras.src.saving.saving_lib`): every object that owns variables has a group `vars` with the
/// datasets 0, 1, …; the objects' paths are made from class names, not from the layers' names.
///
/// HDF5 lists names alphabetically, so `conv2d_10` comes before `conv2d_2`; here they are in natural order. Which
/// class comes first in the network, the file doesn't tell.
struct KerasWeightsFile {
    private let index: HDF5Index
    private let path: String
    private let owners: [Owner]

    private struct Owner {
        /// Path of the `vars` group, without a leading slash.
        let vars: [String]
        let group: HDF5Object
    }

    /// - Returns: `nil` when the file has no group `vars` with datasets in it.
    init?(_ index: HDF5Index, path: String) {
        var owners: [Owner] = []
        for object in index.objects where object.isGroup {
            let components = object.path.split(separator: "/").map(String.init)
            if components.last == "vars" { owners.append(Owner(vars: components, group: object)) }
        }
        let hasVariables = index.objects.contains { $0.dataset != nil && $0.path.contains("vars/") }
        guard !owners.isEmpty, hasVariables else { return nil }
        self.index = index
        self.path = path
        self.owners = owners.sorted { NaturalOrder.precedes($0.vars, $1.vars) }
    }

    func checkpoint() throws(ZooError) -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var layers: [CheckpointLayer] = []
        var names = JSONObject()
        var optimizerVariables = 0
        var randomStates = 0
        var isOlder = false
        let variables = variablesByGroup()
        for owner in owners {
            let variables = variables[owner.group.path] ?? []
            if owner.vars.first == "optimizer" {
                optimizerVariables += variables.count
                continue
            }
            // What dropout drew last: no weight, and the older layout doesn't have it either.
            if owner.vars.dropLast().last?.hasPrefix("seed_generator") == true {
                randomStates += 1
                continue
            }
            // The model's own group, which is nearly always empty.
            if owner.vars.count == 1, variables.isEmpty { continue }
            // TensorFlow 2.13 wrote the list of layers under another name; Keras reads it as this one.
            let renamed = owner.vars.map { $0 == "_layer_checkpoint_dependencies" ? "layers" : $0 }
            isOlder = isOlder || renamed != owner.vars
            let key = renamed.joined(separator: "/")
            let layer = renamed.count == 1 ? "vars" : renamed.dropLast().joined(separator: "/")
            for variable in variables {
                tensors.append(try index.tensor("\(key)/\(variable)", at: "\(owner.group.path)/\(variable)"))
            }
            layers.append(CheckpointLayer(name: layer, tensorNames: variables.map { "\(key)/\($0)" }))
            if let name = owner.group[attribute: "name"]?.string { names[layer] = .string(name) }
        }
        var notes: [String] = []
        if optimizerVariables > 0 {
            notes.append("left out the optimizer's \(optimizerVariables) variables")
        }
        if randomStates > 0 { notes.append("left out the state of \(randomStates) random generators") }
        if isOlder {
            notes.append("read the layout of TensorFlow 2.13, with layers under their present name")
        }
        var extras = JSONObject()
        if names.count > 0 { extras["layer_names"] = .object(names) }
        return try Checkpoint(
            format: .kerasWeights, path: path, tensors: tensors, layers: layers, extras: extras, notes: notes)
    }

    /// The names of the datasets directly in each group, in natural order, by the group's path.
    private func variablesByGroup() -> [String: [String]] {
        var result: [String: [String]] = [:]
        for object in index.objects where object.dataset != nil {
            guard let slash = object.path.lastIndex(of: "/") else { continue }
            let name = String(object.path[object.path.index(after: slash)...])
            result[String(object.path[..<slash]), default: []].append(name)
        }
        return result.mapValues { $0.sorted { NaturalOrder.precedes([$0], [$1]) } }
    }
}
