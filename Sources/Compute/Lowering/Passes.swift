import ZooLayerGraphs

/// Drops layers that neither the output nor anything asked for depends on.
enum UnusedLayerRemoval: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        var needed = LoweredGraph.ancestors(of: graph.source.output, in: graph.source)
        var asked = graph.configuration.keeping
        // Running statistics follow the batch wherever the graph has them.
        for step in graph.steps where graph.usesBatchStatistics(step) { asked.insert(step.path) }
        for path in asked { needed.formUnion(LoweredGraph.ancestors(of: path, in: graph.source)) }
        graph.steps.removeAll { !needed.contains($0.path) }
    }
}

/// Layers that change nothing are views of their operand: dropout outside training, sums of one operand.
enum IdentityElision: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        for step in graph.steps where graph.isIdentity(step) && !graph.needsOwnGradient(step) {
            graph.views[step.path] = LoweredGraph.View(base: step.input, order: nil)
        }
        graph.steps.removeAll { graph.views[$0.path] != nil }
    }
}

extension LoweredGraph {
    /// Whether a step's result is its operand, element by element and under the same shape.
    func isIdentity(_ step: Step) -> Bool {
        switch step.operation {
        case .dropout(let probability), .spatialDropout(let probability), .stochasticDepth(let probability):
            probability <= 0 || !isTraining(step)
        case .add, .multiply, .average, .concatenate: step.inputs.count == 1
        case .padding(let sides), .cropping(let sides): sides == .none
        case .upsampling(let layer): layer.factor == Extent(1)
        case .reshape(let layer):
            layer.order == .channelsFirst && shapes[step.path] == shapes[step.input]
        case .permute(let axes): axes == Array(0..<axes.count)
        case .convolution, .transposedConvolution, .linear, .batchNormalization, .normalization,
            .localResponseNormalization, .rescaling, .activation, .parametricReLU, .softmax, .pooling,
            .adaptivePooling, .globalPooling, .flatten:
            false
        }
    }
}

/// Flattening a feature map moves no bytes: what follows reads the map as it lies, and the columns of a linear
/// layer's weight are put in that order once, when they are loaded.
enum FlattenElision: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        for step in graph.steps {
            guard let view = graph.flattening(step), !graph.needsOwnGradient(step) else { continue }
            graph.views[step.path] = view
        }
        graph.steps.removeAll { graph.views[$0.path] != nil }
    }
}

extension LoweredGraph {
    /// The view that a step is if it puts all elements of a sample in a row and moves none. Maps lie in any order;
    /// values of other ranks lie in canonical order, and others of their orders are made by moving.
    func flattening(_ step: Step) -> View? {
        let order: FlattenOrder
        switch step.operation {
        case .flatten(let chosen): order = chosen
        case .reshape(let layer) where layer.shape.count == 1: order = layer.order
        default: return nil
        }
        let rank = shapes[step.input]?.rank ?? 0
        if rank == 4 { return View(base: step.input, order: order) }
        return rank <= 2 || order == .channelsFirst ? View(base: step.input, order: nil) : nil
    }
}

/// An element-wise function is applied by the convolution or linear layer before it, while its result is still
/// in registers, unless somebody wants to see that result, or its gradient is found from the operand.
enum ActivationFusion: LoweringPass {
    static func apply(to graph: inout LoweredGraph) {
        let uses = graph.useCounts
        var steps: [LoweredGraph.Step] = []
        var places: [String: Int] = [:]
        for step in graph.steps {
            if case .activation(let function) = step.operation,
                let place = places[graph.resolved(step.input).value],
                graph.resolved(step.input).order == nil, uses[steps[place].output] == 1,
                canFuse(function, into: steps[place], graph)
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

    private static func canFuse(
        _ function: Activation, into step: LoweredGraph.Step, _ graph: LoweredGraph
    ) -> Bool {
        let kernel = FunctionKernel(function)
        guard step.fused == nil, kernel.library != nil else { return false }
        guard graph.configuration.purpose == .inference || !kernel.needsOperand else { return false }
        switch step.operation {
        case .convolution, .linear: return true
        default: return false
        }
    }
}
