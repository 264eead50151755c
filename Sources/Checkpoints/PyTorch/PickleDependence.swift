internal import ZooContainers

/// Whether what a pickle would have Python make might be a tensor.
struct PickleDependence {
    private let document: PickleDocument
    /// What was looked through to its end without finding numbers; entries may share it.
    private var numberless: Set<PickleReference> = []

    init(_ document: PickleDocument) { self.document = document }

    /// Whether a call of unknown code has tensors, storages or raw bytes to work with, or is of a kind that nobody
    /// stores for its own sake.
    mutating func mayHideTensor(_ reference: PickleReference) -> Bool {
        guard let object = document.object(reference) else { return false }
        if let name = document.className(of: object) {
            if KnownObjects.isKnown(name) { return false }
            if PickleAudit.isDangerous(name) { return true }
        }
        var budget = 10_000
        var visited: Set<PickleReference> = []
        if touchesNumbers(reference, depth: 0, &visited, &budget) { return true }
        numberless.formUnion(visited)
        return false
    }

    private func touchesNumbers(
        _ reference: PickleReference, depth: Int, _ visited: inout Set<PickleReference>, _ budget: inout Int
    ) -> Bool {
        guard !numberless.contains(reference), visited.insert(reference).inserted else { return false }
        budget -= 1
        // What is too large to look through may hold anything.
        guard budget > 0, depth < 64 else { return true }
        func any(_ references: [PickleReference]) -> Bool {
            for reference in references where touchesNumbers(reference, depth: depth + 1, &visited, &budget) {
                return true
            }
            return false
        }
        switch document.value(reference) {
        case .none, .boolean, .integer, .largeInteger, .real, .text, .global: return false
        case .bytes(let bytes): return bytes.count > 64
        case .persistent: return true
        case .tuple(let items), .list(let items), .set(let items): return any(items)
        case .dictionary(let entries): return any(entries.map(\.value))
        case .object(let object):
            if PyTorchTensor.isTensor(document, reference) { return true }
            return any(
                [object.arguments, object.keywords, object.state].compactMap { $0 } + object.items
                    + object.entries.map(\.value))
        }
    }
}
