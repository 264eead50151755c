import ZooTensors

/// A network that a package builds, recognised by the names that it gives to layers: for files of weights alone.
struct KerasPackageNames {
    /// The package.
    let package: String
    /// What Keras would say of the network.
    let config: JSONValue

    /// - Returns: `nil` when the layers with variables aren't those of a network of these packages.
    init?(_ layers: [KerasMatcher.FileLayer]) throws(ZooError) {
        var shapes: [String: [TensorShape]] = [:]
        for layer in layers {
            guard let name = layer.name else { return nil }
            shapes[name] = layer.shapes
        }
        if shapes["bn_data"] != nil, shapes["conv0"] != nil {
            self.init(imageClassifiers: shapes)
        } else if shapes["stack0_block0_1_conv"] != nil, shapes["conv1_conv"] != nil {
            try self.init(kerasHub: shapes)
        } else {
            return nil
        }
    }

    /// Which names the file uses, for people.
    var dialect: String { "Keras, the names of the package \(package)" }

    /// What the weights don't show.
    var assumptions: [String] {
        [
            "the file has weights alone: padding, epsilon, momentum and activations are those that \(package) gives "
                + "layers of these names"
        ]
    }

    /// Whether a network begins as image-classifiers' ResNets do, which take pictures as they are.
    static func takesPixels(_ network: KerasNetwork) -> Bool {
        network.graph.nodes.first?.path == "bn_data" && network.graph.input.channels == 3
    }

    /// How many blocks each stage has, from names like `stage1_unit1_conv1`.
    private static func blocks(_ shapes: [String: [TensorShape]], _ name: (Int, Int) -> String) -> [Int] {
        (0..<4).map { stage in
            (0..<200).first { shapes[name(stage, $0)] == nil } ?? 0
        }
    }

    // MARK: KerasHub

    private init?(kerasHub shapes: [String: [TensorShape]]) throws(ZooError) {
        let blocks = KerasPackageNames.blocks(shapes) { "stack\($0)_block\($1)_1_conv" }
        let isBottleneck = shapes["stack0_block0_3_conv"] != nil
        // The variants with another stem have shortcuts of their own, too.
        let stems = (1...4).compactMap { shapes["conv\($0)_conv"]?.first }
        guard blocks.allSatisfy({ $0 > 0 }), let stem = stems.first, stem.rank == 4 else { return nil }
        let backbone: JSONValue = [
            "class_name": .string(KerasHubResNet.backbone),
            "config": [
                "name": "res_net_backbone",
                "input_conv_filters": .array(stems.map { .integer($0.dimensions.last ?? 0) }),
                "input_conv_kernel_sizes": .array(stems.map { .integer($0.dimensions.first ?? 0) }),
                "stackwise_num_filters": [64, 128, 256, 512],
                "stackwise_num_blocks": .array(blocks.map { .integer($0) }),
                "stackwise_num_strides": [1, 2, 2, 2],
                "block_type": isBottleneck ? "bottleneck_block" : "basic_block",
                "use_pre_activation": .bool(shapes["post_bn"] != nil),
                "image_shape": [.null, .null, .integer(stem[2])],
            ],
        ]
        package = "KerasHub"
        if let head = shapes["predictions"]?.first, head.rank == 2 {
            config = try KerasHubResNet.expanded([
                "class_name": .string(KerasHubResNet.classifier),
                "config": [
                    "name": "res_net_image_classifier", "backbone": backbone,
                    "num_classes": .integer(head[1]), "pooling": "avg", "activation": .null, "dropout": 0.0,
                ],
            ])
        } else {
            config = try KerasHubResNet.expanded(backbone)
        }
    }

    // MARK: image-classifiers

    /// The ResNets of the package image-classifiers (`classification_models`, 1.0): normalisation and activation come
    /// before the convolutions, and the pictures themselves are normalised first.
    private init?(imageClassifiers shapes: [String: [TensorShape]]) {
        let blocks = KerasPackageNames.blocks(shapes) { "stage\($0 + 1)_unit\($1 + 1)_conv1" }
        let isBottleneck = shapes["stage1_unit1_conv3"] != nil
        guard blocks.allSatisfy({ $0 > 0 }), let stem = shapes["conv0"]?.first, stem.rank == 4 else {
            return nil
        }
        var chain = KerasChain()
        var pads = 0
        // Keras numbers layers without names of their own.
        func pad(_ count: Int) {
            chain.pad(pads == 0 ? "zero_padding2d" : "zero_padding2d_\(pads)", count)
            pads += 1
        }
        func normalise(_ name: String, hasScale: Bool = true) {
            chain.normalise(name, epsilon: 2e-5, momentum: 0.99, hasScale: hasScale)
        }
        chain.add("InputLayer", "data", ["batch_shape": [.null, .null, .null, .integer(stem[2])]])
        normalise("bn_data", hasScale: false)
        pad(3)
        chain.convolve("conv0", 64, kernel: 7, stride: 2)
        normalise("bn0")
        chain.activate("relu0")
        pad(1)
        chain.pool("pooling0", 3, stride: 2)
        var additions = 0
        for (stage, count) in blocks.enumerated() {
            let filters = 64 << stage
            for unit in 0..<count {
                let name = "stage\(stage + 1)_unit\(unit + 1)_"
                let stride = stage > 0 && unit == 0 ? 2 : 1
                var shortcut = chain.last
                normalise("\(name)bn1")
                chain.activate("\(name)relu1")
                let start = chain.last
                if unit == 0 {
                    let width = isBottleneck ? 4 * filters : filters
                    shortcut = chain.convolve("\(name)sc", width, kernel: 1, stride: stride)
                }
                let kernels = isBottleneck ? [1, 3, 1] : [3, 3]
                var operand = start
                for (index, kernel) in kernels.enumerated() {
                    if index > 0 {
                        normalise("\(name)bn\(index + 1)")
                        operand = chain.activate("\(name)relu\(index + 1)")
                    }
                    if kernel == 3 {
                        let sides: JSONValue = [1, 1]
                        operand = chain.add(
                            "ZeroPadding2D", "zero_padding2d_\(pads)",
                            ["padding": [sides, sides], "data_format": "channels_last"], after: [operand])
                        pads += 1
                    }
                    let isLast = isBottleneck && index == 2
                    chain.convolve(
                        "\(name)conv\(index + 1)", isLast ? 4 * filters : filters, kernel: kernel,
                        stride: index == (isBottleneck ? 1 : 0) ? stride : 1, after: [operand])
                }
                chain.add(
                    "Add", additions == 0 ? "add" : "add_\(additions)", after: [chain.last, shortcut])
                additions += 1
            }
        }
        normalise("bn1")
        chain.activate("relu1")
        if let head = shapes["fc1"]?.first, head.rank == 2 {
            chain.add("GlobalAveragePooling2D", "pool1", ["data_format": "channels_last"])
            chain.add(
                "Dense", "fc1", ["units": .integer(head[1]), "use_bias": true, "activation": "linear"])
            chain.activate("softmax", "softmax")
        }
        package = "image-classifiers"
        config = chain.model("model")
    }
}
