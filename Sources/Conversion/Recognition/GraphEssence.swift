import ZooLayerGraphs
import ZooTensors

/// What a graph computes, without what only says it in another way: steps that change numbers, and which of them each
/// result of the graph is. Flattened maps, dropouts and poolings to the size that is there already are no steps; zeros
/// around a map belong to the convolution that reads them.
struct GraphEssence {
    /// A step that changes numbers.
    struct Step: Sendable {
        /// Path of the node that takes it.
        let path: String
        /// The layer, the same for layers that give the same results from the same parameters.
        let layer: Layer
        /// The values it reads, each a step's place or ``input``, and their shapes for one sample.
        let operands: [Int]
        let shapes: [TensorShape]
        /// Whether it uses another node's parameters.
        let isSharing: Bool
    }

    /// A layer that drops numbers while training.
    struct Drop: Sendable {
        let path: String
        let layer: Layer
        /// The value that it drops of.
        let value: Int

        /// The same layer with another share.
        static func with(_ layer: Layer, probability: Double) -> Layer {
            switch layer {
            case .stochasticDepth: .stochasticDepth(probability: probability)
            case .spatialDropout: .spatialDropout(probability: probability)
            default: .dropout(probability: probability)
            }
        }

        /// The share of what it drops.
        static func probability(_ layer: Layer) -> Double? {
            switch layer {
            case .dropout(let probability), .stochasticDepth(let probability),
                .spatialDropout(let probability):
                probability
            default: nil
            }
        }
    }

    /// The value that goes into the network.
    static let input = -1

    let graph: LayerGraph
    /// Shapes of all results for one sample.
    let shapes: [String: TensorShape]
    private(set) var steps: [Step] = []
    /// The value that each node's result is, perhaps under another shape.
    private(set) var values: [String: Int] = [LayerGraph.inputPath: GraphEssence.input]
    private(set) var drops: [Drop] = []
    /// Places of steps, by path.
    private(set) var places: [String: Int] = [:]
    /// Maps with zeros around them, which no step has added yet.
    private var padded: [String: (source: String, padding: Padding)] = [:]
    private var nonNegative: Set<Int> = []

    init(_ graph: LayerGraph) throws(ZooError) {
        self.graph = graph
        self.shapes = try graph.shapes(batch: 1)
        for node in graph.nodes { try add(node) }
        _ = try value(graph.output)
    }

    // MARK: Values

    private func shape(_ path: String) throws(ZooError) -> TensorShape {
        guard let shape = shapes[path] else {
            throw ZooError(.corrupt, "a layer has no shape", tensor: path)
        }
        return shape
    }

    /// The value of a node's result; zeros that nothing has taken up yet become a step.
    private mutating func value(_ path: String) throws(ZooError) -> Int {
        if let value = values[path] { return value }
        guard let (source, padding) = padded[path] else {
            throw ZooError(.corrupt, "a layer reads one that doesn't come before it", tensor: path)
        }
        return try append(path, .padding(padding), [source])
    }

    @discardableResult
    private mutating func append(
        _ path: String, _ layer: Layer, _ sources: [String], isSharing: Bool = false
    ) throws(ZooError) -> Int {
        var operands: [Int] = []
        var operandShapes: [TensorShape] = []
        for source in sources {
            operands.append(try value(source))
            operandShapes.append(try shape(source))
        }
        let place = steps.count
        steps.append(
            Step(path: path, layer: layer, operands: operands, shapes: operandShapes, isSharing: isSharing))
        values[path] = place
        places[path] = place
        let isNonNegative = operands.allSatisfy { nonNegative.contains($0) }
        switch layer {
        case .activation(let function):
            if [.relu, .relu6, .sigmoid].contains(function) { nonNegative.insert(place) }
        case .pooling, .adaptivePooling, .add, .multiply, .concatenate:
            if isNonNegative { nonNegative.insert(place) }
        default: break
        }
        return place
    }

    // MARK: Nodes

    private mutating func add(_ node: Node) throws(ZooError) {
        let source = node.inputs[0]
        let map = padded[source]
        switch node.layer {
        case .padding(let padding):
            if let map {
                padded[node.path] = (map.source, map.padding.adding(padding))
            } else {
                padded[node.path] = (source, padding)
            }
        case .convolution(var layer):
            if let map { layer.padding = layer.padding.adding(map.padding) }
            try append(
                node.path, .convolution(layer), [map?.source ?? source], isSharing: node.sharing != nil)
        case .pooling(var layer):
            // A maximum has nothing to do with zeros where nothing is below them.
            if let map, layer.operation == .maximum, nonNegative.contains(try value(map.source)) {
                layer.padding = layer.padding.adding(map.padding)
                try pool(node, layer, map.source)
            } else {
                try pool(node, layer, source)
            }
        case .adaptivePooling(let layer): try adapt(node, layer.operation, layer.output)
        case .globalPooling(let layer): try adapt(node, layer.operation, Extent(1))
        case .dropout, .spatialDropout, .stochasticDepth:
            let value = try value(source)
            drops.append(Drop(path: node.path, layer: node.layer, value: value))
            values[node.path] = value
        case .flatten(let order): try move(node, order)
        case .reshape(let layer): try move(node, layer.order)
        case .add, .multiply, .average, .concatenate:
            if node.inputs.count == 1 {
                values[node.path] = try value(source)
            } else {
                try append(node.path, node.layer, node.inputs)
            }
        case .rescaling(let layer) where layer == Rescaling(scale: [1]):
            values[node.path] = try value(source)
        case .transposedConvolution, .linear, .batchNormalization, .normalization,
            .localResponseNormalization, .rescaling, .activation, .parametricReLU, .softmax, .cropping,
            .upsampling, .permute:
            try append(node.path, node.layer, node.inputs, isSharing: node.sharing != nil)
        }
    }

    /// The same elements under another shape: the same value, where their order is the canonical one.
    private mutating func move(_ node: Node, _ order: FlattenOrder) throws(ZooError) {
        let source = node.inputs[0]
        func isPlain(_ shape: TensorShape) -> Bool {
            shape.dimensions.dropFirst().filter { $0 > 1 }.count <= 1
        }
        let (before, after) = (try shape(source), try shape(node.path))
        if order == .channelsFirst || isPlain(before) && isPlain(after) {
            values[node.path] = try value(source)
        } else {
            try append(node.path, node.layer, [source])
        }
    }

    private mutating func pool(_ node: Node, _ layer: Pooling, _ source: String) throws(ZooError) {
        var layer = layer
        let map = try shape(source)
        if layer.ceilMode {
            var floor = layer
            floor.ceilMode = false
            let result = try? Layer.pooling(floor).outputShape(for: map)
            if result == shapes[node.path] { layer = floor }
        }
        if layer.padding == .none || layer.operation == .maximum { layer.countsPadding = true }
        if layer.padding == .none, !layer.ceilMode, map.rank == 4, layer.window == Extent(map[2], map[3]) {
            return try adapt(node, layer.operation, Extent(1))
        }
        try append(node.path, .pooling(layer), [source])
    }

    /// Pooling to a size: nothing where that is the map's, windows where it divides the map's.
    private mutating func adapt(
        _ node: Node, _ operation: Pooling.Operation, _ output: Extent
    ) throws(ZooError) {
        let source = node.inputs[0]
        let map = try shape(source)
        let size = Extent(map[2], map[3])
        if output == size {
            values[node.path] = try value(source)
        } else if output != Extent(1), size.height % output.height == 0, size.width % output.width == 0 {
            let window = Extent(size.height / output.height, size.width / output.width)
            try append(node.path, .pooling(Pooling(operation, window: window)), [source])
        } else {
            let layer = AdaptivePooling(operation, output: output)
            try append(node.path, .adaptivePooling(layer), [source])
        }
    }
}

extension Padding {
    /// Both paddings, one around the other.
    fileprivate func adding(_ other: Padding) -> Padding {
        Padding(
            top: top + other.top, left: left + other.left, bottom: bottom + other.bottom,
            right: right + other.right)
    }
}
