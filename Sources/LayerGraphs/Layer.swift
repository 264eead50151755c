/// One operation of a network, with every number that its result depends on. Shapes are `[N, C, H, W]` for
/// feature maps and `[N, F]` for vectors.
public enum Layer: Sendable, Hashable {
    /// 2-D cross-correlation, what every framework calls convolution (`torch.nn.Conv2d`).
    case convolution(Convolution)
    /// `x·Wᵀ + b` on `[N, F]` (`torch.nn.Linear`).
    case linear(Linear)
    /// An element-wise function.
    case activation(Activation)
    /// The largest or the mean value of each window.
    case pooling(Pooling)
    /// `[N, C, H, W]` to `[N, C·H·W]`.
    case flatten(FlattenOrder)
    /// Probabilities over the last axis.
    case softmax
    /// Zeroes elements at random while training (`torch.nn.Dropout`); the identity otherwise.
    case dropout(probability: Double)

    /// A short name of the kind, as tables show it.
    public var kind: String {
        switch self {
        case .convolution(let layer): layer.groups == 1 ? "Conv2d" : "Conv2d (\(layer.groups) groups)"
        case .linear: "Linear"
        case .activation(let function): function.title
        case .pooling(let layer): layer.operation == .maximum ? "MaxPool2d" : "AvgPool2d"
        case .flatten: "Flatten"
        case .softmax: "Softmax"
        case .dropout: "Dropout"
        }
    }
}

/// Rows or columns added on each side of a feature map.
public struct Padding: Sendable, Hashable {
    /// Rows above.
    public var top: Int
    /// Columns to the left.
    public var left: Int
    /// Rows below.
    public var bottom: Int
    /// Columns to the right.
    public var right: Int

    /// Padding on each side.
    public init(top: Int, left: Int, bottom: Int, right: Int) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// The same padding on all sides.
    public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }

    /// No padding.
    public static var none: Padding { Padding(0) }

    /// Whether opposite sides agree, which is all that PyTorch's layers can express.
    public var isSymmetric: Bool { top == bottom && left == right }
}

/// A height and a width, in elements.
public struct Extent: Sendable, Hashable {
    /// Vertical.
    public var height: Int
    /// Horizontal.
    public var width: Int

    /// A height and a width.
    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    /// A square.
    public init(_ side: Int) { self.init(side, side) }
}

/// The numbers of a 2-D convolution. Its weight is `[O, I/groups, kH, kW]`, its bias `[O]`.
public struct Convolution: Sendable, Hashable {
    /// Channels of the input.
    public var inputChannels: Int
    /// Channels of the output.
    public var outputChannels: Int
    /// Size of the kernel.
    public var kernel: Extent
    /// Step between windows.
    public var stride: Extent
    /// Zeros around the input.
    public var padding: Padding
    /// Distance between kernel elements.
    public var dilation: Extent
    /// Number of groups that input and output channels are split in.
    public var groups: Int
    /// Whether a bias is added.
    public var hasBias: Bool

    /// A convolution; the defaults are PyTorch's.
    public init(
        _ inputChannels: Int, _ outputChannels: Int, kernel: Extent, stride: Extent = Extent(1),
        padding: Padding = .none, dilation: Extent = Extent(1), groups: Int = 1, hasBias: Bool = true
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.hasBias = hasBias
    }
}

/// The numbers of a fully connected layer. Its weight is `[out, in]`, its bias `[out]`.
public struct Linear: Sendable, Hashable {
    /// Features of the input.
    public var inputFeatures: Int
    /// Features of the output.
    public var outputFeatures: Int
    /// Whether a bias is added.
    public var hasBias: Bool

    /// A fully connected layer.
    public init(_ inputFeatures: Int, _ outputFeatures: Int, hasBias: Bool = true) {
        self.inputFeatures = inputFeatures
        self.outputFeatures = outputFeatures
        self.hasBias = hasBias
    }
}

/// Element-wise functions.
public enum Activation: String, Sendable, Hashable, CaseIterable {
    /// max(x, 0).
    case relu
    /// 1 / (1 + e⁻ˣ).
    case sigmoid
    /// tanh x.
    case tanh

    /// The name that PyTorch's module has.
    public var title: String {
        switch self {
        case .relu: "ReLU"
        case .sigmoid: "Sigmoid"
        case .tanh: "Tanh"
        }
    }
}

/// The numbers of a pooling layer.
public struct Pooling: Sendable, Hashable {
    /// What is taken of each window.
    public enum Operation: String, Sendable, Hashable {
        /// The largest value; padding counts as −∞.
        case maximum
        /// The mean value.
        case average
    }

    /// What is taken of each window.
    public var operation: Operation
    /// Size of the window.
    public var window: Extent
    /// Step between windows.
    public var stride: Extent
    /// Elements added around the input.
    public var padding: Padding
    /// Whether a last window that is only partly inside counts (`ceil_mode`).
    public var ceilMode: Bool
    /// Whether an average divides by the whole window, padding included (PyTorch's default), or only by the
    /// elements that exist (Keras' rule).
    public var countsPadding: Bool

    /// A pooling layer; the defaults are PyTorch's.
    public init(
        _ operation: Operation, window: Extent, stride: Extent? = nil, padding: Padding = .none,
        ceilMode: Bool = false, countsPadding: Bool = true
    ) {
        self.operation = operation
        self.window = window
        self.stride = stride ?? window
        self.padding = padding
        self.ceilMode = ceilMode
        self.countsPadding = countsPadding
    }
}

/// In which order a feature map's elements are laid out by a flatten layer.
public enum FlattenOrder: String, Sendable, Hashable {
    /// C, H, W: PyTorch.
    case channelsFirst = "chw"
    /// H, W, C: Keras and TensorFlow.
    case channelsLast = "hwc"
}
