internal import ZooContainers
internal import ZooTensors

/// All tensors of a file whatever dictionaries, lists and modules they lie in, their names joined with dots: for copying
/// the table as it is, where nothing has to fit a network.
extension PyTorchAssembly {
    /// Names and tensors of everything under one key, if one is chosen, else of the whole file; of what only training
    /// needs again, none. A wrapper by a usual name (`state_dict`) that holds all of them gives nothing to the names.
    func nestedEntries(
        notes: inout [String], extras: inout JSONObject
    ) throws(ZooError) -> [(name: String, value: PickleReference)] {
        var root = document.root
        if let key = options.key, !key.isEmpty {
            (root, _) = try choose(StateDictSearch(document))
            notes.append("took the entries under \(quoted(key))")
        }
        var walk = NestedWalk(document: document, limits: options.limits)
        _ = try walk.walk(root, name: "", depth: 0)
        let (wrapper, inner) = wrapper(of: walk.entries.map(\.name), root: root)
        if !wrapper.isEmpty { notes.append("took the entries under \(quoted(String(wrapper.dropLast())))") }
        var pickleExtras = PickleExtras(document)
        addMetadata(of: inner, to: &extras, &pickleExtras)
        for beside in walk.besides {
            let name =
                beside.name.hasPrefix(wrapper) ? String(beside.name.dropFirst(wrapper.count)) : beside.name
            guard extras[name] == nil else { continue }
            let isTraining = StateDictSearch.isTrainingState(beside.key)
            extras[name] = isTraining ? PickleExtras.opaque("dict") : pickleExtras.json(beside.value)
        }
        return walk.entries.map { (String($0.name.dropFirst(wrapper.count)), $0.value) }
    }

    /// What all names begin with because of wrappers, and what is in the innermost of these.
    private func wrapper(of names: [String], root: PickleReference) -> (
        prefix: String, inner: PickleReference
    ) {
        var prefix = ""
        var inner = root
        while let item = document.namedItems(inner)?.first(where: { item in
            StateDictSearch.usualNames.contains(item.name) && !PyTorchTensor.isTensor(document, item.value)
                && names.allSatisfy { $0.hasPrefix("\(prefix)\(item.name).") }
        }) {
            prefix += item.name + "."
            inner = item.value
        }
        return (prefix, inner)
    }
}

/// A walk through everything below a value.
private struct NestedWalk {
    /// Something that holds no tensors.
    struct Beside {
        let name: String
        let key: String
        let value: PickleReference
    }

    let document: PickleDocument
    let limits: ReadLimits
    private(set) var entries: [(name: String, value: PickleReference)] = []
    private(set) var besides: [Beside] = []
    /// What is being walked through, since a pickle can contain itself.
    private var open: Set<PickleReference> = []
    /// What was walked through and holds no tensors.
    private var barren: Set<PickleReference> = []
    private var seen: Set<PickleReference> = []
    private var steps = 0
    private var repetitions = 0
    /// How often values may be come to again, under other names: each could hold others more than once.
    private static let maximumRepetitions = 10_000

    init(document: PickleDocument, limits: ReadLimits) {
        self.document = document
        self.limits = limits
    }

    /// - Returns: whether there were tensors.
    mutating func walk(_ reference: PickleReference, name: String, depth: Int) throws(ZooError) -> Bool {
        steps += 1
        if !seen.insert(reference).inserted { repetitions += 1 }
        guard steps <= limits.entryCount, repetitions <= NestedWalk.maximumRepetitions,
            depth <= limits.nestingDepth
        else {
            throw ZooError(
                .limitExceeded, "the file's dictionaries are nested too deep, or too often in each other",
                byteOffset: document.byteOffset(reference), tensor: name)
        }
        if PyTorchTensor.isTensor(document, reference) {
            entries.append((name.isEmpty ? "tensor" : name, reference))
            return true
        }
        if PickledModules.isModule(document, reference) {
            let modules = try PickledModules(document, root: reference, limits: limits)
            for entry in modules.entries { entries.append((join(name, entry.name), entry.value)) }
            return !modules.entries.isEmpty
        }
        guard !barren.contains(reference), open.insert(reference).inserted else { return false }
        defer { open.remove(reference) }
        let before = (entries: entries.count, besides: besides.count)
        for child in children(reference) {
            let childName = join(name, child.name)
            var isFound = false
            if !StateDictSearch.isTrainingState(child.name), isHolder(child.value) {
                isFound = try walk(child.value, name: childName, depth: depth + 1)
            }
            if !isFound { besides.append(Beside(name: childName, key: child.name, value: child.value)) }
        }
        if entries.count > before.entries { return true }
        // All of it stands beside the tensors as one value.
        besides.removeLast(besides.count - before.besides)
        barren.insert(reference)
        return false
    }

    private func join(_ prefix: String, _ name: String) -> String {
        prefix.isEmpty ? name : prefix + "." + name
    }

    private func children(_ reference: PickleReference) -> [(name: String, value: PickleReference)] {
        document.namedItems(reference)
            ?? (document.elements(reference) ?? []).enumerated().map { (String($0.offset), $0.element) }
    }

    /// Whether a value can have a tensor in it, or be one.
    private func isHolder(_ reference: PickleReference) -> Bool {
        switch document.value(reference) {
        case .tuple, .list, .dictionary, .object, .persistent: true
        default: false
        }
    }
}
