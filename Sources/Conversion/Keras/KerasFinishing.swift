import ZooLayerGraphs
import ZooTensors

/// What is decided when all nodes are there: where the logits are, in which order flattened features go, and which
/// layer is the head.
struct KerasFinishing {
    let graph: LayerGraph
    let weighted: [KerasNetwork.Weighted]
    let outputActivation: String?

    init(builder: KerasGraphBuilder, output: KerasGraphBuilder.Value) throws(ZooError) {
        var nodes = builder.nodes
        var last = output.node
        var outputActivation: String?
        // A classifier's final softmax: losses, and other frameworks' models, want the logits before it.
        if let node = nodes.last, node.path == last, node.layer == .softmax, output.shape.rank == 2,
            node.inputs[0] != LayerGraph.inputPath
        {
            last = node.inputs[0]
            nodes.removeLast()
            outputActivation = "softmax"
        }
        guard last != LayerGraph.inputPath, !nodes.isEmpty else {
            throw ZooError(.unsupported, "the model has no layer that computes anything")
        }
        let transforms = try KerasFinishing.flattening(&nodes, input: builder.input, output: last)
        self.graph = try LayerGraph(
            architecture: "custom", input: builder.input, nodes: nodes, output: last,
            head: KerasFinishing.head(nodes, output: last))
        self.outputActivation = outputActivation
        self.weighted = builder.weighted.map { entry in
            KerasNetwork.Weighted(
                layer: entry.layer,
                variables: entry.variables.map { variable in
                    guard let parameter = variable.parameter, parameter.role == .weight,
                        let transform = transforms[parameter.node]
                    else { return variable }
                    return KerasNetwork.Variable(
                        parameter: parameter, name: variable.name, transform: transform, isStatistic: false)
                })
        }
    }

    /// The last linear layer, when nothing with parameters follows it.
    private static func head(_ nodes: [Node], output: String) -> String? {
        var positions: [String: Int] = [:]
        for (position, node) in nodes.enumerated() { positions[node.path] = position }
        var path = output
        while let position = positions[path] {
            let node = nodes[position]
            switch node.layer {
            case .linear: return node.sharing == nil && !nodes.contains { $0.sharing == path } ? path : nil
            case .activation, .dropout, .softmax: path = node.inputs[0]
            default: return nil
            }
        }
        return nil
    }

    /// Features of maps in the canonical order C, H, W wherever all that follows are linear layers, whose columns can
    /// be put in that order too; in Keras' own order elsewhere.
    /// - Returns: the layout changes of those linear layers' weights, by node.
    private static func flattening(
        _ nodes: inout [Node], input: InputShape, output: String
    ) throws(ZooError) -> [String: LayoutTransform] {
        var shapes = [LayerGraph.inputPath: input.shape(batch: 1)]
        for node in nodes {
            shapes[node.path] = try node.layer.outputShape(of: node.inputs.compactMap { shapes[$0] })
        }
        let found = LinearFlattens(nodes, shapes: shapes, order: .channelsLast, output: output)
        for (position, node) in nodes.enumerated() where found.paths.contains(node.path) {
            nodes[position] = Node(node.path, .flatten(.channelsFirst), inputs: node.inputs)
        }
        return found.transforms
    }
}

/// Flattened feature maps that nothing but linear layers read: whether their features are in the order C, H, W or
/// H, W, C, the columns of those layers' weights can follow.
struct LinearFlattens {
    /// Paths of the flatten layers.
    private(set) var paths = Set<String>()
    /// How Keras' kernels, with rows in the order H, W, C, become the canonical weights, with columns in the order
    /// C, H, W; by the node that has them, and only where that is another order.
    private(set) var transforms: [String: LayoutTransform] = [:]

    /// - Parameter order: of the flatten layers that are looked for.
    init(_ nodes: [Node], shapes: [String: TensorShape], order: FlattenOrder, output: String) {
        var readers: [String: [Int]] = [:]
        for (position, node) in nodes.enumerated() {
            for source in node.inputs { readers[source, default: []].append(position) }
        }
        var usersOfOwner: [String: [Int]] = [:]
        for (position, node) in nodes.enumerated() where !node.layer.parameterShapes.isEmpty {
            usersOfOwner[node.parameterOwner, default: []].append(position)
        }
        var spoiled = Set<String>()
        for node in nodes {
            guard node.layer == .flatten(order), let shape = shapes[node.inputs[0]], shape.rank == 4,
                let linear = LinearFlattens.linearReaders(of: node.path, nodes, readers, output: output)
            else { continue }
            // The same weights can't have their columns in two orders.
            let owners = Set(linear.map { nodes[$0].parameterOwner })
            let users = owners.flatMap { usersOfOwner[$0] ?? [] }
            guard Set(users) == Set(linear), spoiled.isDisjoint(with: owners) else { continue }
            spoiled.formUnion(owners)
            paths.insert(node.path)
            guard shape[1] > 1, shape[2] > 1 || shape[3] > 1 else { continue }
            for owner in owners {
                transforms[owner] = .denseAfterFlatten(height: shape[2], width: shape[3], channels: shape[1])
            }
        }
    }

    /// The linear layers that read a value, if nothing else does but element-wise functions on their way.
    private static func linearReaders(
        of path: String, _ nodes: [Node], _ readers: [String: [Int]], output: String
    ) -> [Int]? {
        var found: [Int] = []
        var seen: Set<String> = [path]
        var pending = [path]
        while let next = pending.popLast() {
            guard next != output, let positions = readers[next] else { return nil }
            for position in positions {
                switch nodes[position].layer {
                case .linear: found.append(position)
                case .activation, .dropout:
                    if seen.insert(nodes[position].path).inserted { pending.append(nodes[position].path) }
                default: return nil
                }
            }
        }
        return found
    }
}
