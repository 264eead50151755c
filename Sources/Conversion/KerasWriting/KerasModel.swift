public import ZooCheckpoints
import ZooLayerGraphs
import ZooModels
public import ZooTensors

/// A model in Keras' terms, a Sequential where it is one chain and a Functional model elsewhere; models inside models
/// are taken apart.
public struct KerasModel: Sendable {
    /// A layer as Keras keeps it.
    public struct Layer: Sendable {
        /// The layer's name.
        public let name: String
        /// Keras' class, `Conv2D`.
        public let className: String
        /// The layer's configuration.
        public let config: JSONObject
        /// In Keras' layout, order and names; empty for layers without weights.
        public let weights: [NamedTensor]
        /// The entry in the configuration's `layers`, without what only an archive has.
        fileprivate let entry: JSONObject
    }

    /// The layers as Keras' `model.layers` lists them.
    public let layers: [Layer]
    /// What Keras has no word for, one sentence each.
    public let notes: [String]
    /// `model_config` of an `.h5`.
    public let legacyConfig: JSONValue
    /// `config.json` of a `.keras`.
    public let archiveConfig: JSONValue

    /// - Parameter notes: what is to be said beside what the layers say.
    init(_ model: Model, notes: [String] = []) throws(ZooError) {
        var export = try KerasExport(model)
        let output = try export.output()
        let calls = export.layers.map { layer in
            layer.calls.map { call in
                call.operands.map { KerasLayerOrder.Call(layer: $0.layer, call: $0.call) }
            }
        }
        let order = KerasLayerOrder(
            calls, output: KerasLayerOrder.Call(layer: output.layer, call: output.call)
        ).layers
        if let unread = export.layers.indices.first(where: { !order.contains($0) }) {
            throw ZooError(
                .unsupported, "a Keras model has no layers that its output doesn't depend on",
                tensor: export.layers[unread].name)
        }
        // Those of keras.applications are Functional, chains too.
        let isSequential = export.application == nil && export.isChain(output)
        let listed = isSequential ? Array(order.dropFirst()) : order
        self.layers = listed.map { place in
            let layer = export.layers[place]
            return Layer(
                name: layer.name, className: layer.className, config: layer.config, weights: layer.weights,
                entry: export.entry(place, isSequential: isSequential))
        }
        self.notes = notes + export.notes
        let architecture = model.graph.architecture
        let name =
            export.application == nil
            ? architecture == "custom" ? "model" : architecture.replacing("-", with: "_")
            : architecture.replacing("_", with: "")
        var config: JSONObject = ["name": .string(name), "trainable": true]
        let entries = order.map { export.entry($0, isSequential: isSequential) }
        let input = export.batchShape(export.layers[order[0]].calls[0].shape)
        if isSequential {
            config["layers"] = .array(entries.map { .object($0) })
            config["build_input_shape"] = input
        } else {
            config["layers"] = .array(entries.map { .object($0) })
            config["input_layers"] = export.reference(to: order[0], call: 0)
            config["output_layers"] = export.reference(to: output.layer, call: output.call)
        }
        let className = isSequential ? "Sequential" : "Functional"
        self.legacyConfig = ["class_name": .string(className), "config": .object(config)]
        config["layers"] = .array(
            entries.map { entry in
                var whole: JSONObject = ["module": "keras.layers"]
                for (key, value) in entry.members { whole[key] = value }
                whole["registered_name"] = .null
                return .object(whole)
            })
        self.archiveConfig = [
            "module": isSequential ? "keras" : "keras.src.models.functional",
            "class_name": .string(className), "config": .object(config),
            "registered_name": isSequential ? .null : "Functional",
            "build_config": ["input_shape": isSequential ? input : .null],
        ]
    }
}

extension KerasExport {
    /// What gives the model's result, with the softmax that the source had at its end.
    mutating func output() throws(ZooError) -> Value {
        let value = try value(graph.output)
        guard let ending = model.provenance.outputActivation else { return value }
        let layer = layers[value.layer]
        if layer.calls.count == 1, layer.config["activation"]?.stringValue == "linear",
            layer.className == "Dense" || graph.architecture != "custom",
            readers[graph.output] == nil
        {
            setActivation(ending, ofLayer: value.layer)
            return value
        }
        if ending == "softmax" {
            let axis = channelAxis(rank: value.shape.rank)
            return add("Softmax", name: ending, ["axis": .integer(axis)], [value], shape: value.shape)
        }
        return add("Activation", name: ending, ["activation": .string(ending)], [value], shape: value.shape)
    }

    /// Whether every layer has one call, of the one before it.
    func isChain(_ output: Value) -> Bool {
        guard output.layer == layers.count - 1 else { return false }
        return layers.enumerated().allSatisfy { place, layer in
            layer.calls.count == 1
                && layer.calls[0].operands.map(\.layer) == (place == 0 ? [] : [place - 1])
        }
    }

    /// `[null, 8, 8, 3]`.
    func batchShape(_ shape: TensorShape) -> JSONValue {
        .array([.null] + kerasShape(shape).map { .integer($0) })
    }

    /// `["conv", 0, 0]`.
    func reference(to layer: Int, call: Int) -> JSONValue {
        [.string(layers[layer].name), .integer(call), 0]
    }

    /// A layer's entry in a configuration's `layers`.
    func entry(_ place: Int, isSequential: Bool) -> JSONObject {
        let layer = layers[place]
        var entry: JSONObject = ["class_name": .string(layer.className), "config": .object(layer.config)]
        guard !isSequential else { return entry }
        entry["name"] = .string(layer.name)
        entry["inbound_nodes"] = .array(
            layer.calls.filter { !$0.operands.isEmpty }.map { call in
                let tensors = call.operands.map { operand -> JSONValue in
                    [
                        "class_name": "__keras_tensor__",
                        "config": [
                            "shape": batchShape(operand.shape), "dtype": "float32",
                            "keras_history": reference(to: operand.layer, call: operand.call),
                        ],
                    ]
                }
                // Merging layers take a list.
                let takesList = KerasGraphBuilder.takesSeveral(layer.className)
                return ["args": takesList ? [.array(tensors)] : .array(tensors), "kwargs": [:]]
            })
        return entry
    }
}
