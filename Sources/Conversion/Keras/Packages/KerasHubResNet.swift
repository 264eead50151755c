import ZooArchitectures
import ZooTensors

/// The ResNets of the package KerasHub. Its files have a model's few numbers where others list the layers; these are
/// the layers that `keras_hub.models.ResNetBackbone` and `ResNetImageClassifier` (0.32) build from them.
enum KerasHubResNet {
    static let backbone = "ResNetBackbone"
    static let classifier = "ResNetImageClassifier"

    /// An entry of `model_config` with the layers of a model of KerasHub's in it; other entries as they are.
    /// - Throws: ``ZooError`` for variants that have other layers.
    static func expanded(_ json: JSONValue) throws(ZooError) -> JSONValue {
        guard let className = json["class_name"]?.stringValue, [backbone, classifier].contains(className),
            let config = json["config"], config["layers"] == nil
        else { return json }
        let model: JSONValue
        if className == backbone {
            model = try backbone(config)
        } else {
            model = try classifier(config)
        }
        guard var whole = model.objectValue, var inner = model["config"]?.objectValue else { return json }
        for key in ["inbound_nodes", "module"] { whole[key] = json[key] }
        if let name = json["name"]?.stringValue ?? config["name"]?.stringValue {
            whole["name"] = .string(name)
            inner["name"] = .string(name)
        }
        inner["trainable"] = config["trainable"] ?? true
        whole["config"] = .object(inner)
        return .object(whole)
    }

    private static func refuse(_ what: String, _ config: JSONValue) -> ZooError {
        ZooError(
            .unsupported, "only KerasHub's ResNets of the first version are read",
            tensor: "\(backbone).\(what)", found: config[what]?.text() ?? "nothing",
            // Those of the second version pad with −∞, which no layer of Keras' says.
            remedy: what == "use_pre_activation"
                ? nil
                : "In Python, keras.Model(backbone.inputs, backbone.outputs) saves a model that lists its layers."
        )
    }

    private static func numbers(_ config: JSONValue, _ key: String) throws(ZooError) -> [Int] {
        guard let numbers = config[key]?.intArrayValue, (1...8).contains(numbers.count),
            numbers.allSatisfy({ (1...4_096).contains($0) })
        else { throw refuse(key, config) }
        return numbers
    }

    private static func backbone(_ config: JSONValue) throws(ZooError) -> JSONValue {
        let stem = try numbers(config, "input_conv_filters")
        let kernels = try numbers(config, "input_conv_kernel_sizes")
        guard stem.count == 1, kernels.count == 1 else { throw refuse("input_conv_filters", config) }
        let blockType = config["block_type"]?.stringValue
        guard blockType == "basic_block" || blockType == "bottleneck_block" else {
            throw refuse("block_type", config)
        }
        guard config["use_pre_activation"]?.boolValue != true else {
            throw refuse("use_pre_activation", config)
        }
        let filters = try numbers(config, "stackwise_num_filters")
        let blocks = try numbers(config, "stackwise_num_blocks")
        let strides = try numbers(config, "stackwise_num_strides")
        guard filters.count == blocks.count, filters.count == strides.count,
            blocks.reduce(0, +) <= 200
        else { throw refuse("stackwise_num_blocks", config) }
        guard config["data_format"]?.stringValue != KerasExport.channelsFirst else {
            throw refuse("data_format", config)
        }
        var chain = KerasChain()
        let shape = config["image_shape"]?.arrayValue ?? [.null, .null, 3]
        chain.add("InputLayer", "input_layer", ["batch_shape": .array([.null] + shape)])
        chain.pad("conv1_pad", (kernels[0] - 1) / 2)
        chain.convolve("conv1_conv", stem[0], kernel: kernels[0], stride: 2)
        normalise("conv1_bn", &chain)
        chain.activate("conv1_relu")
        chain.pad("pool1_pad", 1)
        chain.pool("pool1_pool", 3, stride: 2)
        for (stack, count) in blocks.enumerated() {
            for block in 0..<count {
                add(
                    Block(
                        name: "stack\(stack)_block\(block)", filters: filters[stack],
                        stride: block == 0 ? strides[stack] : 1,
                        hasShortcut: block == 0 && (blockType != "basic_block" || stack > 0),
                        isBottleneck: blockType != "basic_block"), to: &chain)
            }
        }
        return chain.model("res_net_backbone", className: backbone)
    }

    @discardableResult
    private static func normalise(
        _ name: String, after operands: [Int]? = nil, _ chain: inout KerasChain
    ) -> Int {
        chain.normalise(name, epsilon: 1e-5, momentum: 0.9, after: operands)
    }

    private struct Block {
        let name: String
        let filters, stride: Int
        let hasShortcut, isBottleneck: Bool
    }

    private static func add(_ block: Block, to chain: inout KerasChain) {
        let name = block.name
        let input = chain.last
        var shortcut = input
        let width = block.isBottleneck ? 4 * block.filters : block.filters
        if block.hasShortcut {
            chain.convolve("\(name)_0_conv", width, kernel: 1, stride: block.stride)
            shortcut = normalise("\(name)_0_bn", &chain)
        }
        // The 3×3 convolution that has the step stands first, or in a bottleneck second.
        let kernels = block.isBottleneck ? [1, 3, 1] : [3, 3]
        let place = block.isBottleneck ? 1 : 0
        var operand = input
        for (index, kernel) in kernels.enumerated() {
            let number = index + 1
            let stride = index == place ? block.stride : 1
            if stride > 1 {
                let sides: JSONValue = [1, 1]
                operand = chain.add(
                    "ZeroPadding2D", "\(name)_\(number)_pad",
                    ["padding": [sides, sides], "data_format": "channels_last"], after: [operand])
            }
            let isLast = index == kernels.count - 1
            chain.convolve(
                "\(name)_\(number)_conv", isLast ? width : block.filters, kernel: kernel, stride: stride,
                padding: stride > 1 || kernel == 1 ? "valid" : "same", after: [operand])
            operand = normalise("\(name)_\(number)_bn", &chain)
            if !isLast { operand = chain.activate("\(name)_\(number)_relu") }
        }
        chain.add("Add", "\(name)_add", after: [shortcut, operand])
        chain.activate("\(name)_out")
    }

    private static func classifier(_ config: JSONValue) throws(ZooError) -> JSONValue {
        guard let entry = config["backbone"], entry["class_name"]?.stringValue == backbone,
            let inner = try expanded(entry).objectValue, let name = inner["name"]?.stringValue,
            let classes = config["num_classes"]?.intValue, (1...1_000_000).contains(classes)
        else {
            throw ZooError(
                .unsupported, "a classifier of KerasHub's has no ResNet and number of classes",
                tensor: "\(classifier).backbone", found: config["backbone"]?["class_name"]?.text())
        }
        var chain = KerasChain()
        let shape = entry["config"]?["image_shape"]?.arrayValue ?? [.null, .null, 3]
        chain.add("InputLayer", "input_layer", ["batch_shape": .array([.null] + shape)])
        chain.add(
            backbone, name, inner["config"]?.objectValue ?? [:], extra: ["name": .string(name)])
        switch config["pooling"]?.stringValue {
        case "avg": chain.add("GlobalAveragePooling2D", "pooler", ["data_format": "channels_last"])
        case "max": chain.add("GlobalMaxPooling2D", "pooler", ["data_format": "channels_last"])
        case let other:
            throw ZooError(
                .unsupported, "this pooling of KerasHub's isn't known", tensor: "\(classifier).pooling",
                found: other)
        }
        chain.add("Dropout", "output_dropout", ["rate": config["dropout"] ?? 0.0])
        chain.add(
            "Dense", "predictions",
            [
                "units": .integer(classes), "use_bias": true,
                "activation": config["activation"].flatMap { $0 == .null ? nil : $0 } ?? "linear",
            ])
        return chain.model("res_net_image_classifier", className: classifier)
    }
}
