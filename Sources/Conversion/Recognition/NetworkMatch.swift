import ZooLayerGraphs
import ZooTensors

/// Which steps of a graph are which steps of a known network, followed from the input on. Epsilon, momentum and what
/// is dropped while training may differ; layers that scale pixels may come first.
struct NetworkMatch {
    let own: GraphEssence
    let known: GraphEssence
    /// Places of the layers that scale pixels before the network's own first, in order.
    private(set) var front: [Int] = []
    /// The known network's step for each of the graph's, and the other way round.
    private(set) var knownPlaces: [Int: Int] = [:]
    private(set) var ownPlaces: [Int: Int] = [:]

    /// What makes a step the same one.
    private struct Signature: Hashable {
        let layer: Layer
        let operands: [Operand]

        struct Operand: Hashable {
            let value: Int
            let shape: TensorShape
        }

        /// - Parameter values: of the operands, in the known network.
        init(_ step: GraphEssence.Step, values: [Int]) {
            var layer = step.layer
            if case .batchNormalization(let numbers) = layer {
                layer = .batchNormalization(
                    BatchNormalization(
                        numbers.channels, hasScale: numbers.hasScale, hasCenter: numbers.hasCenter))
            }
            self.layer = layer
            var operands = zip(values, step.shapes).map { Operand(value: $0, shape: $1) }
            switch layer {
            case .add, .multiply:
                operands.sort {
                    ($0.value, $0.shape.elementCount) < ($1.value, $1.shape.elementCount)
                }
            case .activation, .linear:
                // They do the same to the same elements under any shape.
                operands = operands.map { Operand(value: $0.value, shape: [$0.shape.elementCount]) }
            default: break
            }
            self.operands = operands
        }
    }

    init(own: GraphEssence, known: GraphEssence) {
        self.own = own
        self.known = known
        var open: [Signature: [Int]] = [:]
        for (place, step) in known.steps.enumerated().reversed() {
            open[Signature(step, values: step.operands), default: []].append(place)
        }
        var values = [findFront(): GraphEssence.input]
        for (place, step) in own.steps.enumerated() where !step.isSharing {
            let operands = step.operands.compactMap { values[$0] }
            guard operands.count == step.operands.count,
                let found = open[Signature(step, values: operands)]?.popLast()
            else { continue }
            values[place] = found
            knownPlaces[place] = found
            ownPlaces[found] = place
        }
    }

    /// The value behind the layers that scale pixels.
    private mutating func findFront() -> Int {
        var readers: [Int: [Int]] = [:]
        for (place, step) in own.steps.enumerated() {
            for operand in step.operands { readers[operand, default: []].append(place) }
        }
        var last = GraphEssence.input
        while let next = readers[last], next.count == 1 {
            switch own.steps[next[0]].layer {
            case .rescaling, .normalization: break
            default: return last
            }
            front.append(next[0])
            last = next[0]
        }
        return last
    }

    /// Whether the graph has all of the known network.
    var isWhole: Bool { ownPlaces.count == known.steps.count }

    /// Whether the graph has all that the known network's classifier reads but the pooling before it.
    var hasBody: Bool {
        let body = known.graph.parts.filter { $0.name == "stem" || $0.name.hasPrefix("stage") }
        guard !body.isEmpty else { return isWhole }
        return body.allSatisfy { part in
            part.nodes.allSatisfy { path in
                known.places[path].map { ownPlaces[$0] != nil } ?? true
            }
        }
    }

    /// The share of the known network that the graph has.
    var share: Double { Double(ownPlaces.count) / Double(max(known.steps.count, 1)) }

    /// The first of the graph's steps that isn't the known network's although all that it reads is.
    var firstDifference: (own: GraphEssence.Step, known: GraphEssence.Step?)? {
        let front = Set(self.front)
        let start = self.front.last ?? GraphEssence.input
        guard
            let place = own.steps.indices.first(where: { place in
                knownPlaces[place] == nil && !front.contains(place)
                    && own.steps[place].operands.allSatisfy { $0 == start || knownPlaces[$0] != nil }
            })
        else { return nil }
        let step = own.steps[place]
        let operands = Set(step.operands.map { knownPlaces[$0] ?? GraphEssence.input })
        let counterpart = known.steps.enumerated().first { candidate in
            ownPlaces[candidate.offset] == nil && Set(candidate.element.operands) == operands
        }
        return (step, counterpart?.element)
    }
}
