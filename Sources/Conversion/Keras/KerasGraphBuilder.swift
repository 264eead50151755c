import ZooLayerGraphs
import ZooTensors

/// Turns a description into nodes: follows the calls, takes models apart, and gives every layer to its reader.
struct KerasGraphBuilder {
    /// A result on its way: the node that gives it, and its canonical shape for one sample.
    struct Value {
        let node: String
        let shape: TensorShape
    }

    /// A call of a layer that is being read.
    struct Site {
        let layer: KerasDescription.Layer
        let arguments: KerasArguments
        /// Path that the layer's main node gets.
        let path: String
        /// The same for the layer's first call, whose parameters this one shares; `nil` when this is the first.
        let owner: String?
    }

    let dialect: KerasDialect
    var nodes: [Node] = []
    var records: [KerasNetwork.Record] = []
    var weighted: [KerasNetwork.Weighted] = []
    private(set) var assumptions: [String] = []
    private var assumed: Set<String> = []
    var input = InputShape(channels: 1, height: 1, width: 1)
    var scalesPixels = false
    private var taken: Set<String> = [LayerGraph.inputPath]
    /// How often a layer was called where it stands.
    private var uses: [String: Int] = [:]
    /// The path that the first call of a layer with variables got, by the layer's path in the description.
    private var owners: [String: String] = [:]

    /// Most nodes that a graph may get; models in models can multiply.
    private static let mostNodes = 50_000
    /// The same for what takes time or memory without giving a node: models without layers, operands, long names.
    private static let mostWork = 250_000
    private var work = 0

    init(dialect: KerasDialect) { self.dialect = dialect }

    /// Builds the whole model.
    /// - Returns: its result.
    mutating func build(_ description: KerasDescription, inputSize: Int?) throws(ZooError) -> Value {
        let value = try inputValue(description, inputSize: inputSize)
        let results = try model(description, [value], prefix: "")
        guard let result = results.first, results.count == 1 else {
            throw ZooError(
                .unsupported, "the model has several outputs", found: "\(results.count)",
                remedy: "Make a model of one of them in Keras.")
        }
        return result
    }

    // MARK: Models

    private mutating func model(
        _ description: KerasDescription, _ inputs: [Value], prefix: String
    ) throws(ZooError) -> [Value] {
        if description.isSequential {
            guard var value = inputs.first, inputs.count == 1 else {
                throw ZooError(
                    .corrupt, "a Sequential gets another number of inputs than one", tensor: prefix.nonempty)
            }
            for layer in description.layers where !layer.isInput {
                value = try single(call(layer, [value], prefix: prefix), of: layer)
            }
            return [value]
        }
        return try functional(description, inputs, prefix: prefix)
    }

    private mutating func functional(
        _ description: KerasDescription, _ inputs: [Value], prefix: String
    ) throws(ZooError) -> [Value] {
        guard description.inputs.count == inputs.count else {
            throw ZooError(
                .unsupported,
                prefix.isEmpty
                    ? "the model has several inputs" : "a model gets another number of inputs than it has",
                tensor: prefix.nonempty, expected: "\(inputs.count)", found: "\(description.inputs.count)")
        }
        let order = try KerasCallOrder(description, prefix: prefix)
        var results: [KerasCallOrder.CallName: [Value]] = [:]
        for (reference, value) in zip(description.inputs, inputs) {
            results[KerasCallOrder.CallName(layer: reference.layer, call: 0)] = [value]
        }
        func value(_ reference: KerasDescription.Reference) throws(ZooError) -> Value {
            let name = KerasCallOrder.CallName(layer: reference.layer, call: reference.call)
            guard let values = results[name], values.indices.contains(reference.result) else {
                throw ZooError(
                    .corrupt, "model_config connects to a result that no layer gives",
                    tensor: prefix.isEmpty ? reference.layer : "\(prefix).\(reference.layer)")
            }
            return values[reference.result]
        }
        for name in order.calls {
            guard let layer = order.layers[name.layer], !layer.isInput else { continue }
            var operands: [Value] = []
            for reference in layer.calls[name.call].operands { operands.append(try value(reference)) }
            guard !layer.calls[name.call].hasConstants else {
                throw ZooError(
                    .unsupported, "a layer computes with a constant beside its inputs", tensor: layer.path,
                    found: layer.className, remedy: "Rescaling multiplies with a number and adds one.")
            }
            if layer.calls[name.call].isTraining, !Self.isInert(layer.className) {
                try noteTraining(layer)
            }
            results[name] = try call(layer, operands, prefix: prefix)
        }
        var outputs: [Value] = []
        for reference in description.outputs { outputs.append(try value(reference)) }
        return outputs
    }

    /// A layer that is called with `training=True`: Keras 3 overrides that when it predicts, Keras 2 doesn't.
    private mutating func noteTraining(_ layer: KerasDescription.Layer) throws(ZooError) {
        guard dialect.version >= 3 else {
            throw ZooError(
                .unsupported, "a layer is called with training=True, which Keras 2 keeps to when it predicts",
                tensor: layer.path, found: layer.className)
        }
        assume("\(layer.path) is called with training=True, which is read as Keras 3 predicts: without")
    }

    /// Notes an assumption, once.
    mutating func assume(_ note: String) {
        if assumed.insert(note).inserted { assumptions.append(note) }
    }

    private func single(_ values: [Value], of layer: KerasDescription.Layer) throws(ZooError) -> Value {
        guard let value = values.first, values.count == 1 else {
            throw ZooError(.unsupported, "a model in a Sequential has several outputs", tensor: layer.path)
        }
        return value
    }

    /// One call of a layer, or of a model in a layer's place.
    private mutating func call(
        _ layer: KerasDescription.Layer, _ operands: [Value], prefix: String
    ) throws(ZooError) -> [Value] {
        let wanted = prefix.isEmpty ? layer.name : "\(prefix).\(layer.name)"
        work += 1 + operands.count + wanted.utf8.count / 16 + (layer.model?.description.layers.count ?? 0)
        guard work <= Self.mostWork else {
            throw ZooError(
                .limitExceeded, "the models in model_config multiply beyond what any network needs",
                remedy: "A model that is used twice holds others that are, and so on. Make it flat in Keras.")
        }
        // The how manieth call it is depends on the models around it: their later calls have paths of their own.
        let use = uses[wanted, default: 0] + 1
        uses[wanted] = use
        let path = use == 1 ? wanted : "\(wanted).use\(use)"
        if let model = layer.model { return try self.model(model.description, operands, prefix: path) }
        guard operands.count == 1 || Self.takesSeveral(layer.className) && !operands.isEmpty else {
            throw ZooError(
                .corrupt, "a layer gets the wrong number of inputs", tensor: layer.path,
                found: "\(operands.count)")
        }
        let site = Site(
            layer: layer, arguments: KerasArguments(layer), path: unique(path), owner: owners[layer.path])
        do throws(ZooError) {
            let value = try read(site, operands)
            records.append(
                KerasNetwork.Record(
                    path: layer.path, className: layer.className, node: value.node,
                    shape: kerasShape(value.shape)))
            return [value]
        } catch {
            throw error.adding(tensor: layer.path)
        }
    }

    // MARK: Nodes

    /// Notes a layer's variables at its first call.
    mutating func add(_ variables: [KerasNetwork.Variable], of site: Site) {
        guard owners[site.layer.path] == nil else { return }
        owners[site.layer.path] = site.path
        weighted.append(KerasNetwork.Weighted(layer: site.layer, variables: variables))
    }

    /// Adds a node.
    /// - Parameters:
    ///   - part: what the node's path has behind the layer's; `nil` for the main one.
    ///   - isShared: whether the node has parameters, which a later call of its layer shares.
    mutating func emit(
        _ layer: Layer, _ operands: [Value], at site: Site, part: String? = nil, hasParameters: Bool = false
    ) throws(ZooError) -> Value {
        guard nodes.count < Self.mostNodes else {
            throw ZooError(.limitExceeded, "the model has more than \(Self.mostNodes) layers")
        }
        let shape = try layer.outputShape(of: operands.map(\.shape))
        guard shape.elementCount > 0 else {
            throw ZooError(.mismatch, "a layer has an empty result", found: "\(shape)")
        }
        let path: String
        if let part {
            path = unique("\(site.path).\(part)")
        } else {
            path = site.path
        }
        taken.insert(path)
        let owner = hasParameters ? site.owner.map { part == nil ? $0 : "\($0).\(part ?? "")" } : nil
        nodes.append(Node(path, layer, inputs: operands.map(\.node), sharing: owner))
        return Value(node: path, shape: shape)
    }

    /// A path that no node has yet.
    private func unique(_ wanted: String) -> String {
        var path = wanted
        var number = 1
        while taken.contains(path) {
            path = "\(wanted)_\(number)"
            number += 1
        }
        return path
    }

    // MARK: Shapes

    /// Keras' extents of a value, without the batch.
    func kerasShape(_ shape: TensorShape) -> [Int] {
        let extents = Array(shape.dimensions.dropFirst())
        guard dialect.order == .channelsLast, extents.count > 1 else { return extents }
        return Array(extents.dropFirst()) + [extents[0]]
    }

    /// The canonical extents, without the batch, of Keras' ones.
    func canonicalExtents(_ extents: [Int]) -> [Int] {
        guard dialect.order == .channelsLast, extents.count > 1, let last = extents.last else {
            return extents
        }
        return [last] + extents.dropLast()
    }

    /// The canonical axis of one of Keras', which may be counted from the end; `nil` for the batch and what isn't there.
    func canonicalAxis(_ axis: Int, rank: Int) -> Int? {
        let axis = axis < 0 ? axis + rank : axis
        guard axis >= 1, axis < rank else { return nil }
        guard dialect.order == .channelsLast, rank > 2 else { return axis }
        return axis == rank - 1 ? 1 : axis + 1
    }
}
