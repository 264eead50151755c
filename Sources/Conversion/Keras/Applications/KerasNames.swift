import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// The names that keras.applications gives the layers of a known network, as one table per architecture.
struct KerasNames {
    /// The layers with weights, in Keras' order.
    let dialect: Dialect
    /// The layers without, by canonical path, so far as Keras has them.
    let others: [String: String]

    /// The architectures that keras.applications has.
    static let architectures = ["vgg16", "vgg19", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2"]

    /// The names of an architecture's layers; `nil` when keras.applications doesn't have it.
    static func of(_ architecture: String) -> KerasNames? {
        switch architecture {
        case "vgg16": vgg(.sixteen)
        case "vgg19": vgg(.nineteen)
        case "efficientnet_b0": efficientNet(.b0)
        case "efficientnet_b1": efficientNet(.b1)
        case "efficientnet_b2": efficientNet(.b2)
        default: nil
        }
    }

    /// Keras' name for a layer, `nil` for one that Keras has inside another.
    subscript(path: String) -> String? { dialect.pair(node: path)?.source ?? others[path] }

    /// How many layers with weights have their names in a list.
    func count(in names: Set<String>) -> Int { dialect.layers.count { names.contains($0.source) } }

    // MARK: VGG

    private static func vgg(_ depth: VGG.Depth) -> KerasNames {
        let architecture = VGG(depth).name
        var layers: [Dialect.Pair] = []
        // Keras' own have no dropout; that of other sources gets a name beside them.
        var others = ["flatten": "flatten", "classifier.2": "fc1_dropout", "classifier.5": "fc2_dropout"]
        var place = 0
        for (block, count) in depth.convolutions.enumerated() {
            for convolution in 1...count {
                layers.append(Dialect.Pair("features.\(place)", "block\(block + 1)_conv\(convolution)"))
                place += 2
            }
            others["features.\(place)"] = "block\(block + 1)_pool"
            place += 1
        }
        layers += [
            Dialect.Pair("classifier.0", "fc1"), Dialect.Pair("classifier.3", "fc2"),
            Dialect.Pair("classifier.6", "predictions"),
        ]
        let dialect = Dialect(
            "keras", "the names of keras.applications", architecture: architecture, framework: .keras,
            layers: layers, classifier: DialectFamily.layers(of: architecture).classifier,
            preprocessing: Preprocessing(
                channels: .bgr, resize: Extent(224), scale: 1, mean: [103.939, 116.779, 123.68],
                isAssumed: true))
        return KerasNames(dialect: dialect, others: others)
    }

    // MARK: EfficientNet

    private static let steps: [EfficientNetBlock.Step: String] = [
        .expand: "expand_conv", .expandNorm: "expand_bn", .depthwise: "dwconv", .depthwiseNorm: "bn",
        .reduce: "se_reduce", .excite: "se_expand", .project: "project_conv", .projectNorm: "project_bn",
    ]

    /// `block2b`: the second block of the second stage.
    private static func name(_ block: EfficientNetBlock) -> String {
        let letter = Unicode.Scalar(UInt8(97 + min(block.position, 25)))
        return "block\(block.stage)\(letter)"
    }

    private static func efficientNet(_ scale: EfficientNet.Scale) -> KerasNames {
        let names = EfficientNetNames(
            stem: ("stem_conv", "stem_bn"), top: ("top_conv", "top_bn"), head: "predictions",
            block: name, separator: "_", expanded: steps, plain: steps)
        let network = EfficientNet(scale)
        let dialect = names.dialect(
            "keras", "the names of keras.applications", scale.rawValue, framework: .keras,
            conventions: .keras,
            preprocessing: Preprocessing(
                channels: .rgb, resize: Extent(EfficientNet(scale, conventions: .keras).inputSize),
                interpolation: .bicubic, scale: 1, isAssumed: true))
        var others = [
            "features.0.2": "stem_activation", "features.8.2": "top_activation", "avgpool": "avg_pool",
            "classifier.0": "top_dropout",
        ]
        for block in network.blocks {
            let own = name(block)
            for (step, title) in [
                (EfficientNetBlock.Step.expandNorm, "expand_activation"), (.depthwiseNorm, "activation"),
            ] {
                // The activation is the child behind the normalisation.
                guard let path = block.path(of: step) else { continue }
                others["\(path.dropLast())2"] = "\(own)_\(title)"
            }
            if let reduce = block.path(of: .reduce) {
                let excitation = reduce.dropLast("fc1".count)
                others["\(excitation)avgpool"] = "\(own)_se_squeeze"
                others["\(excitation)scale"] = "\(own)_se_excite"
            }
            others["\(block.path).stochastic_depth"] = "\(own)_drop"
            others["\(block.path).add"] = "\(own)_add"
        }
        return KerasNames(dialect: dialect, others: others)
    }
}

extension Layer {
    /// Keras' class for a layer with weights.
    var kerasClass: String? {
        switch self {
        case .convolution(let layer): layer.isKerasDepthwise ? "DepthwiseConv2D" : "Conv2D"
        case .linear: "Dense"
        case .batchNormalization: "BatchNormalization"
        case .normalization(let layer): layer.constants == nil ? "Normalization" : nil
        default: nil
        }
    }

    /// The parameters that Keras' variables are, in Keras' order; `nil` for a variable that computes nothing.
    var kerasVariables: [ParameterRole?] {
        switch self {
        case .normalization: parameterShapes.map(\.role) + [nil]
        default: parameterShapes.map(\.role)
        }
    }
}

extension Dialect {
    /// The names of keras.applications for an architecture's layers with weights, in Keras' order; `nil` when Keras
    /// doesn't have it. Its keys stand under Keras' own names for variables, which depend on the layer's class.
    public static func keras(_ architecture: String) -> Dialect? { KerasNames.of(architecture)?.dialect }
}
