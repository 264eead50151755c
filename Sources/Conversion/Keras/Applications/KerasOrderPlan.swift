import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Weights alone under names that nobody knows: layers of a network in the network's own order. A `.weights.h5` lists
/// layers by class and an older file in the model's order, so among layers with the same shapes the first is the first
/// either way; where two such layers lie on branches side by side, neither file tells which is which.
extension KerasMatcher {
    /// Networks that have the file's layers, and the error for one that has them in an order that can't be known.
    func assignmentsByOrder(
        _ layers: [FileLayer]
    ) throws(ZooError) -> (found: [Assignment], refusal: ZooError?) {
        var found: [Assignment] = []
        var refusal: ZooError?
        for candidate in architecture.map({ [$0] }) ?? Architecture.all where candidate.family != "LeNet" {
            for isHeadless in [false, true] {
                do throws(ZooError) {
                    if let match = try assignment(candidate, layers, isHeadless: isHeadless) {
                        found.append(match)
                        break
                    }
                } catch {
                    refusal = refusal ?? error
                }
            }
        }
        return (found, refusal)
    }

    private func assignment(
        _ candidate: Architecture, _ layers: [FileLayer], isHeadless: Bool
    ) throws(ZooError) -> Assignment? {
        let normalization =
            candidate.family == "EfficientNet" ? KerasMatcher.normalization(in: layers) : nil
        let others = layers.filter { $0.keys != normalization?.keys }
        var options = ArchitectureOptions(isHeadless: isHeadless)
        options.inputChannels = others.first { $0.shapes[0].rank == 4 }.map { $0.shapes[0][2] }
        options.classes = others.last { $0.shapes[0].rank == 2 }.map { $0.shapes[0][1] }
        if candidate.family == "EfficientNet" { options.conventions = .keras }
        guard let graph = try? candidate.graph(options) else { return nil }
        var nodes: [[TensorShape]: [String]] = [:]
        var kinds: [[TensorShape]] = []
        var count = 0
        for node in graph.nodes where node.layer.kerasClass != nil {
            let shapes = node.layer.kerasShapes
            if nodes[shapes] == nil { kinds.append(shapes) }
            nodes[shapes, default: []].append(node.path)
            count += 1
        }
        guard count == others.count else { return nil }
        var files: [[TensorShape]: [FileLayer]] = [:]
        for layer in others { files[layer.shapes, default: []].append(layer) }
        guard nodes.allSatisfy({ files[$0.key]?.count == $0.value.count }) else { return nil }
        let order = PathOrder(graph)
        var result: [String: FileLayer] = [:]
        for shapes in kinds {
            let paths = nodes[shapes] ?? []
            for (first, second) in zip(paths, paths.dropFirst()) where !order.goes(from: first, to: second) {
                throw ZooError(
                    .ambiguous,
                    "the file has no names that are known, and order and shapes don't tell its layers apart: "
                        + "\(first) and \(second) of \(candidate.name) have the same shapes on branches side by side",
                    found: shapes.map(\.description).joined(separator: ", "),
                    remedy: "Save the whole model in Keras, as .keras or .h5.")
            }
            for (path, layer) in zip(paths, files[shapes] ?? []) { result[path] = layer }
        }
        return Assignment(
            architecture: candidate, layers: result, normalization: normalization, isHeadless: isHeadless,
            isAssumed: true)
    }
}

/// Which layers come before which, whatever order the layers are listed in.
private struct PathOrder {
    private var places: [String: Int] = [:]
    private var inputs: [[Int]] = []

    init(_ graph: LayerGraph) {
        for (place, node) in graph.nodes.enumerated() {
            places[node.path] = place
            inputs.append(node.inputs.compactMap { places[$0] })
        }
    }

    /// Whether a layer's result goes into another's.
    func goes(from first: String, to second: String) -> Bool {
        guard let start = places[first], let end = places[second] else { return false }
        var seen: Set<Int> = []
        var pending = [end]
        while let place = pending.popLast() {
            if place == start { return true }
            guard place > start, seen.insert(place).inserted else { continue }
            pending += inputs[place]
        }
        return false
    }
}

extension Layer {
    /// The shapes of Keras' variables of a layer, in Keras' order and layout.
    fileprivate var kerasShapes: [TensorShape] {
        parameterShapes.map { role, shape in
            guard role == .weight else { return shape }
            switch self {
            case .convolution(let layer):
                return layer.isKerasDepthwise
                    ? [shape[2], shape[3], layer.inputChannels, shape[0] / max(layer.inputChannels, 1)]
                    : [shape[2], shape[3], shape[1], shape[0]]
            case .linear: return [shape[1], shape[0]]
            default: return shape
            }
        }
    }
}
