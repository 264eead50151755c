import ZooTensors

/// Reads a layer's members from a graph document, with errors that name the node.
struct LayerReader {
    let json: JSONValue
    let path: String

    func layer() throws(ZooError) -> Layer {
        switch json["layer"]?.stringValue {
        case "convolution":
            return .convolution(
                Convolution(
                    try integer("input_channels"), try integer("output_channels"),
                    kernel: try extent("kernel"), stride: try extent("stride"),
                    padding: try padding("padding"),
                    dilation: try extent("dilation"), groups: try integer("groups"), hasBias: try bool("bias")
                ))
        case "transposed_convolution":
            return .transposedConvolution(
                TransposedConvolution(
                    try integer("input_channels"), try integer("output_channels"),
                    kernel: try extent("kernel"), stride: try extent("stride"),
                    padding: try padding("padding"),
                    outputPadding: try extent("output_padding"), dilation: try extent("dilation"),
                    groups: try integer("groups"), hasBias: try bool("bias")))
        case "linear":
            return .linear(
                Linear(
                    try integer("input_features"), try integer("output_features"), hasBias: try bool("bias")))
        case "batch_normalization":
            return .batchNormalization(
                BatchNormalization(
                    try integer("channels"), epsilon: try number("epsilon"), momentum: try number("momentum"),
                    hasScale: try bool("scale"), hasCenter: try bool("center"),
                    usesBiasedVariance: try bool("biased_variance")))
        case "normalization":
            let hasConstants = json["mean"] != nil || json["variance"] != nil
            let constants =
                hasConstants
                ? Normalization.Constants(mean: try numbers("mean"), variance: try numbers("variance")) : nil
            return .normalization(Normalization(try integer("channels"), constants: constants))
        case "local_response_normalization":
            return .localResponseNormalization(
                LocalResponseNormalization(
                    size: try integer("size"), alpha: try number("alpha"), beta: try number("beta"),
                    k: try number("k")))
        case "rescaling":
            return .rescaling(Rescaling(scale: try numbers("scale"), offset: try numbers("offset")))
        case "activation": return .activation(try activation())
        case "parametric_relu": return .parametricReLU(channels: try integer("channels"))
        case "softmax": return .softmax
        case "pooling":
            return .pooling(
                Pooling(
                    try choice("operation"), window: try extent("window"), stride: try extent("stride"),
                    padding: try padding("padding"), ceilMode: try bool("ceil_mode"),
                    countsPadding: try bool("counts_padding")))
        case "adaptive_pooling":
            return .adaptivePooling(AdaptivePooling(try choice("operation"), output: try extent("output")))
        case "global_pooling":
            return .globalPooling(
                GlobalPooling(try choice("operation"), keepsDimensions: try bool("keeps_dimensions")))
        case "add": return .add
        case "multiply": return .multiply
        case "average": return .average
        case "concatenate": return .concatenate(axis: try integer("axis"))
        case "padding": return .padding(try padding("padding"))
        case "cropping": return .cropping(try padding("cropping"))
        case "upsampling":
            return .upsampling(Upsampling(try extent("factor"), interpolation: try choice("interpolation")))
        case "flatten": return .flatten(try choice("order"))
        case "reshape":
            return .reshape(Reshape(try integers("shape", count: 1...8), order: try choice("order")))
        case "permute": return .permute(axes: try integers("axes", count: 2...9))
        case "dropout": return .dropout(probability: try probability())
        case "spatial_dropout": return .spatialDropout(probability: try probability())
        case "stochastic_depth": return .stochasticDepth(probability: try probability())
        default: throw unknownKind()
        }
    }

    private func activation() throws(ZooError) -> Activation {
        switch json["function"]?.stringValue {
        case "relu": return .relu
        case "relu6": return .relu6
        case "leaky_relu": return .leakyReLU(slope: try number("slope"))
        case "rectifier":
            let ceiling = json["ceiling"] == nil ? nil : try number("ceiling")
            return .rectifier(
                Activation.Rectifier(
                    slope: try number("slope"), threshold: try number("threshold"), ceiling: ceiling))
        case "silu": return .silu
        case "sigmoid": return .sigmoid
        case "tanh": return .tanh
        case "hard_swish": return .hardSwish
        case "hard_sigmoid": return .hardSigmoid(slope: try number("slope"))
        case "elu": return .elu(alpha: try number("alpha"))
        case "selu": return .selu
        case "gelu": return .gelu(approximate: false)
        case "gelu_tanh": return .gelu(approximate: true)
        case "softplus": return .softplus
        default: throw invalid("function")
        }
    }

    private func invalid(_ member: String) -> ZooError {
        let text = json[member]?.text() ?? "none"
        return ZooError(
            .corrupt, "a layer of the graph document has no valid member \"\(member)\"", tensor: path,
            found: text.count > 60 ? "\(text.prefix(57))…" : text)
    }

    /// Kinds of layers, for suggestions.
    static let kinds = [
        "activation", "adaptive_pooling", "add", "average", "batch_normalization", "concatenate",
        "convolution",
        "cropping", "dropout", "flatten", "global_pooling", "linear", "local_response_normalization",
        "multiply", "normalization", "padding",
        "parametric_relu", "permute", "pooling", "rescaling", "reshape", "softmax", "spatial_dropout",
        "stochastic_depth", "transposed_convolution", "upsampling",
    ]

    private func unknownKind() -> ZooError {
        guard let kind = json["layer"]?.stringValue else { return invalid("layer") }
        let near = nearest(to: kind, among: LayerReader.kinds)
        return ZooError(
            .corrupt, "a layer of the graph document is of no known kind", tensor: path,
            expected: near.isEmpty
                ? LayerReader.kinds.joined(separator: ", ") : near.joined(separator: " or "),
            found: kind)
    }

    private func integer(_ member: String) throws(ZooError) -> Int {
        guard let value = json[member]?.intValue, (0...Sizes.largest).contains(value) else {
            throw invalid(member)
        }
        return value
    }

    private func number(_ member: String) throws(ZooError) -> Double {
        guard let value = json[member]?.doubleValue, value.isFinite else { throw invalid(member) }
        return value
    }

    private func numbers(_ member: String) throws(ZooError) -> [Double] {
        guard let values = json[member]?.arrayValue, !values.isEmpty, values.count <= Sizes.largest else {
            throw invalid(member)
        }
        let numbers = values.compactMap(\.doubleValue).filter(\.isFinite)
        guard numbers.count == values.count else { throw invalid(member) }
        return numbers
    }

    private func bool(_ member: String) throws(ZooError) -> Bool {
        guard let value = json[member]?.boolValue else { throw invalid(member) }
        return value
    }

    private func probability() throws(ZooError) -> Double {
        let value = try number("probability")
        guard (0..<1).contains(value) else { throw invalid("probability") }
        return value
    }

    private func integers(_ member: String, count: ClosedRange<Int>) throws(ZooError) -> [Int] {
        guard let values = json[member]?.intArrayValue, count.contains(values.count),
            values.allSatisfy({ (0...Sizes.largest).contains($0) })
        else { throw invalid(member) }
        return values
    }

    private func extent(_ member: String) throws(ZooError) -> Extent {
        let values = try integers(member, count: 2...2)
        return Extent(values[0], values[1])
    }

    private func padding(_ member: String) throws(ZooError) -> Padding {
        let values = try integers(member, count: 4...4)
        return Padding(top: values[0], left: values[1], bottom: values[2], right: values[3])
    }

    private func choice<Choice: RawRepresentable<String>>(_ member: String) throws(ZooError) -> Choice {
        guard let value = json[member]?.stringValue.flatMap(Choice.init(rawValue:)) else {
            throw invalid(member)
        }
        return value
    }
}
