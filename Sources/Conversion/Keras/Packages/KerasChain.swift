import ZooTensors

/// Describes a Functional model layer by layer, as Keras would in `model_config`: for networks that packages build and
/// whose files don't list the layers.
struct KerasChain {
    /// A layer, by its place.
    typealias Place = Int

    private var entries: [(className: String, config: JSONObject, operands: [Place], extra: JSONObject)] = []

    /// The layer that was added last.
    var last: Place { entries.count - 1 }

    /// Adds a layer behind the last one, or behind others.
    /// - Parameter extra: members of the entry beside class, name and configuration.
    @discardableResult
    mutating func add(
        _ className: String, _ name: String, _ config: JSONObject = [:], after operands: [Place]? = nil,
        extra: JSONObject = [:]
    ) -> Place {
        var whole: JSONObject = ["name": .string(name)]
        for (key, value) in config.members { whole[key] = value }
        entries.append((className, whole, operands ?? (entries.isEmpty ? [] : [last]), extra))
        return last
    }

    /// Square windows.
    private static func pair(_ size: Int) -> JSONValue { [.integer(size), .integer(size)] }

    /// A convolution without a bias; one with a step has zeros put around its map by a layer of its own.
    @discardableResult
    mutating func convolve(
        _ name: String, _ filters: Int, kernel: Int, stride: Int = 1, padding: String = "valid",
        after operands: [Place]? = nil
    ) -> Place {
        add(
            "Conv2D", name,
            [
                "filters": .integer(filters), "kernel_size": KerasChain.pair(kernel),
                "strides": KerasChain.pair(stride), "padding": .string(padding),
                "data_format": "channels_last",
                "dilation_rate": KerasChain.pair(1), "groups": 1, "use_bias": false, "activation": "linear",
            ], after: operands)
    }

    mutating func pad(_ name: String, _ count: Int) {
        let sides = KerasChain.pair(count)
        add("ZeroPadding2D", name, ["padding": [sides, sides], "data_format": "channels_last"])
    }

    @discardableResult
    mutating func normalise(
        _ name: String, epsilon: Double, momentum: Double, hasScale: Bool = true,
        after operands: [Place]? = nil
    ) -> Place {
        add(
            "BatchNormalization", name,
            [
                "axis": -1, "momentum": .number(momentum), "epsilon": .number(epsilon), "center": true,
                "scale": .bool(hasScale),
            ], after: operands)
    }

    @discardableResult
    mutating func activate(_ name: String, _ function: String = "relu") -> Place {
        add("Activation", name, ["activation": .string(function)])
    }

    mutating func pool(_ name: String, _ window: Int, stride: Int) {
        add(
            "MaxPooling2D", name,
            [
                "pool_size": KerasChain.pair(window), "strides": KerasChain.pair(stride), "padding": "valid",
                "data_format": "channels_last",
            ])
    }

    /// The model, with its layers in Keras' order, by which a `.weights.h5` names them.
    /// - Parameter className: Keras' class, which such a file's names are made of, too.
    func model(_ name: String, className: String = "Functional") -> JSONValue {
        let calls = entries.map { entry in
            [entry.operands.map { KerasLayerOrder.Call(layer: $0, call: 0) }]
        }
        let order = KerasLayerOrder(calls, output: KerasLayerOrder.Call(layer: last, call: 0)).layers
        func reference(_ place: Place) -> JSONValue {
            [entries[place].config["name"] ?? .null, 0, 0]
        }
        let layers = order.map { place -> JSONValue in
            let entry = entries[place]
            let operands = entry.operands.map { operand -> JSONValue in
                ["class_name": "__keras_tensor__", "config": ["keras_history": reference(operand)]]
            }
            let takesList = KerasGraphBuilder.takesSeveral(entry.className)
            var layer: JSONObject = [
                "class_name": .string(entry.className), "name": entry.config["name"] ?? .null,
                "config": .object(entry.config),
                "inbound_nodes": operands.isEmpty
                    ? []
                    : [["args": takesList ? [.array(operands)] : .array(operands), "kwargs": [:]]],
            ]
            for (key, value) in entry.extra.members { layer[key] = value }
            return .object(layer)
        }
        return [
            "class_name": .string(className), "name": .string(name),
            "config": [
                "name": .string(name), "layers": .array(layers), "input_layers": reference(order[0]),
                "output_layers": reference(last),
            ],
        ]
    }
}
