import ZooArchitectures
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// What another library's network lacks, taken into the numbers that it has, where that gives the same results: scaling
/// of pixels before the first layer, and another epsilon of batch normalisations.
public enum Folding {
    /// A model in a library's form, as far as that is exact.
    ///
    /// - Layers before the first one that only scale and shift pixels leave the graph. A mere factor goes into the first
    ///   convolution's weights. An offset can't, since zeros around the picture would be shifted too: it goes into the
    ///   preprocessing, and whoever feeds the network has to carry that out.
    /// - An epsilon goes into the running variance: σ² + ε is what inference divides by.
    /// - Returns: the model and what was done, one sentence each; the model itself when there was nothing to do.
    /// - Throws: ``ZooError`` for a library that lacks the network, and for variances that are too small for a larger
    ///   epsilon.
    public static func folded(
        _ model: Model, for name: String
    ) throws(ZooError) -> (model: Model, notes: [String]) {
        guard let dialect = Dialect.of(model.graph.architecture).first(where: { $0.name == name }) else {
            return (model, [])
        }
        let theirs = try DialectDifferences.graph(of: dialect, like: model.graph)
        var rewriting = Rewriting(model)
        try rewriting.removeScaling(theirs)
        try rewriting.foldEpsilons(theirs)
        return (try rewriting.result(), rewriting.notes)
    }

    private struct Rewriting {
        let model: Model
        var graph: LayerGraph
        var parameters: ParameterTable
        var preprocessing: Preprocessing
        var notes: [String] = []

        init(_ model: Model) {
            (self.model, graph, parameters) = (model, model.graph, model.parameters)
            preprocessing = model.preprocessing
        }

        func result() throws(ZooError) -> Model {
            if notes.isEmpty { return model }
            let present = Set(graph.parameters.map(\.path))
            var provenance = model.provenance
            provenance.history += notes
            return try Model(
                graph: graph, parameters: parameters, keys: model.keys.filter { present.contains($0.key) },
                preprocessing: preprocessing, labels: model.labels, provenance: provenance)
        }

        /// Factor and offset of each channel that a layer amounts to; `nil` for one that does more.
        private func scaling(_ node: Node) throws(ZooError) -> (factors: [Double], offsets: [Double])? {
            func channels(_ values: [Double]) -> [Double] {
                values.count == 1 ? [Double](repeating: values[0], count: graph.input.channels) : values
            }
            switch node.layer {
            case .rescaling(let layer): return (channels(layer.scale), channels(layer.offset))
            case .normalization(let layer):
                var (mean, variance) = (layer.constants?.mean ?? [], layer.constants?.variance ?? [])
                if layer.constants == nil {
                    mean = try parameters[ParameterPath(node.path, .runningMean)]?.doubles() ?? []
                    variance = try parameters[ParameterPath(node.path, .runningVariance)]?.doubles() ?? []
                }
                let factors = channels(variance).map { 1 / max($0.squareRoot(), 1e-7) }
                return (factors, zip(channels(mean), factors).map { -$0 * $1 })
            default: return nil
            }
        }

        mutating func removeScaling(_ theirs: LayerGraph) throws(ZooError) {
            let count = graph.input.channels
            var factors = [Double](repeating: 1, count: count)
            var offsets = [Double](repeating: 0, count: count)
            var last = LayerGraph.inputPath
            var removed: [String] = []
            for node in graph.nodes {
                guard theirs[node.path] == nil, node.inputs == [last], let found = try scaling(node),
                    found.factors.count == count, found.offsets.count == count,
                    found.factors.allSatisfy({ $0.isFinite && $0 != 0 }),
                    found.offsets.allSatisfy(\.isFinite),
                    graph.nodes.count(where: { $0.inputs.contains(last) }) == 1
                else { break }
                for channel in 0..<count {
                    factors[channel] *= found.factors[channel]
                    offsets[channel] = offsets[channel] * found.factors[channel] + found.offsets[channel]
                }
                removed.append(node.path)
                last = node.path
            }
            if removed.isEmpty { return }
            let first = graph.nodes.first { $0.inputs.contains(last) }
            let nodes = graph.nodes.filter { !removed.contains($0.path) }.map { node in
                Node(
                    node.path, node.layer, inputs: node.inputs.map { $0 == last ? LayerGraph.inputPath : $0 },
                    sharing: node.sharing)
            }
            graph = try LayerGraph(
                architecture: graph.architecture, input: graph.input, nodes: nodes, output: graph.output,
                head: graph.head,
                parts: graph.parts.map { part in
                    LayerGraph.Part(part.name, nodes: part.nodes.filter { !removed.contains($0) })
                })
            let names = removed.joined(separator: ", ")
            if offsets.allSatisfy({ $0 == 0 }), let first, case .convolution(let layer) = first.layer,
                layer.groups == 1, first.sharing == nil,
                !graph.nodes.contains(where: { $0.sharing == first.path })
            {
                try scale(first.path, by: factors)
                notes.append("the factor of \(names) is folded into \(first.path).weight")
            } else {
                preprocessing = preprocessing.followed(by: factors, offsets)
                notes.append(
                    "\(names) is no part of its network: pictures are to be prepared so, \(preprocessing.arithmetic)"
                )
            }
        }

        /// Multiplies what a convolution's weights take of each channel.
        private mutating func scale(_ path: String, by factors: [Double]) throws(ZooError) {
            let key = ParameterPath(path, .weight)
            guard let weight = parameters[key] else { return }
            let area = weight.shape[2] * weight.shape[3]
            var values = try weight.doubles()
            for index in values.indices { values[index] *= factors[index / area % factors.count] }
            parameters[key] = try Tensor(values.map { Float($0) }, shape: weight.shape)
        }

        mutating func foldEpsilons(_ theirs: LayerGraph) throws(ZooError) {
            var count = 0
            var change = ""
            for node in graph.nodes {
                guard case .batchNormalization(var mine) = node.layer,
                    case .batchNormalization(let its)? = theirs[node.path]?.layer, mine.epsilon != its.epsilon
                else { continue }
                let key = ParameterPath(node.path, .runningVariance)
                guard let variance = parameters[key] else { continue }
                let values = try variance.doubles().map { $0 + (mine.epsilon - its.epsilon) }
                guard values.allSatisfy({ $0 >= 0 }) else {
                    throw ZooError(
                        .mismatch, "a running variance is too small to take in another epsilon",
                        tensor: key.description, expected: "at least \(its.epsilon - mine.epsilon)",
                        found: "\(try variance.doubles().min() ?? 0)", remedy: "Leave --fold out.")
                }
                parameters[key] = try Tensor(values.map { Float($0) }, shape: variance.shape)
                change = "\(mine.epsilon) instead of \(its.epsilon)"
                mine.epsilon = its.epsilon
                graph = try graph.replacing(node.path, with: .batchNormalization(mine))
                count += 1
            }
            if count > 0 {
                notes.append(
                    "the epsilon of \(count) batch normalisations, \(change), is folded into their running variances; in "
                        + "training they would compute with the other one")
            }
        }
    }
}

extension Preprocessing {
    /// The same, and behind it a factor and an offset for each channel.
    func followed(by factors: [Double], _ offsets: [Double]) -> Preprocessing {
        var result = self
        func each(_ values: [Double], _ channel: Int, or usual: Double) -> Double {
            values.isEmpty ? usual : values[min(channel, values.count - 1)]
        }
        var (means, deviations): ([Double], [Double]) = ([], [])
        for (channel, (factor, offset)) in zip(factors, offsets).enumerated() {
            // pixel·scale becomes a·pixel + b, which is (pixel / 255 − mean) / deviation.
            let deviation = each(standardDeviation, channel, or: 1)
            let a = scale / deviation * factor
            let b = offset - each(mean, channel, or: 0) / deviation * factor
            deviations.append(1 / (255 * a))
            means.append(-b / (255 * a))
        }
        result.scale = 1 / 255.0
        (result.mean, result.standardDeviation) = (means, deviations)
        return result
    }

    /// `(x / 255 − [0.485, …]) / [0.229, …] with x = 0…255, red, green, blue`.
    fileprivate var arithmetic: String {
        func list(_ values: [Double]) -> String {
            "[" + values.map { "\(($0 * 1e6).rounded() / 1e6)" }.joined(separator: ", ") + "]"
        }
        let order = [.grey: "grey", .rgb: "red, green, blue", .bgr: "blue, green, red"][channels] ?? ""
        return "(x / 255 − \(list(mean))) / \(list(standardDeviation)) with x = 0…255, \(order)"
    }
}
