internal import ZooContainers
internal import ZooTensors

/// Finds the state dicts in what `torch.save` was given.
///
/// A dictionary is a state dict when tensors are among its values and no dictionary of tensors is, or when most
/// of its values are tensors. Where training scripts wrap it (`{"state_dict": …, "epoch": …}`), wrappers are
/// opened; what belongs to an optimizer is never looked at.
struct StateDictSearch {
    struct Candidate {
        /// Dotted path from the root; empty for the root itself.
        let path: String
        let reference: PickleReference
        /// Whether its own key is one by which scripts usually name the network.
        let hasUsualName: Bool
    }

    static let usualNames: Set<String> = [
        "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params", "weights",
        "module",
        "model_weights", "net_state_dict", "state_dict_ema", "model_ema", "ema",
        "ema_state_dict",
        "model_ema_state_dict", "ema_model", "params_ema", "teacher", "student",
    ]

    /// Keys of what only the training script needs again.
    static func isTrainingState(_ key: String) -> Bool {
        guard key.utf8.count <= 256 else { return false }
        let lower = key.lowercased()
        return ["optim", "sched", "scaler", "callbacks", "loops", "rng_state"].contains { lower.contains($0) }
    }

    /// Keys that never lead to a network's weights.
    private static func isBesideThePoint(_ key: String) -> Bool {
        guard key.utf8.count <= 256 else { return false }
        let lower = key.lowercased()
        return isTrainingState(key) || lower.hasPrefix("hyper") || lower.hasPrefix("hparams")
            || lower == "opt"
    }

    private let document: PickleDocument
    private var visited: Set<PickleReference> = []
    private(set) var candidates: [Candidate] = []

    init(_ document: PickleDocument) {
        self.document = document
        search(document.root, path: "", key: "", depth: 0)
        // Names that scripts use for the network go before anything else that happens to hold tensors.
        let usual = candidates.filter(\.hasUsualName)
        if !usual.isEmpty { candidates = usual }
    }

    private mutating func search(_ reference: PickleReference, path: String, key: String, depth: Int) {
        guard depth <= 8, visited.insert(reference).inserted, visited.count < 100_000 else { return }
        let isWhole =
            StateDictSearch.isStateDict(document, reference) || PickledModules.isModule(document, reference)
            || (depth == 0 && PyTorchTensor.isTensor(document, reference))
        if isWhole {
            let hasUsualName = StateDictSearch.usualNames.contains(key)
            candidates.append(Candidate(path: path, reference: reference, hasUsualName: hasUsualName))
            return
        }
        let before = candidates.count
        for child in children(reference) where !StateDictSearch.isBesideThePoint(child.name) {
            // Paths grow with every level.
            guard path.utf8.count + child.name.utf8.count <= PickleDocument.longestName else { continue }
            let childPath = path.isEmpty ? child.name : path + "." + child.name
            let childKey = Int(child.name) == nil ? child.name : key
            search(child.value, path: childPath, key: childKey, depth: depth + 1)
        }
        // Tensors beside things that hold none: the tensors are what there is.
        if candidates.count == before, hasTensors(reference) {
            let hasUsualName = StateDictSearch.usualNames.contains(key)
            candidates.append(Candidate(path: path, reference: reference, hasUsualName: hasUsualName))
        }
    }

    private func children(_ reference: PickleReference) -> [(name: String, value: PickleReference)] {
        if let items = document.namedItems(reference) { return items }
        let elements = document.elements(reference) ?? []
        return elements.prefix(64).enumerated().map { (String($0.offset), $0.element) }
    }

    private func hasTensors(_ reference: PickleReference) -> Bool {
        // A list of tensors counts only where it is all there is.
        if document.elements(reference) != nil, reference != document.root { return false }
        return children(reference).contains { PyTorchTensor.isTensor(document, $0.value) }
    }

    /// Whether most values are tensors.
    static func isStateDict(_ document: PickleDocument, _ reference: PickleReference) -> Bool {
        guard let items = document.namedItems(reference), !items.isEmpty else { return false }
        let tensorCount = items.count { PyTorchTensor.isTensor(document, $0.value) }
        guard tensorCount > 0 else { return false }
        return tensorCount == items.count || (tensorCount >= 2 && tensorCount > items.count / 2)
    }

    /// Follows a dotted path; keys may contain dots themselves, the longest one that fits is taken.
    static func resolve(_ path: String, in document: PickleDocument) -> PickleReference? {
        var current = document.root
        var rest = path.split(separator: ".", omittingEmptySubsequences: false)[...]
        while !rest.isEmpty {
            var next: PickleReference?
            var length = rest.count
            let items = document.namedItems(current)
            let elements = document.elements(current)
            while length > 0, next == nil {
                let key = rest.prefix(length).joined(separator: ".")
                if let items {
                    next = items.first { $0.name == key }?.value
                } else if let elements, let index = Int(key), elements.indices.contains(index) {
                    next = elements[index]
                }
                if next == nil { length -= 1 }
            }
            guard let next else { return nil }
            current = next
            rest = rest.dropFirst(length)
        }
        return current
    }
}
