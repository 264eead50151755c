import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// What would change if a dialect's own network took a graph's parameters.
struct DialectDifferences {
    let dialect: Dialect
    /// Differences that change what the network computes, one sentence each.
    private(set) var inResults: [String] = []
    /// Differences that only training shows.
    private(set) var inTraining: [String] = []

    /// Whether the same numbers come out.
    var isExact: Bool { inResults.isEmpty }

    /// Compares a graph with the dialect's, for the same pictures and parameters of the same shapes.
    /// - Parameter isPartial: whether only the layers that both have are compared, whatever stands before and behind.
    init(_ graph: LayerGraph, _ dialect: Dialect, isPartial: Bool = false) throws(ZooError) {
        self.dialect = dialect
        let theirs = try DialectDifferences.graph(of: dialect, like: graph, isPartial: isPartial)
        compareLayers(graph, theirs, isPartial: isPartial)
        if graph.input != theirs.input {
            inResults.append("pictures of \(graph.input) aren't square, as its are")
        }
        if isPartial { return }
        let unnamed = graph.nodes.filter { !$0.parameters.isEmpty && dialect.pair(node: $0.path) == nil }
        if let first = unnamed.first {
            inResults.append("\(unnamed.count) layers have no name there, the first \(first.path)")
        }
    }

    /// The dialect's own network for the same pictures and parameters of the same shapes.
    static func graph(
        of dialect: Dialect, like graph: LayerGraph, isPartial: Bool = false
    ) throws(ZooError) -> LayerGraph {
        // An autoencoder has no head, and isn't a body alone either.
        let isHeadless = graph.head == nil && !isPartial && !graph.parts.contains { $0.name == "decoder" }
        let options = ArchitectureOptions(
            classes: graph.classCount, inputChannels: graph.input.channels, inputSize: graph.input.height,
            isHeadless: isHeadless, conventions: dialect.conventions)
        return try Architecture.named(dialect.architecture).fitted(graph.parameterShapes, options).graph
    }

    /// Refuses to write a model whose results would be others.
    /// - Returns: what is only different in training.
    /// - Throws: ``ZooError`` that lists what else is, and says whether it can be folded into the numbers.
    func refused(_ model: Model) throws(ZooError) -> [String] {
        if isExact { return inTraining }
        var remedy = ""
        if let folded = try? Folding.folded(model, for: dialect.name), !folded.notes.isEmpty {
            let left = try DialectDifferences(folded.model.graph, dialect)
            remedy =
                left.isExact
                ? "--fold takes that into the numbers, with the same results. "
                : "--fold takes a part into the numbers, not: \(left.inResults.joined(separator: "; ")). "
        }
        throw ZooError(
            .mismatch,
            "\(dialect.name)'s \(dialect.architecture) would give other numbers with these weights",
            found: inResults.joined(separator: "; "),
            remedy: remedy
                + "Leave --to out to keep the names that go with the numbers; --allow-inexact writes them all the same."
        )
    }

    private mutating func compareLayers(_ graph: LayerGraph, _ theirs: LayerGraph, isPartial: Bool) {
        var paddings: [String] = []
        var epsilons: [String] = []
        var others: [String] = []
        var momenta = 0
        for node in graph.nodes {
            guard let other = theirs[node.path] else {
                if !isPartial { others.append("\(node.path) isn't there") }
                continue
            }
            if !isPartial, other.inputs != node.inputs || other.sharing != node.sharing {
                others.append("\(node.path) reads others")
            }
            switch (node.layer, other.layer) {
            case (.convolution(var mine), .convolution(let its)):
                if mine.padding != its.padding {
                    paddings.append(
                        "\(node.path) \(DialectDifferences.sides(mine.padding)) instead of \(DialectDifferences.sides(its.padding))"
                    )
                }
                mine.padding = its.padding
                if mine != its { others.append("\(node.path) has other numbers") }
            case (.batchNormalization(var mine), .batchNormalization(let its)):
                if mine.epsilon != its.epsilon {
                    epsilons.append("\(node.path) \(mine.epsilon) instead of \(its.epsilon)")
                }
                if mine.momentum != its.momentum || mine.usesBiasedVariance != its.usesBiasedVariance {
                    momenta += 1
                }
                (mine.epsilon, mine.momentum) = (its.epsilon, its.momentum)
                mine.usesBiasedVariance = its.usesBiasedVariance
                if mine != its { others.append("\(node.path) has other numbers") }
            case (.dropout(let mine), .dropout(let its)),
                (.stochasticDepth(let mine), .stochasticDepth(let its)):
                if abs(mine - its) > 1e-9 {
                    inTraining.append("\(node.path) drops \(mine), its drops \(its)")
                }
            default: if node.layer != other.layer { others.append("\(node.path) is another layer") }
            }
        }
        for node in theirs.nodes where graph[node.path] == nil && !isPartial {
            others.append("\(node.path) is missing")
        }
        func list(_ what: String, _ entries: [String]) -> [String] {
            guard let first = entries.first else { return [] }
            return ["\(what) of \(entries.count) layers (\(first)\(entries.count > 1 ? ", …" : ""))"]
        }
        inResults = list("padding", paddings) + list("epsilon", epsilons) + list("the structure", others)
        if momenta > 0 {
            inTraining.append(
                "in training, \(momenta) batch normalisations follow the batches' statistics at another rate there"
            )
        }
    }

    /// `1,1,1,1`: above, left, below, right.
    private static func sides(_ padding: Padding) -> String {
        "\(padding.top),\(padding.left),\(padding.bottom),\(padding.right)"
    }
}
