internal import ZooContainers
internal import ZooTensors

/// Turns plain values of a pickle into JSON: bounded in number and depth, so that values that contain themselves
/// or each other many times stay small. What isn't plain becomes `{"class": name, "opaque": true}`.
struct PickleExtras {
    private let document: PickleDocument
    private var budget = 200_000
    private static let maximumDepth = 24

    init(_ document: PickleDocument) { self.document = document }

    mutating func json(_ reference: PickleReference) -> JSONValue { json(reference, depth: 0) }

    static func opaque(_ name: String) -> JSONValue { ["class": .string(name), "opaque": true] }

    private mutating func json(_ reference: PickleReference, depth: Int) -> JSONValue {
        budget -= 1
        guard budget > 0, depth < PickleExtras.maximumDepth else { return PickleExtras.opaque("…") }
        switch document.value(reference) {
        case .none: return .null
        case .boolean(let value): return .bool(value)
        case .integer(let value): return .integer(value)
        case .largeInteger(let bytes):
            guard bytes.count <= 64, let bytes = try? bytes.allBytes() else {
                return PickleExtras.opaque("int")
            }
            return .string(
                "0x" + bytes.reversed().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        case .real(let value): return .finite(value)
        case .text(let text):
            budget -= text.utf8.count / 64
            return .string(text)
        case .bytes(let bytes): return ["class": "bytes", "opaque": true, "bytes": .integer(bytes.count)]
        case .tuple(let items), .list(let items), .set(let items): return list(items, depth: depth)
        case .dictionary: return dictionary(reference, depth: depth)
        case .global(let global):
            // Types are used as values: torch.float32.
            return PyTorchType(dtype: global) != nil
                ? .string(global.description) : PickleExtras.opaque(global.description)
        case .persistent(let id):
            let name = document.className(reference)?.description
            return PickleExtras.opaque(name ?? document.text(id) ?? "persistent id")
        case .object(let object): return self.object(reference, object, depth: depth)
        }
    }

    private mutating func list(_ items: [PickleReference], depth: Int) -> JSONValue {
        var values: [JSONValue] = []
        for item in items {
            guard budget > 0 else { break }
            values.append(json(item, depth: depth + 1))
        }
        return .array(values)
    }

    private mutating func dictionary(_ reference: PickleReference, depth: Int) -> JSONValue {
        var result = JSONObject()
        // Also entries without a name cost time, each time that the dictionary is referred to.
        budget -= document.items(reference)?.count ?? 0
        guard budget > 0 else { return PickleExtras.opaque("…") }
        for item in document.namedItems(reference) ?? [] {
            guard budget > 0 else { break }
            result[item.name] = json(item.value, depth: depth + 1)
        }
        return .object(result)
    }

    private mutating func object(_ reference: PickleReference, _ object: PickleObject, depth: Int)
        -> JSONValue
    {
        if PyTorchTensor.isTensor(document, reference) { return PickleExtras.opaque("torch.Tensor") }
        if document.items(reference) != nil { return dictionary(reference, depth: depth) }
        if let value = KnownObjects.json(document, object) { return value }
        let name = document.className(of: object)
        let first = document.elements(object.arguments)?.first
        switch (name?.module, name?.name) {
        case ("torch", "Size"), ("builtins", "set"), ("__builtin__", "set"), ("builtins", "frozenset"),
            ("__builtin__", "frozenset"):
            if let items = first.flatMap({ document.elements($0) }) { return list(items, depth: depth) }
            return .array([])
        case ("collections", "deque"):
            return list((first.flatMap { document.elements($0) } ?? []) + object.items, depth: depth)
        default: break
        }
        guard var record = PickleExtras.opaque(name?.description ?? "?").objectValue else { return .null }
        if object.isInstance, let attributes = document.attributes(object) {
            record["attributes"] = dictionary(attributes, depth: depth + 1)
        } else if !object.isInstance, let arguments = document.elements(object.arguments), !arguments.isEmpty
        {
            // An enumeration's member is its class called with the value.
            record["arguments"] = list(Array(arguments.prefix(16)), depth: depth + 1)
        }
        return .object(record)
    }
}
