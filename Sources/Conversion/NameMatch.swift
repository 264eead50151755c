import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// The names of a checkpoint's layers that have a weight: its keys without `.weight`.
struct LayerNames {
    /// Shape of each layer's weight, by the layer's name.
    let shapes: [String: TensorShape]
    /// Names in the file's order.
    let ordered: [String]

    init(_ checkpoint: Checkpoint) {
        var shapes: [String: TensorShape] = [:]
        var ordered: [String] = []
        for tensor in checkpoint.tensors where tensor.name.hasSuffix(".weight") {
            let name = String(tensor.name.dropLast(7))
            if shapes.updateValue(tensor.shape, forKey: name) == nil { ordered.append(name) }
        }
        self.shapes = shapes
        self.ordered = ordered
    }

    func contains(_ name: String) -> Bool { shapes[name] != nil }
}

/// How a dialect's names fit a file's: which layers are there, and what stands in the classifier's place.
struct NameMatch {
    /// Layers of the dialect that the file has, and that it should have.
    let found, wanted: Int
    /// Layers found, of all that the dialect or the file has: 1 when both have the same.
    let score: Double
    /// Whether the file has nothing of the classifier.
    let isHeadless: Bool
    /// The head under a name of its own, when it is the one layer left over and fits the features.
    let renamedHead: Dialect.Pair?
    /// What is left over behind a body without its classifier: keys of another one's layers.
    let foreignHead: [String]

    init(_ dialect: Dialect, _ names: LayerNames) {
        let classifier = dialect.classifier
        let isClassifier = { (pair: Dialect.Pair) in classifier.contains { pair.node == $0.path } }
        let all = dialect.layers.count { names.contains($0.source) }
        let inClassifier = dialect.layers.count { isClassifier($0) && names.contains($0.source) }
        let body = dialect.layers.count { !isClassifier($0) }
        let isAnother = NameMatch.hasAnotherClassifier(dialect, names)
        guard inClassifier == 0 || (isAnother && all - inClassifier == body), all > 0 else {
            (found, wanted) = (all, dialect.layers.count)
            score = Double(all) / Double(max(dialect.layers.count + names.ordered.count - all, 1))
            (isHeadless, renamedHead, foreignHead) = (false, nil, [])
            return
        }
        let left = names.ordered.filter { dialect.pair(source: $0).map(isClassifier) ?? true }
        (found, wanted) = (all - inClassifier, body)
        score = Double(found) / Double(max(wanted + names.ordered.count - found, 1))
        if left.count == 1, classifier.count == 1, let shape = names.shapes[left[0]], shape.rank == 2,
            shape[1] == classifier[0].features
        {
            renamedHead = Dialect.Pair(classifier[0].path, left[0])
            (isHeadless, foreignHead) = (false, [])
        } else {
            renamedHead = nil
            (isHeadless, foreignHead) = (true, left)
        }
    }

    /// Whether what has the classifier's names is another one: it has more layers in the same container, or hidden ones
    /// of other widths.
    private static func hasAnotherClassifier(_ dialect: Dialect, _ names: LayerNames) -> Bool {
        let sources = dialect.classifier.compactMap { dialect.pair(node: $0.path)?.source }
        guard sources.count == dialect.classifier.count, let last = sources.last else { return false }
        let container = last.lastIndex(of: ".").map { last[..<$0] } ?? last[...]
        let strangers = names.ordered.filter { dialect.pair(source: $0) == nil }
        if !strangers.isEmpty, strangers.allSatisfy({ $0.hasPrefix(container + ".") }) { return true }
        return zip(sources, dialect.classifier.dropFirst()).contains { source, next in
            // One that is turned round is the network's own, and a mistake.
            guard let shape = names.shapes[source], shape.rank == 2 else { return false }
            return !shape.dimensions.contains(next.features)
        }
    }
}
