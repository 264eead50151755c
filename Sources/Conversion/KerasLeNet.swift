import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// Recognises a LeNet in Keras' own description of a model, with every choice that weights alone don't show.
struct KerasLeNet {
    let network: LeNet
    /// Canonical node path and Keras' layer name of each layer with weights.
    let names: [(node: String, layer: String)]
    let outputActivation: String?

    /// - Throws: ``ZooError`` naming the first layer that a LeNet doesn't have.
    init(modelConfig: JSONValue) throws(ZooError) {
        let (layers, inputShape) = try KerasConfig.chain(modelConfig)
        var reader = Reader(layers: layers)
        let classic = layers.count { $0.className == "Conv2D" } == 3
        var network = LeNet(classic ? .classic : .tutorial)
        var activations: [String] = []

        let first = try reader.convolution(filters: 6)
        activations.append(try reader.activation(after: first))
        let pooling = try reader.pooling()
        let second = try reader.convolution(filters: 16)
        activations.append(try reader.activation(after: second))
        guard try reader.pooling() == pooling else {
            throw ZooError(.unsupported, "the two pooling layers differ", tensor: reader.previousName)
        }
        var weighted = [first, second]
        if classic {
            let third = try reader.convolution(filters: 120)
            activations.append(try reader.activation(after: third))
            weighted.append(third)
        }
        try reader.flatten()
        for units in classic ? [84] : [120, 84] {
            let dense = try reader.dense(units: units)
            activations.append(try reader.activation(after: dense))
            weighted.append(dense)
        }
        let head = try reader.dense(units: nil)
        weighted.append(head)
        let last = try reader.activation(after: head)
        try reader.end()

        guard let name = activations.first, Set(activations).count == 1,
            let function = [Activation.relu, .sigmoid, .tanh].first(where: { $0.name == name })
        else {
            throw ZooError(
                .unsupported, "the layers' activations are not all relu, sigmoid or tanh",
                found: activations.joined(separator: ", "))
        }
        network.activation = function
        network.pooling = pooling
        network.classes = head.config["units"]?.intValue ?? network.classes
        network.firstPadding = first.config["padding"]?.stringValue == "same" ? 2 : 0
        if second.config["padding"]?.stringValue == "same" {
            throw ZooError(.unsupported, "a LeNet's second convolution has no padding", tensor: second.name)
        }
        guard let shape = inputShape, shape.count == 3, let height = shape[0], let width = shape[1],
            let channels = shape[2], height == width, (12...4_096).contains(height),
            (1...64).contains(channels)
        else {
            throw ZooError(.unsupported, "model_config doesn't state square pictures of a fixed size")
        }
        network.inputSize = height
        network.inputChannels = channels
        guard last == "linear" || last == "softmax" else {
            throw ZooError(.unsupported, "the last layer's activation is \(last)", tensor: head.name)
        }
        let nodes =
            classic
            ? [
                "feature_extractor.0", "feature_extractor.3", "feature_extractor.6", "classifier.0",
                "classifier.2",
            ]
            : ["conv1", "conv2", "fc1", "fc2", "fc3"]
        self.network = network
        self.names = zip(nodes, weighted).map { ($0, $1.name) }
        self.outputActivation = last == "linear" ? nil : last
    }

    /// Walks the chain and insists on what comes next.
    private struct Reader {
        let layers: [KerasLayer]
        var position = 0
        var previousName: String { position > 0 ? layers[position - 1].name : "" }

        init(layers: [KerasLayer]) {
            // These do nothing to the numbers at inference.
            self.layers = layers.filter { $0.className != "Dropout" }
        }

        private mutating func next(_ wanted: String, _ classes: [String]) throws(ZooError) -> KerasLayer {
            guard position < layers.count else {
                throw ZooError(.mismatch, "the model ends where a LeNet has \(wanted)", tensor: previousName)
            }
            let layer = layers[position]
            guard classes.contains(layer.className) else {
                throw ZooError(
                    .mismatch, "the Keras model is not a LeNet", tensor: layer.name, expected: wanted,
                    found: layer.className)
            }
            position += 1
            return layer
        }

        private func refuse(_ layer: KerasLayer, _ member: String) -> ZooError {
            ZooError(
                .mismatch, "the Keras model is not a LeNet: \(member) of a layer differs", tensor: layer.name,
                found: layer.config[member]?.text() ?? "nothing")
        }

        mutating func convolution(filters: Int) throws(ZooError) -> KerasLayer {
            let layer = try next("a 5×5 convolution with \(filters) filters", ["Conv2D"])
            guard layer.config["filters"]?.intValue == filters else { throw refuse(layer, "filters") }
            guard layer.pair("kernel_size") == [5, 5] else { throw refuse(layer, "kernel_size") }
            guard layer.pair("strides") ?? [1, 1] == [1, 1] else { throw refuse(layer, "strides") }
            guard layer.pair("dilation_rate") ?? [1, 1] == [1, 1] else {
                throw refuse(layer, "dilation_rate")
            }
            guard layer.config["groups"]?.intValue ?? 1 == 1 else { throw refuse(layer, "groups") }
            guard layer.config["data_format"]?.stringValue ?? "channels_last" == "channels_last" else {
                throw refuse(layer, "data_format")
            }
            guard layer.config["use_bias"]?.boolValue ?? true else { throw refuse(layer, "use_bias") }
            guard ["same", "valid"].contains(layer.config["padding"]?.stringValue ?? "valid") else {
                throw refuse(layer, "padding")
            }
            return layer
        }

        mutating func dense(units: Int?) throws(ZooError) -> KerasLayer {
            let layer = try next("a Dense layer", ["Dense"])
            guard let count = layer.config["units"]?.intValue, count > 0, units == nil || count == units
            else {
                throw refuse(layer, "units")
            }
            guard layer.config["use_bias"]?.boolValue ?? true else { throw refuse(layer, "use_bias") }
            return layer
        }

        mutating func pooling() throws(ZooError) -> Pooling.Operation {
            let layer = try next("a pooling layer", ["MaxPooling2D", "AveragePooling2D"])
            guard layer.pair("pool_size") ?? [2, 2] == [2, 2] else { throw refuse(layer, "pool_size") }
            guard layer.pair("strides") ?? [2, 2] == [2, 2] else { throw refuse(layer, "strides") }
            guard layer.config["padding"]?.stringValue ?? "valid" == "valid" else {
                throw refuse(layer, "padding")
            }
            return layer.className == "MaxPooling2D" ? .maximum : .average
        }

        mutating func flatten() throws(ZooError) { _ = try next("Flatten", ["Flatten"]) }

        /// The layer's own activation, or that of an activation layer behind it.
        mutating func activation(after layer: KerasLayer) throws(ZooError) -> String {
            guard layer.activation == "linear", position < layers.count else { return layer.activation }
            let candidate = layers[position]
            switch candidate.className {
            case "Activation":
                position += 1
                return candidate.activation
            case "ReLU", "Softmax":
                position += 1
                return candidate.className.lowercased()
            default: return layer.activation
            }
        }

        func end() throws(ZooError) {
            guard position == layers.count else {
                throw ZooError(
                    .mismatch, "the Keras model goes on where a LeNet ends", tensor: layers[position].name,
                    found: layers[position].className)
            }
        }
    }
}
