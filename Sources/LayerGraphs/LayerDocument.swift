import ZooTensors

/// A layer's numbers as members of its entry in a graph document; ``LayerReader`` reads them back.
enum LayerDocument {
    static func members(of layer: Layer) -> [(String, JSONValue)] {
        switch layer {
        case .convolution(let layer):
            return [
                ("layer", "convolution"), ("input_channels", .integer(layer.inputChannels)),
                ("output_channels", .integer(layer.outputChannels)), ("kernel", pair(layer.kernel)),
                ("stride", pair(layer.stride)), ("padding", sides(layer.padding)),
                ("dilation", pair(layer.dilation)), ("groups", .integer(layer.groups)),
                ("bias", .bool(layer.hasBias)),
            ]
        case .transposedConvolution(let layer):
            return [
                ("layer", "transposed_convolution"), ("input_channels", .integer(layer.inputChannels)),
                ("output_channels", .integer(layer.outputChannels)), ("kernel", pair(layer.kernel)),
                ("stride", pair(layer.stride)), ("padding", sides(layer.padding)),
                ("output_padding", pair(layer.outputPadding)), ("dilation", pair(layer.dilation)),
                ("groups", .integer(layer.groups)), ("bias", .bool(layer.hasBias)),
            ]
        case .linear(let layer):
            return [
                ("layer", "linear"), ("input_features", .integer(layer.inputFeatures)),
                ("output_features", .integer(layer.outputFeatures)), ("bias", .bool(layer.hasBias)),
            ]
        case .batchNormalization(let layer):
            return [
                ("layer", "batch_normalization"), ("channels", .integer(layer.channels)),
                ("epsilon", .number(layer.epsilon)), ("momentum", .number(layer.momentum)),
                ("scale", .bool(layer.hasScale)), ("center", .bool(layer.hasCenter)),
                ("biased_variance", .bool(layer.usesBiasedVariance)),
            ]
        case .normalization(let layer):
            var members: [(String, JSONValue)] = [
                ("layer", "normalization"), ("channels", .integer(layer.channels)),
            ]
            if let constants = layer.constants {
                members += [("mean", numbers(constants.mean)), ("variance", numbers(constants.variance))]
            }
            return members
        case .localResponseNormalization(let layer):
            return [
                ("layer", "local_response_normalization"), ("size", .integer(layer.size)),
                ("alpha", .number(layer.alpha)), ("beta", .number(layer.beta)), ("k", .number(layer.k)),
            ]
        case .rescaling(let layer):
            return [
                ("layer", "rescaling"), ("scale", numbers(layer.scale)), ("offset", numbers(layer.offset)),
            ]
        case .activation(let function):
            return [("layer", "activation"), ("function", .string(function.name))] + members(of: function)
        case .parametricReLU(let channels):
            return [("layer", "parametric_relu"), ("channels", .integer(channels))]
        case .softmax: return [("layer", "softmax")]
        case .pooling(let layer):
            return [
                ("layer", "pooling"), ("operation", .string(layer.operation.rawValue)),
                ("window", pair(layer.window)), ("stride", pair(layer.stride)),
                ("padding", sides(layer.padding)),
                ("ceil_mode", .bool(layer.ceilMode)), ("counts_padding", .bool(layer.countsPadding)),
            ]
        case .adaptivePooling(let layer):
            return [
                ("layer", "adaptive_pooling"), ("operation", .string(layer.operation.rawValue)),
                ("output", pair(layer.output)),
            ]
        case .globalPooling(let layer):
            return [
                ("layer", "global_pooling"), ("operation", .string(layer.operation.rawValue)),
                ("keeps_dimensions", .bool(layer.keepsDimensions)),
            ]
        case .add: return [("layer", "add")]
        case .multiply: return [("layer", "multiply")]
        case .average: return [("layer", "average")]
        case .concatenate(let axis): return [("layer", "concatenate"), ("axis", .integer(axis))]
        case .padding(let padding): return [("layer", "padding"), ("padding", sides(padding))]
        case .cropping(let padding): return [("layer", "cropping"), ("cropping", sides(padding))]
        case .upsampling(let layer):
            return [
                ("layer", "upsampling"), ("factor", pair(layer.factor)),
                ("interpolation", .string(layer.interpolation.rawValue)),
            ]
        case .flatten(let order): return [("layer", "flatten"), ("order", .string(order.rawValue))]
        case .reshape(let layer):
            return [
                ("layer", "reshape"), ("shape", integers(layer.shape)),
                ("order", .string(layer.order.rawValue)),
            ]
        case .permute(let axes): return [("layer", "permute"), ("axes", integers(axes))]
        case .dropout(let probability): return [("layer", "dropout"), ("probability", .number(probability))]
        case .spatialDropout(let probability):
            return [("layer", "spatial_dropout"), ("probability", .number(probability))]
        case .stochasticDepth(let probability):
            return [("layer", "stochastic_depth"), ("probability", .number(probability))]
        }
    }

    private static func members(of function: Activation) -> [(String, JSONValue)] {
        switch function {
        case .leakyReLU(let slope), .hardSigmoid(let slope): return [("slope", .number(slope))]
        case .elu(let alpha): return [("alpha", .number(alpha))]
        case .rectifier(let numbers):
            let ceiling = numbers.ceiling.map { [("ceiling", JSONValue.number($0))] } ?? []
            return [("slope", .number(numbers.slope)), ("threshold", .number(numbers.threshold))] + ceiling
        case .relu, .relu6, .silu, .sigmoid, .tanh, .hardSwish, .selu, .gelu, .softplus: return []
        }
    }

    private static func pair(_ extent: Extent) -> JSONValue { integers([extent.height, extent.width]) }

    private static func sides(_ padding: Padding) -> JSONValue {
        integers([padding.top, padding.left, padding.bottom, padding.right])
    }

    private static func integers(_ values: [Int]) -> JSONValue { .array(values.map { .integer($0) }) }

    private static func numbers(_ values: [Double]) -> JSONValue { .array(values.map { .number($0) }) }
}
