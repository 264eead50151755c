import ZooTensors

/// One layer as Keras' `model_config` describes it.
struct KerasLayer {
    let className: String
    let name: String
    let config: JSONValue

    /// A pair such as `kernel_size`; a single number counts for both.
    func pair(_ member: String) -> [Int]? {
        if let number = config[member]?.intValue { return [number, number] }
        guard let values = config[member]?.intArrayValue, values.count == 2 else { return nil }
        return values
    }

    /// The name of an activation, `linear` when there is none.
    var activation: String {
        if let text = config["activation"]?.stringValue { return text }
        return config["activation"]?["config"]?.stringValue ?? "linear"
    }
}

/// Reads the layers of a Keras model that is one chain.
enum KerasConfig {
    /// Layers in computing order, without the input layer, and the input's shape `[H, W, C]` where it is stated.
    /// - Throws: ``ZooError`` for models that branch or nest.
    static func chain(_ modelConfig: JSONValue) throws(ZooError) -> (
        layers: [KerasLayer], inputShape: [Int?]?
    ) {
        guard let modelClass = modelConfig["class_name"]?.stringValue else {
            throw ZooError(.corrupt, "model_config has no class_name")
        }
        let list = modelConfig["config"]?["layers"]?.arrayValue ?? modelConfig["config"]?.arrayValue ?? []
        guard ["Sequential", "Functional", "Model"].contains(modelClass), !list.isEmpty else {
            throw ZooError(
                .unsupported, "model_config describes a \(modelClass), not a Sequential or Functional model")
        }
        var layers: [KerasLayer] = []
        var inputShape: [Int?]?
        for entry in list {
            guard let className = entry["class_name"]?.stringValue, let config = entry["config"],
                let name = config["name"]?.stringValue ?? entry["name"]?.stringValue
            else { throw ZooError(.corrupt, "a layer of model_config has no class or name") }
            if modelClass != "Sequential" { try requireSingleInput(entry, name: name) }
            if let shape = (config["batch_shape"] ?? config["batch_input_shape"])?.arrayValue,
                inputShape == nil
            {
                inputShape = shape.dropFirst().map(\.intValue)
            }
            if className != "InputLayer" {
                layers.append(KerasLayer(className: className, name: name, config: config))
            }
        }
        return (layers, inputShape)
    }

    /// In a chain, a layer has one node with at most one tensor coming in, written by either version of Keras.
    private static func requireSingleInput(_ entry: JSONValue, name: String) throws(ZooError) {
        let nodes = entry["inbound_nodes"]?.arrayValue ?? []
        guard nodes.count <= 1 else {
            throw ZooError(.unsupported, "the model uses a layer twice", tensor: name)
        }
        guard let node = nodes.first else { return }
        let count: Int
        if let arguments = node["args"]?.arrayValue {
            count = arguments.first?.arrayValue?.count ?? arguments.count
        } else {
            count = node.arrayValue?.count ?? 0
        }
        guard count <= 1 else {
            throw ZooError(.unsupported, "the model branches at a layer", tensor: name)
        }
    }
}
