import ZooLayerGraphs
import ZooTensors

/// How Keras lays out the weights of a graph.
enum KerasLayout {
    /// The layout change of each layer's weight, by node path. A linear layer behind a flatten takes its rows in
    /// H, W, C order.
    static func weightTransforms(_ graph: LayerGraph) throws(ZooError) -> [String: LayoutTransform] {
        let shapes = try graph.shapes(batch: 1)
        var flattened: [String: TensorShape] = [:]
        var transforms: [String: LayoutTransform] = [:]
        for node in graph.nodes {
            let operand = node.inputs.first ?? LayerGraph.inputPath
            switch node.layer {
            case .convolution(let layer): transforms[node.path] = kernel(of: layer)
            case .flatten(let order):
                // In H, W, C order the columns of what follows are already as Keras has them; so are those of one place.
                if let shape = shapes[operand], shape.rank == 4, order == .channelsFirst,
                    shape[2] > 1 || shape[3] > 1
                {
                    flattened[node.path] = shape
                }
            case .linear:
                if let shape = flattened[operand] {
                    transforms[node.path] = .denseAfterFlatten(
                        height: shape[2], width: shape[3], channels: shape[1])
                } else {
                    transforms[node.path] = .kerasDense
                }
            case .activation, .dropout:
                // These leave the order of features as it is.
                flattened[node.path] = flattened[operand]
            case .pooling, .softmax, .transposedConvolution, .batchNormalization, .normalization,
                .localResponseNormalization, .rescaling, .parametricReLU, .adaptivePooling, .globalPooling,
                .add, .multiply, .average, .concatenate, .padding, .cropping, .upsampling, .reshape, .permute,
                .spatialDropout, .stochasticDepth:
                break
            }
        }
        return transforms
    }

    /// The layout change of a convolution's kernel; depthwise ones are another class in Keras.
    static func kernel(of layer: Convolution) -> LayoutTransform {
        guard layer.isKerasDepthwise else { return .kerasConvolution }
        return .depthwise(multiplier: layer.outputChannels / max(layer.inputChannels, 1))
    }
}

extension Convolution {
    /// Whether Keras has a DepthwiseConv2D for it; TensorFlow's takes the same step both ways.
    var isKerasDepthwise: Bool {
        groups > 1 && groups == inputChannels && stride.height == stride.width
    }
}
