import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// A graph that turned out to be a known network, under the known network's paths and with the graph's own numbers.
/// Layers that scale pixels stay in front of it, and another classifier stays behind its body.
struct KnownNetwork {
    let architecture: Architecture
    let graph: LayerGraph
    /// The path in ``graph`` of each of the source's nodes that is still there.
    let paths: [String: String]
    /// Whether all of the network is there, its own classifier included.
    let isWhole: Bool
    /// Paths of the layers that scale pixels before the network's own first.
    let front: [String]
    /// In what the graph differs from the architecture's own, one sentence each.
    let differences: [String]

    /// - Parameter isHeadless: whether the classifier is to be left out.
    /// - Returns: `nil` when the body isn't all there, or something is dropped where the network drops nothing.
    init?(
        _ match: NetworkMatch, _ architecture: Architecture, isHeadless: Bool
    ) throws(ZooError) {
        guard match.hasBody else { return nil }
        var builder = Builder(match)
        let cut = isHeadless && match.isWhole
        guard let output = try builder.output(isHeadless: cut), builder.dropsFit() else { return nil }
        self.architecture = architecture
        self.isWhole = match.isWhole && !cut
        let known = match.known.graph
        let (nodes, paths) = try builder.nodes()
        self.paths = paths
        self.front = match.front.map { match.own.steps[$0].path }.map { paths[$0] ?? $0 }
        let kept = Set(nodes.map(\.path))
        let head = match.isWhole ? known.head : match.own.graph.head.map { paths[$0] ?? $0 }
        var parts = known.parts.filter { part in part.nodes.allSatisfy { kept.contains($0) } }
        if !match.isWhole { parts.removeAll { ["body", "head", "classifier"].contains($0.name) } }
        let front = self.front
        parts = parts.map { $0.name == "body" ? LayerGraph.Part("body", nodes: front + $0.nodes) : $0 }
        self.graph = try LayerGraph(
            architecture: architecture.name, input: match.own.graph.input, nodes: nodes,
            output: kept.contains(output) ? output : paths[output] ?? output,
            head: head.flatMap { kept.contains($0) ? $0 : nil }, parts: parts)
        self.differences = KnownNetwork.differences(graph, known)
    }

    /// Numbers that aren't the architecture's own but that it can have.
    private static func differences(_ graph: LayerGraph, _ known: LayerGraph) -> [String] {
        var epsilons: [(String, Double, Double)] = []
        for node in graph.nodes {
            guard case .batchNormalization(let mine) = node.layer,
                case .batchNormalization(let its)? = known[node.path]?.layer, mine.epsilon != its.epsilon
            else { continue }
            epsilons.append((node.path, mine.epsilon, its.epsilon))
        }
        guard let first = epsilons.first else { return [] }
        return [
            "epsilon is \(first.1) in \(epsilons.count) batch normalisations, where \(known.architecture) has "
                + "\(first.2)"
        ]
    }
}

/// Collects the nodes of a recognised graph.
private struct Builder {
    let match: NetworkMatch
    /// Paths of the known network's nodes that are needed.
    private var wanted: Set<String> = []
    /// The graph's own nodes that stay, by path.
    private var kept: Set<String> = []
    /// What the graph's own nodes read instead of what they read before.
    private var replacements: [String: String] = [:]
    /// Changes of shape, by path: what they read, and the shape that they give.
    private var reshapes: [String: (source: String, shape: [Int])] = [:]
    private var usedDrops: Set<String> = []

    init(_ match: NetworkMatch) { self.match = match }

    private var own: LayerGraph { match.own.graph }
    private var known: LayerGraph { match.known.graph }

    /// Finds all that the result needs, from the output back.
    /// - Returns: the path of the output; `nil` when the graph's own can't be followed.
    mutating func output(isHeadless: Bool) throws(ZooError) -> String? {
        if isHeadless {
            guard let last = known.parts.first(where: { $0.name == "body" })?.nodes.last else { return nil }
            want(last)
            return last
        }
        var pending = [own.output]
        while let path = pending.popLast() {
            guard kept.contains(path) == false, replacements[path] == nil else { continue }
            if let place = match.own.places[path], let step = match.knownPlaces[place] {
                let shape = match.own.shapes[path] ?? []
                replacements[path] = source(of: step, shape: shape) ?? reshaped(path, step, shape)
                continue
            }
            if path == LayerGraph.inputPath
                || match.front.contains(where: { match.own.steps[$0].path == path })
            {
                continue
            }
            kept.insert(path)
            pending += own[path]?.inputs ?? []
        }
        return replacements[own.output] ?? own.output
    }

    /// The known network's node that gives a step's result under a shape, and whatever it needs.
    private mutating func source(of place: Int, shape: TensorShape) -> String? {
        let path = known.nodes.first { node in
            match.known.values[node.path] == place && match.known.shapes[node.path] == shape
                && GraphEssence.Drop.probability(node.layer) == nil
        }?.path
        if let path { want(path) }
        return path
    }

    private mutating func reshaped(_ path: String, _ place: Int, _ shape: TensorShape) -> String {
        let source = match.known.steps[place].path
        want(source)
        let name = "\(path).reshape"
        reshapes[name] = (source, Array(shape.dimensions.dropFirst()))
        return name
    }

    private mutating func want(_ path: String) {
        var pending = [path]
        while let next = pending.popLast() {
            guard next != LayerGraph.inputPath, wanted.insert(next).inserted else { continue }
            pending += known[next]?.inputs ?? []
        }
    }

    /// Whether everything that the graph drops has its place in the result.
    mutating func dropsFit() -> Bool {
        for node in known.nodes where GraphEssence.Drop.probability(node.layer) != nil {
            if let drop = drop(for: node) { usedDrops.insert(drop.path) }
        }
        return match.own.drops.allSatisfy { drop in
            usedDrops.contains(drop.path) || kept.contains(drop.path)
                || GraphEssence.Drop.probability(drop.layer) == 0 || !isInBody(drop)
        }
    }

    /// Whether what a layer drops of is a part of the result at all.
    private func isInBody(_ drop: GraphEssence.Drop) -> Bool {
        guard let place = match.knownPlaces[drop.value] else { return false }
        return wanted.contains(match.known.steps[place].path)
    }

    /// The graph's layer that drops what one of the known network's drops.
    private func drop(for node: Node) -> GraphEssence.Drop? {
        guard let value = match.known.values[node.path], let place = match.ownPlaces[value] else {
            return nil
        }
        let empty = GraphEssence.Drop.with(node.layer, probability: 0)
        return match.own.drops.first { drop in
            drop.value == place && !kept.contains(drop.path)
                && GraphEssence.Drop.with(drop.layer, probability: 0) == empty
        }
    }

    /// The nodes of the result, and what became of the graph's own.
    func nodes() throws(ZooError) -> (nodes: [Node], paths: [String: String]) {
        var nodes: [Node] = []
        var paths: [String: String] = [:]
        var start = LayerGraph.inputPath
        for place in match.front {
            let step = match.own.steps[place]
            let path = free(step.path)
            nodes.append(Node(path, step.layer, inputs: [start]))
            paths[step.path] = path
            start = path
        }
        for node in known.nodes where wanted.contains(node.path) {
            let inputs = node.inputs.map { $0 == LayerGraph.inputPath ? start : $0 }
            nodes.append(Node(node.path, layer(of: node), inputs: inputs))
            if let place = match.known.places[node.path].flatMap({ match.ownPlaces[$0] }) {
                paths[match.own.steps[place].path] = node.path
            }
        }
        for (path, reshape) in reshapes.sorted(by: { $0.key < $1.key }) {
            nodes.append(Node(free(path), .reshape(Reshape(reshape.shape)), inputs: [reshape.source]))
        }
        for node in own.nodes where kept.contains(node.path) {
            let inputs = node.inputs.map { input in
                replacements[input].map { reshapes[$0] == nil ? $0 : free($0) } ?? paths[input] ?? input
            }
            paths[node.path] = free(node.path)
            nodes.append(
                Node(free(node.path), node.layer, inputs: inputs, sharing: node.sharing.map(free)))
        }
        return (nodes, paths)
    }

    /// A path of the source's that none of the network's layers has.
    private func free(_ path: String) -> String { wanted.contains(path) ? "\(path)_own" : path }

    /// A layer of the known network with the graph's own numbers.
    private func layer(of node: Node) -> Layer {
        if GraphEssence.Drop.probability(node.layer) != nil {
            let probability = drop(for: node).flatMap { GraphEssence.Drop.probability($0.layer) }
            return GraphEssence.Drop.with(node.layer, probability: probability ?? 0)
        }
        if case .batchNormalization = node.layer, let place = match.known.places[node.path],
            let mine = match.ownPlaces[place]
        {
            return match.own.steps[mine].layer
        }
        return node.layer
    }
}
