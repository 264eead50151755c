import ZooLayerGraphs

/// Drops layers that neither the output nor anything asked for depends on.
enum UnusedLayerRemoval: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        var needed = LoweredGraph.ancestors(of: graph.source.output, in: graph.source)
        for path in graph.kept { needed.formUnion(LoweredGraph.ancestors(of: path, in: graph.source)) }
        graph.steps.removeAll { !needed.contains($0.path) }
    }
}

/// Dropout that drops nothing is a view of its operand.
enum DropoutRemoval: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        for step in graph.steps {
            guard case .dropout(let probability) = step.operation else { continue }
            if probability > 0, graph.usesDropout, !graph.frozen.contains(step.path) { continue }
            graph.views[step.path] = LoweredGraph.View(base: step.input, order: nil)
        }
        graph.steps.removeAll { graph.views[$0.path] != nil }
    }
}

/// Flattening moves no bytes: what follows reads the feature map as it lies, and the columns of a linear layer's
/// weight are put in that order once, when they are loaded.
enum FlattenElision: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        for step in graph.steps {
            guard case .flatten(let order) = step.operation else { continue }
            let isMap = graph.shapes[step.input]?.rank == 4
            graph.views[step.path] = LoweredGraph.View(base: step.input, order: isMap ? order : nil)
        }
        graph.steps.removeAll { graph.views[$0.path] != nil }
    }
}

/// An element-wise function is applied by the convolution or linear layer before it, while its result is still
/// in registers, unless somebody wants to see that result.
enum ActivationFusion: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        let uses = graph.useCounts
        var steps: [LoweredGraph.Step] = []
        var places: [String: Int] = [:]
        for step in graph.steps {
            if case .activation(let function) = step.operation,
                let place = places[graph.resolved(step.input).value],
                graph.resolved(step.input).order == nil, uses[steps[place].output] == 1,
                canFuse(into: steps[place])
            {
                // What lies between is a dropout that drops nothing; its path then means the fused result's
                // operand, which nobody asked for.
                steps[place].fused = function
                steps[place].covers += step.covers
                places[steps[place].output] = place
            } else {
                places[step.output] = steps.count
                steps.append(step)
            }
        }
        graph.steps = steps
    }

    private static func canFuse(into step: LoweredGraph.Step) -> Bool {
        guard step.fused == nil else { return false }
        switch step.operation {
        case .convolution, .linear: return true
        default: return false
        }
    }
}
