import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// A network that keras.applications has, brought into the form that it has there: its EfficientNets scale pixels
/// themselves, so what is done to pictures before becomes layers.
struct KerasApplicationForm {
    /// The model in this form; as it was, where keras.applications' network would give other numbers.
    let model: Model
    /// What was done, and what differs in training, one sentence each.
    let notes: [String]
    /// What would change if keras.applications' own network took the weights, one sentence each.
    let differences: [String]

    /// - Parameter isAsked: whether layers may be added for it.
    /// - Throws: ``ZooError`` when what is done to pictures can't be said in Keras' layers.
    init(_ model: Model, isAsked: Bool) throws(ZooError) {
        guard let names = KerasNames.of(model.graph.architecture) else {
            (self.model, notes, differences) = (model, [], [])
            return
        }
        let found = try DialectDifferences(model.graph, names.dialect, isPartial: true)
        let title = "keras.applications' \(model.graph.architecture)"
        differences = found.inResults
        var notes: [String] = []
        if !found.isExact {
            notes.append(
                "\(title) would give other numbers with these weights "
                    + "(\(found.inResults.joined(separator: "; "))); the whole model has its own")
        }
        guard names.dialect.conventions != nil else {
            let drops = model.graph.nodes.contains { node in
                guard case .dropout(let share) = node.layer else { return false }
                return share > 0 && names[node.path] != nil
            }
            if drops {
                notes.append("\(title) drops nothing while training; this model's dropout is kept")
            }
            (self.model, self.notes) = (model, notes)
            return
        }
        notes += found.inTraining
        guard found.isExact, !KerasApplicationForm.scalesPixels(model.graph) else {
            (self.model, self.notes) = (model, notes)
            return
        }
        guard isAsked else {
            notes.append(
                "\(title) scales pixels itself, and this model has no layers for it; --to keras adds them")
            (self.model, self.notes) = (model, notes)
            return
        }
        self.model = try KerasApplicationForm.scalingPixels(model)
        let layers = model.preprocessing
        func list(_ numbers: [Double]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
        notes.append(
            "pixels are scaled in the network, as in keras.applications: it takes 0…255, and a Rescaling and a "
                + "Normalization do what was done to pictures before (scale \(layers.scale), mean "
                + "\(list(layers.mean)), standard deviation \(list(layers.standardDeviation))"
                + (layers.isAssumed ? ", which the weights don't tell and were assumed)" : ")"))
        self.notes = notes
    }

    /// Whether layers that scale pixels come first.
    private static func scalesPixels(_ graph: LayerGraph) -> Bool {
        graph.nodes.contains { node in
            switch node.layer {
            case .normalization, .rescaling: node.inputs == [LayerGraph.inputPath]
            default: false
            }
        }
    }

    /// The model with a Rescaling by 1/255 and a Normalization before its first layer.
    private static func scalingPixels(_ model: Model) throws(ZooError) -> Model {
        let before = model.preprocessing
        let channels = model.graph.input.channels
        guard before.channels != .bgr, before.scale > 0,
            [0, channels].contains(before.mean.count),
            [0, channels].contains(before.standardDeviation.count),
            before.standardDeviation.allSatisfy({ $0 > 0 })
        else {
            throw ZooError(
                .unsupported,
                "what is done to pictures before this network can't be said in keras.applications' layers",
                found: "\(before.channels.rawValue), scale \(before.scale)",
                remedy: "Say --mean and --std, or leave --to keras out.")
        }
        let path = KerasScaling.normalization
        let unit = 255 * before.scale
        func numbers(_ given: [Double], _ usual: Double, _ change: (Double) -> Double) throws(ZooError)
            -> Tensor
        {
            let all = given.isEmpty ? [Double](repeating: usual, count: channels) : given
            return try Tensor(all.map { Float(change($0)) }, shape: [channels])
        }
        var parameters = ParameterTable()
        parameters[ParameterPath(path, .runningMean)] = try numbers(before.mean, 0) { $0 / unit }
        parameters[ParameterPath(path, .runningVariance)] = try numbers(before.standardDeviation, 1) {
            ($0 / unit) * ($0 / unit)
        }
        for (path, tensor) in model.parameters.entries { parameters[path] = tensor }
        let graph = try model.graph.prefixed(by: [
            Node("rescaling", .rescaling(Rescaling(scale: [1 / 255.0])), inputs: [LayerGraph.inputPath]),
            Node(path, .normalization(Normalization(channels)), inputs: ["rescaling"]),
        ])
        var after = before
        (after.scale, after.mean, after.standardDeviation) = (1, [], [])
        return try Model(
            graph: graph, parameters: parameters, keys: model.keys, preprocessing: after,
            labels: model.labels, provenance: model.provenance)
    }
}
