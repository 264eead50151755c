internal import ZooCheckpoints
internal import ZooTensors

/// Keras 3's layout (`keras.src.saving.saving_lib`): every object that owns variables has a group `vars` with the
/// datasets 0, 1, …; the objects' paths are made from class names, not from the layers' names.
///
/// HDF5 lists names alphabetically, so `conv2d_10` comes before `conv2d_2`; here they are in natural order. Which
/// class comes first in the network, the file doesn't tell.
struct KerasWeightsFile {
    private let path: String
    /// Objects that own variables, in natural order.
    private let owners: [Owner]

    private struct Owner {
        /// Path of the `vars` group under its present name, without a leading slash.
        let vars: [String]
        /// The same as the file has it.
        let components: [String]
        /// The layer's name, which newer files tell.
        var name: String?
        var variables: [Variable]
    }

    /// A dataset, and the file that it is in.
    private struct Variable {
        let name: String
        let path: String
        let index: HDF5Index
    }

    /// - Returns: `nil` when the file has no group `vars` with datasets in it.
    init?(_ index: HDF5Index, path: String) {
        guard let file = try? KerasWeightsFile(parts: [index], path: path),
            file.owners.contains(where: { !$0.variables.isEmpty })
        else { return nil }
        self = file
    }

    /// The files that together hold one model's variables.
    /// - Throws: ``ZooError`` when two of them hold the same variable.
    init(parts: [HDF5Index], path: String) throws(ZooError) {
        var owners: [[String]: Owner] = [:]
        for index in parts {
            let variables = KerasWeightsFile.variablesByGroup(index)
            for object in index.objects where object.isGroup {
                let components = object.path.split(separator: "/").map(String.init)
                guard components.last == "vars" else { continue }
                // TensorFlow 2.13 wrote the list of layers under another name; Keras reads it as this one.
                let vars = components.map { $0 == "_layer_checkpoint_dependencies" ? "layers" : $0 }
                var owner = owners[vars] ?? Owner(vars: vars, components: components, variables: [])
                owner.name = owner.name ?? object[attribute: "name"]?.string
                for name in variables[object.path] ?? [] {
                    guard !owner.variables.contains(where: { $0.name == name }) else {
                        throw ZooError(
                            .corrupt, "two files hold the same variable",
                            tensor: (vars + [name]).joined(separator: "/"))
                    }
                    owner.variables.append(Variable(name: name, path: "\(object.path)/\(name)", index: index))
                }
                owners[vars] = owner
            }
        }
        self.path = path
        self.owners = owners.values.sorted { NaturalOrder.precedes($0.components, $1.components) }.map {
            owner in
            var owner = owner
            owner.variables.sort { NaturalOrder.precedes([$0.name], [$1.name]) }
            return owner
        }
    }

    /// The objects' paths, as an index of several files lists them.
    var groups: Set<String> { Set(owners.map { "/" + $0.vars.joined(separator: "/") }) }

    func checkpoint(format: CheckpointFormat = .kerasWeights) throws(ZooError) -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var layers: [CheckpointLayer] = []
        var names = JSONObject()
        var optimizerVariables = 0
        var randomStates = 0
        for owner in owners {
            if owner.vars.first == "optimizer" {
                optimizerVariables += owner.variables.count
                continue
            }
            // What dropout drew last: no weight, and the older layout doesn't have it either.
            if owner.vars.dropLast().last?.hasPrefix("seed_generator") == true {
                randomStates += 1
                continue
            }
            // The model's own group, which is nearly always empty.
            if owner.vars.count == 1, owner.variables.isEmpty { continue }
            let key = owner.vars.joined(separator: "/")
            let layer = owner.vars.count == 1 ? "vars" : owner.vars.dropLast().joined(separator: "/")
            for variable in owner.variables {
                tensors.append(try variable.index.tensor("\(key)/\(variable.name)", at: variable.path))
            }
            layers.append(
                CheckpointLayer(name: layer, tensorNames: owner.variables.map { "\(key)/\($0.name)" }))
            if let name = owner.name { names[layer] = .string(name) }
        }
        var notes: [String] = []
        if optimizerVariables > 0 {
            notes.append("left out the optimizer's \(optimizerVariables) variables")
        }
        if randomStates > 0 { notes.append("left out the state of \(randomStates) random generators") }
        if owners.contains(where: { $0.components != $0.vars }) {
            notes.append("read the layout of TensorFlow 2.13, with layers under their present name")
        }
        var extras = JSONObject()
        if names.count > 0 { extras["layer_names"] = .object(names) }
        return try Checkpoint(
            format: format, path: path, tensors: tensors, layers: layers, extras: extras, notes: notes)
    }

    /// The names of the datasets directly in each group, by the group's path.
    private static func variablesByGroup(_ index: HDF5Index) -> [String: [String]] {
        var result: [String: [String]] = [:]
        for object in index.objects where object.dataset != nil {
            guard let slash = object.path.lastIndex(of: "/") else { continue }
            let name = String(object.path[object.path.index(after: slash)...])
            result[String(object.path[..<slash]), default: []].append(name)
        }
        return result
    }
}
