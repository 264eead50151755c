import ZooLayerGraphs
import ZooTensors

/// What the executors compute of a layer: the kinds of ``Layer`` that they run today. Every other kind is refused in
/// one place, before anything is computed.
enum ComputedOperation: Hashable {
    case convolution(Convolution)
    case linear(Linear)
    case activation(ElementFunction)
    case pooling(Pooling)
    case flatten(FlattenOrder)
    case softmax
    case dropout(Double)

    /// - Throws: ``ZooError`` that names the layer's path and kind.
    init(_ node: Node) throws(ZooError) {
        guard node.sharing == nil else {
            throw ZooError(
                .unsupported,
                "layers that share their parameters can be read and shown, but not computed yet",
                tensor: node.path, found: node.layer.kind)
        }
        switch node.layer {
        case .convolution(let layer): self = .convolution(layer)
        case .linear(let layer): self = .linear(layer)
        case .activation(let activation):
            guard let function = ElementFunction(activation) else { throw ComputedOperation.refusal(node) }
            self = .activation(function)
        case .pooling(let layer): self = .pooling(layer)
        case .flatten(let order): self = .flatten(order)
        case .softmax: self = .softmax
        case .dropout(let probability): self = .dropout(probability)
        case .transposedConvolution, .batchNormalization, .normalization, .localResponseNormalization,
            .rescaling, .parametricReLU, .adaptivePooling, .globalPooling, .add, .multiply, .average,
            .concatenate, .padding, .cropping, .upsampling, .reshape, .permute, .spatialDropout,
            .stochasticDepth:
            throw ComputedOperation.refusal(node)
        }
    }

    /// The error for a layer that is read, shown and written, but not run.
    static func refusal(_ node: Node) -> ZooError {
        ZooError(
            .unsupported, "layers of this kind can be read and shown, but not computed yet",
            tensor: node.path,
            found: node.layer.kind, remedy: "zoo summary shows the network, zoo convert writes its numbers.")
    }
}

/// The element-wise functions that the executors compute.
enum ElementFunction: Hashable, CaseIterable {
    case relu, sigmoid, tanh

    /// `nil` for functions that aren't computed yet.
    init?(_ activation: Activation) {
        switch activation {
        case .relu: self = .relu
        case .sigmoid: self = .sigmoid
        case .tanh: self = .tanh
        case .relu6, .leakyReLU, .rectifier, .silu, .hardSwish, .hardSigmoid, .elu, .selu, .gelu, .softplus:
            return nil
        }
    }

    /// The name that PyTorch's module has.
    var title: String {
        switch self {
        case .relu: Activation.relu.title
        case .sigmoid: Activation.sigmoid.title
        case .tanh: Activation.tanh.title
        }
    }
}
