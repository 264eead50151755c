/// Numbers in which the reference implementations of one network differ, and that no tensor shows.
public struct Conventions: Sendable, Hashable {
    /// Where the zeros around a feature map stand.
    public enum PaddingRule: String, Sendable, Hashable {
        /// As many on each side, whatever the size: PyTorch.
        case symmetric
        /// As many as give ⌈size / stride⌉ results, an odd one at the end: TensorFlow's "same".
        case same
    }

    /// Where the zeros around a feature map stand.
    public var padding: PaddingRule
    /// What a batch normalisation adds to the variance.
    public var epsilon: Double
    /// Share of the new batch in the running statistics, as PyTorch counts it.
    public var momentum: Double
    /// Whether the running variance follows the batch's biased variance, as Keras has it.
    public var usesBiasedVariance: Bool

    /// A set of conventions.
    public init(
        padding: PaddingRule = .symmetric, epsilon: Double = 1e-5, momentum: Double = 0.1,
        usesBiasedVariance: Bool = false
    ) {
        self.padding = padding
        self.epsilon = epsilon
        self.momentum = momentum
        self.usesBiasedVariance = usesBiasedVariance
    }

    /// PyTorch's defaults, which torchvision keeps.
    public static let pytorch = Conventions()
    /// TensorFlow's padding and the numbers of its EfficientNets, as PyTorch ports have them.
    public static let tensorflow = Conventions(padding: .same, epsilon: 1e-3, momentum: 0.01)
    /// TensorFlow's padding and epsilon with PyTorch's momentum: timm's `tf_` networks.
    public static let timmTensorFlow = Conventions(padding: .same, epsilon: 1e-3, momentum: 0.1)
    /// Keras itself.
    public static let keras = Conventions(
        padding: .same, epsilon: 1e-3, momentum: 0.01, usesBiasedVariance: true)
}
