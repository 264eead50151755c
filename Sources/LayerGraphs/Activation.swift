/// Element-wise functions.
public enum Activation: Sendable, Hashable {
    /// max(x, 0).
    case relu
    /// min(max(x, 0), 6).
    case relu6
    /// x for x ≥ 0, slope·x below.
    case leakyReLU(slope: Double)
    /// A rectifier with every number free, as Keras' `ReLU` layer has them.
    case rectifier(Rectifier)
    /// x·sigmoid(x), also called swish.
    case silu
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// tanh x.
    case tanh
    /// x·relu6(x + 3) / 6.
    case hardSwish
    /// min(max(slope·x + ½, 0), 1): with slope 1/6 PyTorch's and Keras 3's, with 0.2 that of Keras 1 and 2.
    case hardSigmoid(slope: Double)
    /// x for x ≥ 0, alpha·(eˣ − 1) below.
    case elu(alpha: Double)
    /// The self-normalising exponential unit: 1.0507… times ``elu(alpha:)`` with 1.6732….
    case selu
    /// x·Φ(x), with Φ by the error function or by its approximation with tanh.
    case gelu(approximate: Bool)
    /// log(1 + eˣ).
    case softplus

    /// Numbers of a rectifier: `ceiling` for x ≥ ceiling, x down to `threshold`, and slope·(x − threshold) below.
    public struct Rectifier: Sendable, Hashable {
        /// The factor below the threshold.
        public var slope: Double
        /// Where the straight part begins.
        public var threshold: Double
        /// The largest value that comes out, if there is one.
        public var ceiling: Double?

        /// A rectifier.
        public init(slope: Double = 0, threshold: Double = 0, ceiling: Double? = nil) {
            self.slope = slope
            self.threshold = threshold
            self.ceiling = ceiling
        }

        /// The function under its usual name, where it has one.
        public var activation: Activation {
            guard threshold == 0 else { return .rectifier(self) }
            switch (slope, ceiling) {
            case (0, nil): return .relu
            case (0, 6): return .relu6
            case (_, nil): return .leakyReLU(slope: slope)
            default: return .rectifier(self)
            }
        }
    }

    /// The name in documents and paths, `leaky_relu`.
    public var name: String {
        switch self {
        case .relu: "relu"
        case .relu6: "relu6"
        case .leakyReLU: "leaky_relu"
        case .rectifier: "rectifier"
        case .silu: "silu"
        case .sigmoid: "sigmoid"
        case .tanh: "tanh"
        case .hardSwish: "hard_swish"
        case .hardSigmoid: "hard_sigmoid"
        case .elu: "elu"
        case .selu: "selu"
        case .gelu(let approximate): approximate ? "gelu_tanh" : "gelu"
        case .softplus: "softplus"
        }
    }

    /// Every ``name``.
    public static let names = [
        "relu", "relu6", "leaky_relu", "rectifier", "silu", "sigmoid", "tanh", "hard_swish", "hard_sigmoid",
        "elu",
        "selu", "gelu", "gelu_tanh", "softplus",
    ]

    /// The name that PyTorch's module has.
    public var title: String {
        switch self {
        case .relu: "ReLU"
        case .relu6: "ReLU6"
        case .leakyReLU: "LeakyReLU"
        case .rectifier: "Rectifier"
        case .silu: "SiLU"
        case .sigmoid: "Sigmoid"
        case .tanh: "Tanh"
        case .hardSwish: "Hardswish"
        case .hardSigmoid: "Hardsigmoid"
        case .elu: "ELU"
        case .selu: "SELU"
        case .gelu: "GELU"
        case .softplus: "Softplus"
        }
    }
}
