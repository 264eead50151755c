public import ZooTensors

/// A layer in its place: a stable dotted path and the paths whose results it takes.
public struct Node: Sendable, Hashable {
    /// Canonical path: torchvision's module name where one exists, else the source's.
    public let path: String
    /// The operation.
    public let layer: Layer
    /// Paths of the nodes it reads; ``LayerGraph/inputPath`` is the network's input.
    public let inputs: [String]
    /// Path of the earlier node whose parameters this one uses too: the same layer in a second place. `nil` for a
    /// node that has its parameters to itself.
    public let sharing: String?

    /// A node that reads others.
    public init(_ path: String, _ layer: Layer, inputs: [String], sharing: String? = nil) {
        self.path = path
        self.layer = layer
        self.inputs = inputs
        self.sharing = sharing
    }

    /// Path of the node that has this one's parameters.
    public var parameterOwner: String { sharing ?? path }

    /// The parameters that belong to this node; none for one that shares another's.
    public var parameters: [ParameterSpecification] {
        guard sharing == nil else { return [] }
        return layer.parameterShapes.map {
            ParameterSpecification(path: ParameterPath(path, $0.role), shape: $0.shape)
        }
    }
}

/// Channels, height and width of the pictures that a network takes.
public struct InputShape: Sendable, Hashable, CustomStringConvertible {
    /// Channels: 1 for grey, 3 for colour.
    public var channels: Int
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int

    /// A size.
    public init(channels: Int, height: Int, width: Int) {
        self.channels = channels
        self.height = height
        self.width = width
    }

    /// `1×32×32`.
    public var description: String { "\(channels)×\(height)×\(width)" }

    /// `[batch, channels, height, width]`.
    public func shape(batch: Int) -> TensorShape { [batch, channels, height, width] }
}

/// A network as a directed acyclic graph of layers, without numbers. Nodes stand in an order in which they can be
/// computed; the last named `output` is the result.
public struct LayerGraph: Sendable, Hashable {
    /// The path that stands for the network's input.
    public static let inputPath = "input"

    /// Name of the architecture it was made by, `lenet`, or `custom`.
    public let architecture: String
    /// Size of the pictures it takes by default.
    public let input: InputShape
    /// Layers in computing order.
    public let nodes: [Node]
    /// Path of the node whose result is the network's.
    public let output: String
    /// Path of the last linear layer, the one that has one row per class; `nil` when there is none.
    public let head: String?
    /// Named groups of layers, from the input on: `stem`, `stage1`, …, `body`, `head`, `classifier`. They may overlap.
    public let parts: [Part]
    private let positions: [String: Int]

    /// Checks and makes a graph.
    /// - Throws: ``ZooError`` when a path stands twice, a node reads one that doesn't come before it or has too few
    ///   or too many inputs, or shares parameters with one that hasn't the like, or a part has a layer that isn't there.
    public init(
        architecture: String, input: InputShape, nodes: [Node], output: String? = nil, head: String? = nil,
        parts: [Part] = []
    ) throws(ZooError) {
        var positions: [String: Int] = [:]
        for (position, node) in nodes.enumerated() {
            guard !node.path.isEmpty, node.path != LayerGraph.inputPath, positions[node.path] == nil else {
                throw ZooError(
                    .corrupt, "a layer's path is empty, reserved or stands twice", tensor: node.path)
            }
            let operands = node.layer.operandCount
            guard operands.contains(node.inputs.count) else {
                throw ZooError(
                    .corrupt, "a layer has the wrong number of inputs", tensor: node.path,
                    expected: operands.count == 1
                        ? "\(operands.lowerBound)" : "at most \(operands.upperBound)",
                    found: "\(node.inputs.count)")
            }
            for input in node.inputs where input != LayerGraph.inputPath && positions[input] == nil {
                throw ZooError(
                    .corrupt, "a layer reads \"\(input)\", which doesn't come before it", tensor: node.path)
            }
            if let owner = node.sharing {
                guard let other = positions[owner].map({ nodes[$0] }), other.sharing == nil,
                    other.layer.hasSameParameters(as: node.layer)
                else {
                    throw ZooError(
                        .corrupt, "a layer shares parameters that \"\(owner)\" doesn't have",
                        tensor: node.path)
                }
            }
            positions[node.path] = position
        }
        guard let last = output ?? nodes.last?.path, positions[last] != nil else {
            throw ZooError(.corrupt, "the graph has no layer that gives its output", tensor: output)
        }
        if let head {
            guard let position = positions[head], case .linear = nodes[position].layer else {
                throw ZooError(.corrupt, "the graph's head is not one of its linear layers", tensor: head)
            }
        }
        try LayerGraph.check(parts, nodes: positions)
        self.architecture = architecture
        self.input = input
        self.nodes = nodes
        self.output = last
        self.head = head
        self.parts = parts
        self.positions = positions
    }

    /// A plain chain of layers.
    public init(
        architecture: String, input: InputShape, chain: [(String, Layer)], head: String? = nil,
        parts: [Part] = []
    ) throws(ZooError) {
        var previous = LayerGraph.inputPath
        var nodes: [Node] = []
        for (path, layer) in chain {
            nodes.append(Node(path, layer, inputs: [previous]))
            previous = path
        }
        try self.init(architecture: architecture, input: input, nodes: nodes, head: head, parts: parts)
    }

    /// The node at a path.
    public subscript(path: String) -> Node? { positions[path].map { nodes[$0] } }

    /// Position of a path in ``nodes``.
    public func position(of path: String) -> Int? { positions[path] }

    /// Every parameter that the graph needs, in node order; weight before bias.
    public var parameters: [ParameterSpecification] { nodes.flatMap(\.parameters) }

    /// Number of classes: rows of the head.
    public var classCount: Int? {
        guard let head, case .linear(let layer)? = self[head]?.layer else { return nil }
        return layer.outputFeatures
    }

    /// The same graph with another layer at a path (of the same kind of inputs).
    public func replacing(_ path: String, with layer: Layer) throws(ZooError) -> LayerGraph {
        guard positions[path] != nil else { throw unknownPath(path) }
        let changed = nodes.map {
            $0.path == path ? Node(path, layer, inputs: $0.inputs, sharing: $0.sharing) : $0
        }
        return try LayerGraph(
            architecture: architecture, input: input, nodes: changed, output: output, head: head,
            parts: parts)
    }

    /// The error for a path that isn't there, with the nearest that are.
    public func unknownPath(_ path: String) -> ZooError {
        let near = nearest(to: path, among: nodes.map(\.path))
        return ZooError(
            .invalidArgument, "the network has no layer with this path", tensor: path,
            remedy: near.isEmpty
                ? "`zoo summary` lists the paths." : "Did you mean \(near.joined(separator: " or "))?")
    }
}

extension Layer {
    /// Whether two layers can use the same parameters.
    fileprivate func hasSameParameters(as other: Layer) -> Bool {
        let (mine, others) = (parameterShapes, other.parameterShapes)
        return !mine.isEmpty && mine.count == others.count
            && zip(mine, others).allSatisfy { $0.role == $1.role && $0.shape == $1.shape }
    }
}
