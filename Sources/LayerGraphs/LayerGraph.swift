public import ZooTensors

/// A layer in its place: a stable dotted path and the paths whose results it takes.
public struct Node: Sendable, Hashable {
    /// Canonical path: torchvision's module name where one exists, else the source's.
    public let path: String
    /// The operation.
    public let layer: Layer
    /// Paths of the nodes it reads; ``LayerGraph/inputPath`` is the network's input.
    public let inputs: [String]

    /// A node that reads others.
    public init(_ path: String, _ layer: Layer, inputs: [String]) {
        self.path = path
        self.layer = layer
        self.inputs = inputs
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
    private let positions: [String: Int]

    /// Checks and makes a graph.
    /// - Throws: ``ZooError`` when a path stands twice or a node reads one that doesn't come before it.
    public init(
        architecture: String, input: InputShape, nodes: [Node], output: String? = nil, head: String? = nil
    ) throws(ZooError) {
        var positions: [String: Int] = [:]
        for (position, node) in nodes.enumerated() {
            guard !node.path.isEmpty, node.path != LayerGraph.inputPath, positions[node.path] == nil else {
                throw ZooError(
                    .corrupt, "a layer's path is empty, reserved or stands twice", tensor: node.path)
            }
            guard node.inputs.count == 1 else {
                throw ZooError(
                    .corrupt, "a layer has the wrong number of inputs", tensor: node.path, expected: "1",
                    found: "\(node.inputs.count)")
            }
            for input in node.inputs where input != LayerGraph.inputPath && positions[input] == nil {
                throw ZooError(
                    .corrupt, "a layer reads \"\(input)\", which doesn't come before it", tensor: node.path)
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
        self.architecture = architecture
        self.input = input
        self.nodes = nodes
        self.output = last
        self.head = head
        self.positions = positions
    }

    /// A plain chain of layers.
    public init(
        architecture: String, input: InputShape, chain: [(String, Layer)], head: String? = nil
    ) throws(ZooError) {
        var previous = LayerGraph.inputPath
        var nodes: [Node] = []
        for (path, layer) in chain {
            nodes.append(Node(path, layer, inputs: [previous]))
            previous = path
        }
        try self.init(architecture: architecture, input: input, nodes: nodes, head: head)
    }

    /// The node at a path.
    public subscript(path: String) -> Node? { positions[path].map { nodes[$0] } }

    /// Position of a path in ``nodes``.
    public func position(of path: String) -> Int? { positions[path] }

    /// Every parameter that the graph needs, in node order; weight before bias.
    public var parameters: [ParameterSpecification] {
        nodes.flatMap { node in
            node.layer.parameterShapes.map {
                ParameterSpecification(path: ParameterPath(node.path, $0.role), shape: $0.shape)
            }
        }
    }

    /// Number of classes: rows of the head.
    public var classCount: Int? {
        guard let head, case .linear(let layer)? = self[head]?.layer else { return nil }
        return layer.outputFeatures
    }

    /// The same graph with another layer at a path (of the same kind of inputs).
    public func replacing(_ path: String, with layer: Layer) throws(ZooError) -> LayerGraph {
        guard positions[path] != nil else { throw unknownPath(path) }
        let changed = nodes.map { $0.path == path ? Node(path, layer, inputs: $0.inputs) : $0 }
        return try LayerGraph(
            architecture: architecture, input: input, nodes: changed, output: output, head: head)
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
    /// Roles and canonical shapes of the parameters that the layer needs.
    public var parameterShapes: [(role: ParameterRole, shape: TensorShape)] {
        switch self {
        case .convolution(let layer):
            let weight: TensorShape = [
                layer.outputChannels, layer.inputChannels / max(layer.groups, 1), layer.kernel.height,
                layer.kernel.width,
            ]
            return [(.weight, weight)] + (layer.hasBias ? [(.bias, [layer.outputChannels])] : [])
        case .linear(let layer):
            return [(.weight, [layer.outputFeatures, layer.inputFeatures])]
                + (layer.hasBias ? [(.bias, [layer.outputFeatures])] : [])
        case .activation, .pooling, .flatten, .softmax, .dropout:
            return []
        }
    }
}
