import ZooLayerGraphs
import ZooTensors

/// A plan's private form of a network: the steps that are really computed. Passes make it from the model's
/// graph, which stays as it is; every step knows the layers that it stands for.
struct LoweredGraph {
    /// One step.
    struct Step: Hashable {
        /// The layer that it computes.
        let path: String
        let operation: Layer
        /// The layer whose parameters it uses.
        let owner: String
        /// The batch normalisation that its weights have taken in.
        var normalization: Normalization?
        /// The result to which its own is added, in that one's memory.
        var addend: String?
        /// The function applied to the result on its way to memory.
        var fused: Activation?
        /// All layers that it stands for, in order; its result is the last one's.
        var covers: [String]
        /// The layers whose results it takes, before ``LoweredGraph/views`` are followed.
        let inputs: [String]

        init(_ node: Node) {
            self.path = node.path
            self.operation = node.layer
            self.owner = node.parameterOwner
            self.covers = [node.path]
            self.inputs = node.inputs
        }

        /// The first layer whose result it takes; all but sums, products and the like have one alone.
        var input: String { inputs.first ?? LayerGraph.inputPath }
        /// The layer whose result it gives.
        var output: String { covers.last ?? path }
    }

    /// A batch normalisation with fixed statistics.
    struct Normalization: Hashable {
        let layer: BatchNormalization
        /// The layer whose parameters it uses.
        let owner: String
    }

    /// A layer that computes nothing: its result is another's, possibly under another shape.
    struct View: Hashable {
        let base: String
        /// The order of the flattened elements, if the layer flattens.
        let order: FlattenOrder?
    }

    let source: LayerGraph
    /// Shapes of all layers' results.
    let shapes: [String: TensorShape]
    /// What the plan is for.
    let configuration: PlanConfiguration
    var steps: [Step]
    var views: [String: View] = [:]

    /// One step per layer, then the passes.
    init(_ graph: LayerGraph, shapes: [String: TensorShape], for configuration: PlanConfiguration) {
        self.source = graph
        self.shapes = shapes
        self.configuration = configuration
        self.steps = graph.nodes.map { Step($0) }
        let passes: [any LoweringPass.Type] = [
            UnusedLayerRemoval.self, IdentityElision.self, FlattenElision.self, NormalizationFolding.self,
            ResidualFusion.self, ActivationFusion.self,
        ]
        for pass in passes { pass.apply(to: &self) }
    }

    /// The step result that a layer's result is, and its flattened order if it is one that was flattened.
    func resolved(_ path: String) -> (value: String, order: FlattenOrder?) {
        var value = path
        var order: FlattenOrder?
        // Views point backwards in the graph, so this ends.
        while let view = views[value] {
            order = view.order ?? order
            value = view.base
        }
        return (value, order)
    }

    /// Whether a step is frozen: itself, or the layer whose parameters it uses.
    private func isFrozen(_ step: Step) -> Bool {
        configuration.frozen.contains(step.path) || configuration.frozen.contains(step.owner)
    }

    /// Whether a step behaves as in training.
    func isTraining(_ step: Step) -> Bool { configuration.isTraining && !isFrozen(step) }

    /// Whether a step's parameters get gradients.
    func learns(_ step: Step) -> Bool {
        !isFrozen(step) && step.operation.parameterShapes.contains { $0.role.isLearned }
    }

    /// Whether a batch normalisation takes its statistics from the batch.
    func usesBatchStatistics(_ step: Step) -> Bool {
        if case .batchNormalization = step.operation { isTraining(step) } else { false }
    }

    /// Results that a gradient passes through: those on the way from the output down to the lowest that learns, or at
    /// which a gradient is asked for.
    var learning: Set<String> {
        guard configuration.purpose == .training else { return [] }
        let ancestors = LoweredGraph.ancestors(of: source.output, in: source)
        let wanted = Set(configuration.gradients.activations.map { resolved($0).value })
        var needed: Set<String> = []
        if configuration.gradients.input || wanted.contains(LayerGraph.inputPath) {
            needed.insert(LayerGraph.inputPath)
        }
        var learning: Set<String> = []
        for step in steps where ancestors.contains(step.path) {
            let isWanted = step.covers.contains { wanted.contains($0) }
            let passesOn = step.inputs.contains { needed.contains(resolved($0).value) }
            if learns(step) || isWanted || passesOn {
                needed.insert(step.output)
                learning.insert(step.output)
            }
        }
        return learning
    }

    /// How often each step's result is needed, by other steps and by who asks for it.
    var useCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for step in steps {
            for input in step.inputs { counts[resolved(input).value, default: 0] += 1 }
        }
        for path in configuration.keeping { counts[resolved(path).value, default: 0] += 1 }
        counts[resolved(source.output).value, default: 0] += 1
        return counts
    }

    /// Whether a step has to keep a name of its own although its result is its operand's: the gradient that is asked
    /// for at it isn't the operand's, which others read too.
    func needsOwnGradient(_ step: Step) -> Bool {
        configuration.gradients.activations.contains(step.path)
            && useCounts[resolved(step.input).value, default: 0] > 1
    }

    /// The layers that the output depends on, itself included.
    static func ancestors(of path: String, in graph: LayerGraph) -> Set<String> {
        var found: Set<String> = []
        var pending = [path]
        while let next = pending.popLast() {
            guard found.insert(next).inserted, let node = graph[next] else { continue }
            pending += node.inputs
        }
        return found
    }
}

/// A rewriting of the lowered graph.
protocol LoweringPass {
    static func apply(to graph: inout LoweredGraph)
}
