import ZooLayerGraphs
import ZooTensors

/// A plan's private form of a network: the steps that are really computed. Passes make it from the model's
/// graph, which stays as it is; every step knows the layers that it stands for.
struct LoweredGraph {
    /// What a step computes.
    typealias Operation = ComputedOperation

    /// One step.
    struct Step: Hashable {
        /// The layer whose parameters it uses.
        let path: String
        var operation: Operation
        /// The function applied to the result on its way to memory.
        var fused: ElementFunction?
        /// All layers that it stands for, in order; its result is the last one's.
        var covers: [String]
        /// The layer whose result it takes, before ``LoweredGraph/views`` are followed.
        let input: String

        /// The layer whose result it gives.
        var output: String { covers.last ?? path }
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
    /// Layers whose results are asked for.
    let kept: Set<String>
    /// Layers that don't learn.
    let frozen: Set<String>
    /// Whether dropout drops.
    let usesDropout: Bool
    var steps: [Step]
    var views: [String: View] = [:]

    /// One step per layer, then the passes.
    /// - Throws: ``ZooError`` naming a layer of a kind that isn't computed.
    init(
        _ graph: LayerGraph, shapes: [String: TensorShape], kept: Set<String>, frozen: Set<String>,
        usesDropout: Bool
    ) throws(ZooError) {
        self.source = graph
        self.shapes = shapes
        self.kept = kept
        self.frozen = frozen
        self.usesDropout = usesDropout
        var steps: [Step] = []
        for node in graph.nodes {
            let input = node.inputs.first ?? LayerGraph.inputPath
            if case .softmax = node.layer, let operand = shapes[input], operand.rank != 2 {
                throw ZooError(
                    .unsupported, "softmax over feature maps can be read and shown, but not computed yet",
                    tensor: node.path, expected: "[N, F]", found: operand.description)
            }
            steps.append(
                Step(path: node.path, operation: try Operation(node), covers: [node.path], input: input))
        }
        self.steps = steps
        let passes: [any LoweringPass.Type] = [
            UnusedLayerRemoval.self, DropoutRemoval.self, FlattenElision.self, ActivationFusion.self,
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

    /// How often each step's result is needed, by other steps and by who asks for it.
    var useCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for step in steps { counts[resolved(step.input).value, default: 0] += 1 }
        for path in kept { counts[resolved(path).value, default: 0] += 1 }
        counts[resolved(source.output).value, default: 0] += 1
        return counts
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
