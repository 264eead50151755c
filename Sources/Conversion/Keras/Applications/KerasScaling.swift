import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// The layers that an EfficientNet of Keras begins with: pixels times 1/255, a Normalization, and in the model with
/// ImageNet's weights alone one more scaling, because those weights hold standard deviations where a Normalization has
/// variances (tensorflow/tensorflow#49930). It has no weights, so what a Normalization holds has to tell.
struct KerasScaling {
    /// Path of the Normalization.
    static let normalization = "normalization"
    /// The standard deviations of ImageNet's colours.
    private static let deviations = [0.229, 0.224, 0.225]

    private let channels: Int?
    private let scalesAgain: Bool
    /// Why the second scaling is there or not, and other guesses, one sentence each.
    let assumptions: [String]

    /// - Parameter asked: whether the user says that the second scaling is there.
    /// - Throws: ``ZooError`` when the question doesn't arise, or the statistics can't be read.
    init(
        _ found: KerasMatcher.Assignment, in checkpoint: Checkpoint, asked: Bool?
    ) throws(ZooError) {
        guard found.architecture.family == "EfficientNet" else {
            if asked != nil { throw KerasScaling.uncalledFor }
            (channels, scalesAgain, assumptions) = (nil, false, [])
            return
        }
        guard let layer = found.normalization, let key = layer.keys.dropFirst().first,
            let tensor = checkpoint[key], tensor.shape.elementCount <= 4_096
        else {
            if asked != nil { throw KerasScaling.uncalledFor }
            (channels, scalesAgain) = (nil, false)
            assumptions = [
                "the file has no Normalization: pictures are expected as the weights' source took them"
            ]
            return
        }
        channels = layer.shapes[0][0]
        if let asked {
            scalesAgain = asked
            assumptions = [
                asked
                    ? "pixels are scaled once more behind the Normalization, as was asked for"
                    : "pixels aren't scaled again behind the Normalization, as was asked for"
            ]
            return
        }
        let variance = try tensor.load().converted(to: .f64).scalars(Double.self)
        func agree(_ numbers: [Double]) -> Bool {
            numbers.count == variance.count && zip(numbers, variance).allSatisfy { abs($0 - $1) < 5e-4 }
        }
        let choice = "(choose with --imagenet-rescaling or --no-imagenet-rescaling)"
        if agree(KerasScaling.deviations) {
            scalesAgain = true
            assumptions = [
                "the Normalization holds ImageNet's standard deviations in the place of variances, as the official "
                    + "weights do; so pixels are scaled once more behind it, as keras.applications does with them \(choice)"
            ]
        } else {
            scalesAgain = false
            let what =
                agree(KerasScaling.deviations.map { $0 * $0 })
                ? "holds ImageNet's variances"
                : variance.allSatisfy { $0 == 1 } ? "was never adapted" : "holds variances of its own"
            assumptions = [
                "the Normalization \(what); so pixels aren't scaled again behind it, as they would be with the official "
                    + "weights \(choice)"
            ]
        }
    }

    /// The error for an answer to a question that doesn't arise.
    static let uncalledFor = ZooError(
        .invalidArgument,
        "only a file of weights alone of a Keras EfficientNet leaves its second scaling open",
        remedy: "Leave --imagenet-rescaling out.")

    /// The network with these layers in front.
    func placed(before graph: LayerGraph) throws(ZooError) -> LayerGraph {
        guard let channels else { return graph }
        var front = [
            Node("rescaling", .rescaling(Rescaling(scale: [1 / 255.0])), inputs: [LayerGraph.inputPath]),
            Node(
                KerasScaling.normalization, .normalization(Normalization(channels)), inputs: ["rescaling"]),
        ]
        if scalesAgain {
            let scale = KerasScaling.deviations.map { 1 / $0.squareRoot() }
            front.append(
                Node("rescaling_1", .rescaling(Rescaling(scale: scale)), inputs: [KerasScaling.normalization])
            )
        }
        return try graph.prefixed(by: front)
    }

    /// What is done to pictures before: nothing, where the network scales them itself.
    func preprocessing(_ usual: Preprocessing?) -> Preprocessing? { channels == nil ? nil : usual }
}

extension LayerGraph {
    /// The graph with a chain of layers before its first ones.
    func prefixed(by front: [Node]) throws(ZooError) -> LayerGraph {
        guard let last = front.last?.path else { return self }
        let moved = nodes.map { node in
            Node(
                node.path, node.layer, inputs: node.inputs.map { $0 == LayerGraph.inputPath ? last : $0 },
                sharing: node.sharing)
        }
        return try LayerGraph(
            architecture: architecture, input: input, nodes: front + moved, output: output, head: head,
            parts: parts.map {
                $0.name == "body" ? Part("body", nodes: front.map(\.path) + $0.nodes) : $0
            })
    }
}
