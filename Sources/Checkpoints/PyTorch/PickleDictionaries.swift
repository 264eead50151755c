internal import ZooContainers

extension PickleDocument {
    /// A class or function's name, also where PyTorch's older format wraps it in `('module', class, …)`.
    func className(_ reference: PickleReference) -> PickleGlobal? {
        if let global = global(reference) { return global }
        if case .persistent(let id) = value(reference), let fields = elements(id), fields.count >= 2,
            text(fields[0]) == "module"
        {
            return global(fields[1])
        }
        return nil
    }

    /// The class of an object record. Protocol 2 makes some instances by calling `copyreg._reconstructor`.
    func className(of object: PickleObject) -> PickleGlobal? {
        guard let name = className(object.callable) else { return nil }
        if name.name == "_reconstructor" || name.name == "__newobj__", name.module.hasPrefix("copy"),
            let first = elements(object.arguments)?.first
        {
            return className(first)
        }
        return name
    }

    /// The items of a dictionary or of a record of one (`OrderedDict`, `defaultdict`, any class that items were
    /// set on), as Python would hold them: of a repeated key the last value counts, in the first one's place.
    func items(_ reference: PickleReference) -> [PickleEntry]? {
        switch value(reference) {
        case .dictionary(let entries): return entries
        case .object(let object):
            let name = className(of: object)
            let isOrdered = name == PickleGlobal(module: "collections", name: "OrderedDict")
            // Python 2 passes an OrderedDict's items as a list of [key, value] lists.
            var entries: [PickleEntry] = []
            if isOrdered, let pairs = elements(object.arguments)?.first.flatMap({ elements($0) }) {
                for pair in pairs {
                    guard let fields = elements(pair), fields.count == 2 else { return nil }
                    entries.append(PickleEntry(key: fields[0], value: fields[1]))
                }
            }
            // A Counter is called with a dictionary.
            if name == PickleGlobal(module: "collections", name: "Counter"),
                let first = elements(object.arguments)?.first, case .dictionary(let counts) = value(first)
            {
                entries += counts
            }
            guard isOrdered || !object.entries.isEmpty || PickleDocument.isMapping(name) else { return nil }
            return entries + object.entries
        default: return nil
        }
    }

    private static func isMapping(_ name: PickleGlobal?) -> Bool {
        guard let name else { return false }
        return name.module == "collections" && (name.name == "defaultdict" || name.name == "Counter")
    }

    /// Text that is longer isn't anything's name: the same long text as the key of many dictionaries would cost its
    /// length each time.
    static let longestName = 4_096

    /// The items whose keys are text, or numbers as text; `nil` when this isn't a dictionary.
    func namedItems(_ reference: PickleReference) -> [(name: String, value: PickleReference)]? {
        guard let entries = items(reference) else { return nil }
        var places: [String: Int] = [:]
        var result: [(name: String, value: PickleReference)] = []
        for entry in entries {
            guard let name = text(entry.key) ?? integer(entry.key).map(String.init),
                name.utf8.count <= PickleDocument.longestName
            else { continue }
            if let place = places[name] {
                result[place].value = entry.value
            } else {
                places[name] = result.count
                result.append((name, entry.value))
            }
        }
        return result
    }

    /// The value under one key of a dictionary.
    func item(_ name: String, of reference: PickleReference) -> PickleReference? {
        items(reference)?.last { text($0.key) == name }?.value
    }

    /// The attributes of an instance.
    func attributes(_ object: PickleObject) -> PickleReference? {
        guard let state = object.state else { return nil }
        if items(state) != nil { return state }
        // (attributes, slots)
        if let parts = elements(state), parts.count == 2, items(parts[0]) != nil { return parts[0] }
        return nil
    }
}
