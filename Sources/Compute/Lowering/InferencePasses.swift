import ZooLayerGraphs

// Passes for what no gradient passes through: inference, and the frozen layers before those that learn.

/// A batch normalisation with fixed statistics is one factor and one term for each channel, which the convolution
/// or linear layer before it takes into its weights.
enum NormalizationFolding: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        let uses = graph.useCounts
        let learning = graph.learning
        var steps: [LoweredGraph.Step] = []
        var places: [String: Int] = [:]
        for step in graph.steps {
            if case .batchNormalization(let layer) = step.operation, !graph.usesBatchStatistics(step),
                !learning.contains(step.output), graph.resolved(step.input).order == nil,
                let place = places[graph.resolved(step.input).value], canFold(into: steps[place]),
                uses[steps[place].output] == 1
            {
                steps[place].normalization = LoweredGraph.Normalization(layer: layer, owner: step.owner)
                steps[place].covers += step.covers
                places[steps[place].output] = place
            } else {
                places[step.output] = steps.count
                steps.append(step)
            }
        }
        graph.steps = steps
    }

    private static func canFold(into step: LoweredGraph.Step) -> Bool {
        switch step.operation {
        case .convolution: step.normalization == nil
        default: false
        }
    }
}

/// A sum of a convolution's result with something that nobody reads afterwards is added by the convolution, in the
/// memory of the other.
enum ResidualFusion: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        let uses = graph.useCounts
        let learning = graph.learning
        var readers: [String: [Int]] = [:]
        var places: [String: Int] = [:]
        for (place, step) in graph.steps.enumerated() {
            places[step.output] = place
            for input in step.inputs { readers[graph.resolved(input).value, default: []].append(place) }
        }
        var removed: Set<Int> = []
        for (place, step) in graph.steps.enumerated() where step.operation == .add && step.inputs.count == 2 {
            let names = step.inputs.map { graph.resolved($0) }
            // The later of the two adds to the earlier.
            guard names.allSatisfy({ $0.order == nil }), names[0].value != names[1].value,
                let first = places[names[0].value], let second = places[names[1].value],
                !learning.contains(step.output)
            else { continue }
            let (adder, addend) = first > second ? (first, names[1].value) : (second, names[0].value)
            let (sum, term) = (graph.steps[adder], graph.steps[min(first, second)])
            let others = (readers[addend] ?? []).filter { $0 != place }
            guard canAdd(sum), ownsItsMemory(term), uses[sum.output] == 1,
                // Everybody else is done with the addend, and nobody outside asks for it.
                uses[addend] == others.count + 1,
                others.allSatisfy({ $0 < adder && !learning.contains(graph.steps[$0].output) }),
                graph.shapes[sum.output] == graph.shapes[addend],
                graph.shapes[step.output] == graph.shapes[addend]
            else { continue }
            graph.steps[adder].addend = addend
            graph.steps[adder].covers += step.covers
            places[step.output] = adder
            removed.insert(place)
        }
        graph.steps = graph.steps.indices.filter { !removed.contains($0) }.map { graph.steps[$0] }
    }

    private static func canAdd(_ step: LoweredGraph.Step) -> Bool {
        if case .convolution = step.operation { step.fused == nil && step.addend == nil } else { false }
    }

    /// Whether a step's result is in memory of its own, and not another's under another name.
    private static func ownsItsMemory(_ step: LoweredGraph.Step) -> Bool {
        switch step.operation {
        case .convolution, .batchNormalization, .activation, .pooling, .add, .multiply, .concatenate: true
        default: false
        }
    }
}
