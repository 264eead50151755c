public import ZooTensors

/// One operation of a network, with every number that its result depends on. Shapes are `[N, C, H, W]` for
/// feature maps and `[N, F]` for vectors; whatever its rank, axis 0 of a value is the batch and axis 1 its channels.
public enum Layer: Sendable, Hashable {
    /// 2-D cross-correlation, what every framework calls convolution (`torch.nn.Conv2d`); depthwise with as many
    /// groups as input channels.
    case convolution(Convolution)
    /// The gradient of a convolution as a layer (`torch.nn.ConvTranspose2d`).
    case transposedConvolution(TransposedConvolution)
    /// `x·Wᵀ + b` on `[N, F]` (`torch.nn.Linear`).
    case linear(Linear)
    /// Each channel shifted and scaled by statistics: of the batch while training, running ones otherwise.
    case batchNormalization(BatchNormalization)
    /// Each channel shifted and scaled by fixed statistics (Keras' `Normalization`).
    case normalization(Normalization)
    /// Each element divided by what its neighbours among the channels amount to (`torch.nn.LocalResponseNorm`).
    case localResponseNormalization(LocalResponseNormalization)
    /// `x·scale + offset` (Keras' `Rescaling`).
    case rescaling(Rescaling)
    /// An element-wise function.
    case activation(Activation)
    /// `max(x, 0) + weight·min(x, 0)` with a learned number for each channel (`torch.nn.PReLU`).
    case parametricReLU(channels: Int)
    /// Probabilities over the channels, axis 1.
    case softmax
    /// The largest or the mean value of each window.
    case pooling(Pooling)
    /// Pooling to a fixed size, whatever the input's (`torch.nn.AdaptiveAvgPool2d`).
    case adaptivePooling(AdaptivePooling)
    /// The largest or the mean value of each channel.
    case globalPooling(GlobalPooling)
    /// The sum of the operands; an extent of 1 is repeated.
    case add
    /// The product of the operands; an extent of 1 is repeated.
    case multiply
    /// The mean of the operands; an extent of 1 is repeated.
    case average
    /// The operands one behind the other along an axis, 1 for the channels.
    case concatenate(axis: Int)
    /// Zeros around a feature map.
    case padding(Padding)
    /// Rows and columns cut off each side of a feature map.
    case cropping(Padding)
    /// A feature map enlarged by whole factors.
    case upsampling(Upsampling)
    /// Everything but the batch in one axis: `[N, C, H, W]` to `[N, C·H·W]`.
    case flatten(FlattenOrder)
    /// The same elements under another shape.
    case reshape(Reshape)
    /// Axes in another order, as `torch.permute`: axis `i` of the result is axis `axes[i]` of the operand. `axes[0]`
    /// is 0.
    case permute(axes: [Int])
    /// Zeroes elements at random while training (`torch.nn.Dropout`); the identity otherwise.
    case dropout(probability: Double)
    /// Zeroes whole channels at random while training (`torch.nn.Dropout2d`).
    case spatialDropout(probability: Double)
    /// Zeroes whole samples at random while training (`torchvision.ops.StochasticDepth` in mode `row`).
    case stochasticDepth(probability: Double)

    /// A short name of the kind, as tables show it.
    public var kind: String {
        switch self {
        case .convolution(let layer): layer.groups == 1 ? "Conv2d" : "Conv2d (\(layer.groups) groups)"
        case .transposedConvolution: "ConvTranspose2d"
        case .linear: "Linear"
        case .batchNormalization: "BatchNorm2d"
        case .normalization: "Normalization"
        case .localResponseNormalization: "LocalResponseNorm"
        case .rescaling: "Rescaling"
        case .activation(let function): function.title
        case .parametricReLU: "PReLU"
        case .softmax: "Softmax"
        case .pooling(let layer): layer.operation == .maximum ? "MaxPool2d" : "AvgPool2d"
        case .adaptivePooling(let layer):
            layer.operation == .maximum ? "AdaptiveMaxPool2d" : "AdaptiveAvgPool2d"
        case .globalPooling(let layer): layer.operation == .maximum ? "GlobalMaxPool2d" : "GlobalAvgPool2d"
        case .add: "Add"
        case .multiply: "Multiply"
        case .average: "Average"
        case .concatenate: "Concatenate"
        case .padding: "ZeroPad2d"
        case .cropping: "Crop2d"
        case .upsampling: "Upsample"
        case .flatten: "Flatten"
        case .reshape: "Reshape"
        case .permute: "Permute"
        case .dropout: "Dropout"
        case .spatialDropout: "Dropout2d"
        case .stochasticDepth: "StochasticDepth"
        }
    }

    /// How many operands the layer takes.
    public var operandCount: ClosedRange<Int> {
        switch self {
        case .add, .multiply, .average, .concatenate: 1...4_096
        case .convolution, .transposedConvolution, .linear, .batchNormalization, .normalization,
            .localResponseNormalization, .rescaling, .activation, .parametricReLU, .softmax, .pooling,
            .adaptivePooling, .globalPooling, .padding, .cropping, .upsampling, .flatten, .reshape, .permute,
            .dropout, .spatialDropout, .stochasticDepth:
            1...1
        }
    }

    /// Roles and canonical shapes of the parameters that the layer needs.
    public var parameterShapes: [(role: ParameterRole, shape: TensorShape)] {
        switch self {
        case .convolution(let layer):
            let weight: TensorShape = [
                layer.outputChannels, layer.inputChannels / max(layer.groups, 1), layer.kernel.height,
                layer.kernel.width,
            ]
            return [(.weight, weight)] + (layer.hasBias ? [(.bias, [layer.outputChannels])] : [])
        case .transposedConvolution(let layer):
            let weight: TensorShape = [
                layer.inputChannels, layer.outputChannels / max(layer.groups, 1), layer.kernel.height,
                layer.kernel.width,
            ]
            return [(.weight, weight)] + (layer.hasBias ? [(.bias, [layer.outputChannels])] : [])
        case .linear(let layer):
            return [(.weight, [layer.outputFeatures, layer.inputFeatures])]
                + (layer.hasBias ? [(.bias, [layer.outputFeatures])] : [])
        case .batchNormalization(let layer):
            let channels: TensorShape = [layer.channels]
            return (layer.hasScale ? [(.weight, channels)] : [])
                + (layer.hasCenter ? [(.bias, channels)] : [])
                + [(.runningMean, channels), (.runningVariance, channels)]
        case .normalization(let layer):
            return layer.constants == nil
                ? [(.runningMean, [layer.channels]), (.runningVariance, [layer.channels])] : []
        case .parametricReLU(let channels): return [(.weight, [channels])]
        case .localResponseNormalization, .rescaling, .activation, .softmax, .pooling, .adaptivePooling,
            .globalPooling, .add, .multiply, .average, .concatenate, .padding, .cropping, .upsampling,
            .flatten,
            .reshape, .permute, .dropout, .spatialDropout, .stochasticDepth:
            return []
        }
    }
}
