/// The numbers of a batch normalisation: `(x − mean) / √(variance + epsilon) · weight + bias` per channel. Each of
/// its parameters is `[C]`.
public struct BatchNormalization: Sendable, Hashable {
    /// Channels of the input.
    public var channels: Int
    /// What is added to the variance.
    public var epsilon: Double
    /// Share of the new batch in the running statistics, as PyTorch counts it; Keras' number is 1 minus this.
    public var momentum: Double
    /// Whether there is a weight (gamma).
    public var hasScale: Bool
    /// Whether there is a bias (beta).
    public var hasCenter: Bool
    /// Whether the running variance follows the batch's biased variance (Keras) or the unbiased one (PyTorch).
    public var usesBiasedVariance: Bool

    /// A batch normalisation; the defaults are PyTorch's.
    public init(
        _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, hasScale: Bool = true,
        hasCenter: Bool = true, usesBiasedVariance: Bool = false
    ) {
        self.channels = channels
        self.epsilon = epsilon
        self.momentum = momentum
        self.hasScale = hasScale
        self.hasCenter = hasCenter
        self.usesBiasedVariance = usesBiasedVariance
    }
}

/// The numbers of a normalisation by fixed statistics: `(x − mean) / max(√variance, 1e-7)` per channel.
public struct Normalization: Sendable, Hashable {
    /// Statistics that are part of the network's description.
    public struct Constants: Sendable, Hashable {
        /// One number per channel.
        public var mean: [Double]
        /// One number per channel.
        public var variance: [Double]

        /// Statistics per channel.
        public init(mean: [Double], variance: [Double]) {
            self.mean = mean
            self.variance = variance
        }
    }

    /// Channels of the input.
    public var channels: Int
    /// The statistics, or `nil` when they are parameters: a running mean and a running variance.
    public var constants: Constants?

    /// A normalisation.
    public init(_ channels: Int, constants: Constants? = nil) {
        self.channels = channels
        self.constants = constants
    }
}

/// The numbers of a local response normalisation: `x / (k + alpha/size · Σ x²)^beta`, where the sum goes over the
/// channels of the same place from `size/2` before to `(size − 1)/2` behind, as far as they exist. Alpha is divided by
/// the size as in PyTorch and Caffe; TensorFlow's `alpha` isn't.
public struct LocalResponseNormalization: Sendable, Hashable {
    /// How many channels are summed over.
    public var size: Int
    /// The factor of the mean square.
    public var alpha: Double
    /// The exponent.
    public var beta: Double
    /// What is added to the sum.
    public var k: Double

    /// A local response normalisation; the defaults are PyTorch's.
    public init(size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1) {
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k
    }
}

/// The numbers of `x·scale + offset`: one for all channels, or one per channel.
public struct Rescaling: Sendable, Hashable {
    /// What is multiplied with.
    public var scale: [Double]
    /// What is added after that.
    public var offset: [Double]

    /// A rescaling.
    public init(scale: [Double], offset: [Double] = [0]) {
        self.scale = scale
        self.offset = offset
    }
}
