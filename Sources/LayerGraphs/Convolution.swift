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

/// The numbers of a 2-D transposed convolution. Its weight is `[I, O/groups, kH, kW]`, its bias `[O]`.
///
/// Along each axis the result has `(n − 1)·stride + dilation·(k − 1) + 1` elements, of which `padding` takes some off
/// each side and to which `outputPadding` adds some that only the bias reaches.
public struct TransposedConvolution: Sendable, Hashable {
    /// Channels of the input.
    public var inputChannels: Int
    /// Channels of the output.
    public var outputChannels: Int
    /// Size of the kernel.
    public var kernel: Extent
    /// Distance between the places that neighbouring elements are spread to.
    public var stride: Extent
    /// Rows and columns cut off the result on each side.
    public var padding: Padding
    /// Rows added below and columns added on the right.
    public var outputPadding: Extent
    /// Distance between kernel elements.
    public var dilation: Extent
    /// Number of groups that input and output channels are split in.
    public var groups: Int
    /// Whether a bias is added.
    public var hasBias: Bool

    /// A transposed convolution; the defaults are PyTorch's.
    public init(
        _ inputChannels: Int, _ outputChannels: Int, kernel: Extent, stride: Extent = Extent(1),
        padding: Padding = .none, outputPadding: Extent = Extent(0), dilation: Extent = Extent(1),
        groups: Int = 1, hasBias: Bool = true
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
        self.outputPadding = outputPadding
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
