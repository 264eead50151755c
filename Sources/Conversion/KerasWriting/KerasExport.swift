import ZooCheckpoints
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// Puts a model in Keras' terms: its layers, and which calls of them feed which.
///
/// A node becomes a layer; a node that shares another's parameters becomes another call of the same layer. What Keras
/// has inside one layer goes back there: an activation, both halves of a SeparableConv2D. What it has no layer for is
/// made of several, where that gives the same numbers: a ZeroPadding2D before a convolution, a Permute before a
/// flatten in another order.
struct KerasExport {
    /// A result of a call of a layer.
    struct Value: Hashable {
        /// The layer's place in ``layers``.
        let layer: Int
        /// Which of its calls.
        let call: Int
        /// Canonical shape, for one sample.
        let shape: TensorShape
    }

    /// One call of a layer.
    struct Call {
        let operands: [Value]
        let shape: TensorShape
    }

    /// A layer on its way out.
    struct Layer {
        let name: String
        let className: String
        var config: JSONObject
        let weights: [NamedTensor]
        var calls: [Call]
    }

    let model: Model
    let graph: LayerGraph
    /// Canonical shapes of all results for one sample.
    let shapes: [String: TensorShape]
    /// Where the Keras model has its channels.
    let order: FlattenOrder
    /// Flattens that linear layers alone read, and how those layers' kernels follow.
    let flattens: LinearFlattens
    /// Positions of the nodes that read each result.
    let readers: [String: [Int]]
    /// Positions of the nodes that use each node's parameters.
    let users: [String: [Int]]
    /// The names that keras.applications has for the network; `nil` when it doesn't have it.
    let application: KerasNames?

    private(set) var layers: [Layer] = []
    private(set) var notes: [String] = []
    /// What each node became.
    private(set) var values: [String: Value] = [:]
    private(set) var nonNegative: Set<String> = []
    /// Nodes that became a part of another's layer.
    var absorbed: Set<String> = []
    private var names: Set<String> = []
    /// The layers that have parameters, by the node that has them in the graph.
    private var owners: [String: Int] = [:]

    /// Turns the whole model.
    /// - Throws: ``ZooError`` naming the layer that Keras can't express.
    init(_ model: Model) throws(ZooError) {
        self.model = model
        let graph = model.graph
        self.graph = graph
        self.application = KerasNames.of(graph.architecture)
        let shapes = try graph.shapes(batch: 1)
        self.shapes = shapes
        self.order =
            model.provenance.dialect == Framework.keras.rawValue
                && model.provenance.dataFormat == KerasExport.channelsFirst ? .channelsFirst : .channelsLast
        self.flattens =
            order == .channelsLast
            ? LinearFlattens(graph.nodes, shapes: shapes, order: .channelsFirst, output: graph.output)
            : LinearFlattens([], shapes: [:], order: .channelsFirst, output: graph.output)
        var readers: [String: [Int]] = [:]
        var users: [String: [Int]] = [:]
        for (position, node) in graph.nodes.enumerated() {
            for source in node.inputs { readers[source, default: []].append(position) }
            if !node.layer.parameterShapes.isEmpty {
                users[node.parameterOwner, default: []].append(position)
            }
        }
        self.readers = readers
        self.users = users
        try addInput()
        for node in graph.nodes where !absorbed.contains(node.path) {
            do throws(ZooError) {
                var operands: [Value] = []
                for path in node.inputs { operands.append(try value(path)) }
                let result = try write(node, operands)
                set(result, for: node)
            } catch {
                throw error.adding(tensor: node.path)
            }
        }
    }

    /// Keras' name for channels before rows.
    static let channelsFirst = "channels_first"

    /// The result of a node that has been written.
    func value(_ path: String) throws(ZooError) -> Value {
        guard let value = values[path] else {
            throw ZooError(.corrupt, "a layer reads one that doesn't come before it", tensor: path)
        }
        return value
    }

    /// Notes what a node became; its layer may give another node's result as well.
    mutating func set(_ value: Value, for node: Node) {
        values[node.path] = value
        if isNonNegative(node) { nonNegative.insert(node.path) }
    }

    mutating func note(_ text: String) {
        if !notes.contains(text) { notes.append(text) }
    }

    /// The error for a node that Keras has no layer for.
    func refuse(_ node: Node, _ what: String, found: String? = nil) -> ZooError {
        ZooError(.unsupported, what, tensor: node.path, found: found ?? node.layer.kind)
    }

    // MARK: The input

    /// Pictures, or what the source took in their place: vectors, and pictures without an axis of channels.
    private mutating func addInput() throws(ZooError) {
        let shape = graph.input.shape(batch: 1)
        var value = shape
        var name = application == nil ? LayerGraph.inputPath : "input_layer"
        if let positions = readers[LayerGraph.inputPath], positions.count == 1,
            case .reshape(let layer) = graph.nodes[positions[0]].layer, isInputShape(layer)
        {
            let node = graph.nodes[positions[0]]
            name = node.path
            value = TensorShape([1] + layer.shape)
            absorbed.insert(node.path)
        }
        let batch: [JSONValue] = [.null] + kerasShape(value).map { .integer($0) }
        let input = add(
            "InputLayer", name: KerasExport.kerasName(name),
            ["batch_shape": .array(batch), "dtype": "float32", "sparse": false], [], shape: value)
        values[LayerGraph.inputPath] = input
        for path in absorbed { values[path] = input }
    }

    /// Whether a reshape of the input only takes axes of 1 away.
    private func isInputShape(_ layer: Reshape) -> Bool {
        let input = graph.input
        switch layer.shape.count {
        case 1: return input.height == 1 && input.width == 1
        case 2:
            return input.channels == 1 && layer.order == order
                && kerasShape(TensorShape([1] + layer.shape)) == [input.height, input.width]
        default: return false
        }
    }

    // MARK: Layers

    /// Adds a layer, with a configuration that lacks the name.
    mutating func add(
        _ className: String, name: String, _ config: JSONObject, _ operands: [Value], shape: TensorShape,
        weights: [NamedTensor] = []
    ) -> Value {
        let name = unique(name)
        var whole: JSONObject = ["name": .string(name), "trainable": true, "dtype": "float32"]
        // Neither says whether it learns, and SpatialDropout2D takes no such word.
        if ["InputLayer", "SpatialDropout2D"].contains(className) { whole["trainable"] = nil }
        for (key, value) in config.members { whole[key] = value }
        layers.append(
            Layer(
                name: name, className: className, config: whole, weights: weights,
                calls: [Call(operands: operands, shape: shape)]))
        return Value(layer: layers.count - 1, call: 0, shape: shape)
    }

    /// Adds a node's main layer, or another call of the layer that has its parameters.
    /// - Parameters:
    ///   - owner: the node that has the parameters; `nil` for a layer without.
    ///   - weights: in Keras' layout and order.
    mutating func add(
        _ className: String, _ node: Node, _ config: JSONObject, _ operands: [Value],
        shape: TensorShape? = nil, name: String? = nil, owner: String? = nil, weights: [NamedTensor] = []
    ) throws(ZooError) -> Value {
        guard let shape = shape ?? shapes[node.path] else {
            throw ZooError(.corrupt, "a layer has no shape", tensor: node.path)
        }
        if let owner, let place = owners[owner] {
            let known = layers[place]
            var mine = config
            for key in ["name", "trainable", "dtype"] { mine[key] = known.config[key] }
            guard known.className == className,
                JSONValue.object(mine).text() == JSONValue.object(known.config).text()
            else {
                throw refuse(node, "Keras can't use one layer's weights in a layer with other numbers")
            }
            layers[place].calls.append(Call(operands: operands, shape: shape))
            return Value(layer: place, call: layers[place].calls.count - 1, shape: shape)
        }
        let value = add(
            className, name: KerasExport.kerasName(name ?? self.name(of: node)), config, operands,
            shape: shape,
            weights: weights)
        if let owner { owners[owner] = value.layer }
        return value
    }

    /// Sets a layer's activation, for a layer that has none.
    mutating func setActivation(_ name: String, ofLayer place: Int) {
        layers[place].config["activation"] = .string(name)
    }

    /// A parameter of a node, in Keras' layout and under Keras' name.
    func weight(
        _ owner: String, _ role: ParameterRole, _ name: String, _ transform: LayoutTransform = .identity
    ) throws(ZooError) -> NamedTensor {
        let path = ParameterPath(owner, role)
        guard let tensor = model.parameters[path] else {
            throw ZooError(.missingTensor, "a parameter is missing", tensor: path.description)
        }
        return NamedTensor(name, try transform.fromCanonical(tensor).contiguous())
    }

    // MARK: Names and shapes

    /// keras.applications' name for a layer of a network that it has; else the source's own for one that came from
    /// Keras under another path, else the path.
    func name(of node: Node) -> String {
        if let application { return application[node.path] ?? node.path }
        if graph.architecture != "custom", model.provenance.dialect == Framework.keras.rawValue,
            model.provenance.format == CheckpointFormat.kerasHDF5.rawValue,
            let key = model.keys[ParameterPath(node.path, .weight)], let slash = key.firstIndex(of: "/")
        {
            return String(key[..<slash])
        }
        return node.path
    }

    /// A path with Keras' characters; PyTorch, as one of Keras' backends, takes no dots.
    static func kerasName(_ path: String) -> String {
        path.replacing(".", with: "_").replacing("/", with: "_")
    }

    private mutating func unique(_ wanted: String) -> String {
        var name = wanted
        var number = 1
        while !names.insert(name).inserted {
            name = "\(wanted)_\(number)"
            number += 1
        }
        return name
    }

    /// Keras' extents of a canonical shape, without the batch.
    func kerasShape(_ shape: TensorShape) -> [Int] {
        let extents = Array(shape.dimensions.dropFirst())
        guard order == .channelsLast, extents.count > 1 else { return extents }
        return Array(extents.dropFirst()) + [extents[0]]
    }

    /// Keras' axis of a canonical one.
    func kerasAxis(_ axis: Int, rank: Int) -> Int {
        guard order == .channelsLast, rank > 2, axis > 0 else { return axis }
        return axis == 1 ? rank - 1 : axis - 1
    }

    /// Keras' axis of the channels, counted from the end where that is the same for every rank, but not in
    /// keras.applications.
    func channelAxis(rank: Int) -> Int {
        if application != nil, order == .channelsLast, rank == 4 { return 3 }
        return order == .channelsLast || rank == 2 ? -1 : 1
    }

    /// `data_format` of layers for feature maps.
    var dataFormat: JSONValue {
        order == .channelsLast ? "channels_last" : .string(KerasExport.channelsFirst)
    }

    static func pair(_ extent: Extent) -> JSONValue { [.integer(extent.height), .integer(extent.width)] }

    static func sides(_ padding: Padding) -> JSONValue {
        [
            [.integer(padding.top), .integer(padding.bottom)],
            [.integer(padding.left), .integer(padding.right)],
        ]
    }

    /// The only node that reads a result, when the network's own result isn't it.
    func soleReader(of path: String) -> Node? {
        guard path != graph.output, let positions = readers[path], positions.count == 1 else { return nil }
        return graph.nodes[positions[0]]
    }
}
