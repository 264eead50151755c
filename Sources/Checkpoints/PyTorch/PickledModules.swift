internal import ZooContainers
internal import ZooTensors

/// Finds the state dict inside a pickled network (`torch.save(model)`) or a TorchScript archive, by walking the
/// attributes of its modules. No class is needed for that.
struct PickledModules {
    /// Key and value of each parameter and persistent buffer, in PyTorch's order.
    private(set) var entries: [(name: String, value: PickleReference)] = []
    /// Class and plain attributes of each module, by its path.
    private(set) var hyperparameters = JSONObject()
    private let document: PickleDocument
    private let limits: ReadLimits
    /// Attributes, and bytes of names, that were looked at.
    private var cost = 0

    /// Whether a value is a module.
    static func isModule(_ document: PickleDocument, _ reference: PickleReference) -> Bool {
        guard let object = document.object(reference), let attributes = document.attributes(object) else {
            return false
        }
        if isScripted(document, object) { return true }
        return document.item("_parameters", of: attributes) != nil
            && document.item("_modules", of: attributes) != nil
    }

    static func isScripted(_ document: PickleDocument, _ object: PickleObject) -> Bool {
        document.className(of: object).map { $0.module.hasPrefix("__torch__") } ?? false
    }

    init(_ document: PickleDocument, root: PickleReference, limits: ReadLimits) throws(ZooError) {
        self.document = document
        self.limits = limits
        var extras = PickleExtras(document)
        try walk(root, path: "", depth: 0, extras: &extras)
    }

    private mutating func walk(
        _ reference: PickleReference, path: String, depth: Int, extras: inout PickleExtras
    ) throws(ZooError) {
        cost += 10 + path.utf8.count / 16
        // A module may contain itself, and shared ones can multiply.
        guard depth <= 64, cost <= min(limits.entryCount, 1_000_000) else {
            throw ZooError(
                .limitExceeded, "the pickled network's modules nest without end",
                byteOffset: document.byteOffset(reference))
        }
        guard let object = document.object(reference), let attributes = document.attributes(object),
            let members = document.namedItems(attributes)
        else { return }
        cost += (document.items(attributes)?.count ?? 0) * (1 + path.utf8.count / 64)
        var record: JSONObject = ["class": .string(document.className(of: object)?.description ?? "?")]
        var children: [(name: String, value: PickleReference)] = []
        if PickledModules.isScripted(document, object) {
            for member in members {
                if PyTorchTensor.isTensor(document, member.value) {
                    entries.append((path + member.name, member.value))
                } else if PickledModules.isModule(document, member.value) {
                    children.append(member)
                } else if !member.name.hasPrefix("_") {
                    record[member.name] = extras.json(member.value)
                }
            }
        } else {
            let transient = nonPersistentBuffers(attributes)
            for group in ["_parameters", "_buffers"] {
                for member in named(group, attributes, path)
                where !(group == "_buffers" && transient.contains(member.name)) {
                    if case .none = document.value(member.value) { continue }
                    entries.append((path + member.name, member.value))
                }
            }
            children = named("_modules", attributes, path)
            for member in members where !member.name.hasPrefix("_") && member.name != "training" {
                record[member.name] = extras.json(member.value)
            }
        }
        hyperparameters[path.isEmpty ? "" : String(path.dropLast())] = .object(record)
        for child in children {
            try walk(child.value, path: path + child.name + ".", depth: depth + 1, extras: &extras)
        }
    }

    private mutating func named(
        _ group: String, _ attributes: PickleReference, _ path: String
    ) -> [(name: String, value: PickleReference)] {
        let members = document.item(group, of: attributes)
        cost += (members.flatMap { document.items($0)?.count } ?? 0) * (1 + path.utf8.count / 64)
        return members.flatMap { document.namedItems($0) } ?? []
    }

    private func nonPersistentBuffers(_ attributes: PickleReference) -> Set<String> {
        guard let value = document.item("_non_persistent_buffers_set", of: attributes) else { return [] }
        var elements: [PickleReference] = []
        switch document.value(value) {
        case .set(let items): elements = items
        case .object(let object):
            // Protocol 2 calls set([…]).
            elements = document.elements(object.arguments)?.first.flatMap { document.elements($0) } ?? []
            elements += object.items
        default: break
        }
        return Set(elements.compactMap { document.text($0) })
    }
}
