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

/// The numbers of a pooling layer with a fixed output size. Window `i` of `n` along an axis of `size` elements goes
/// from `⌊i·size/n⌋` to `⌈(i + 1)·size/n⌉`, as PyTorch defines it.
public struct AdaptivePooling: Sendable, Hashable {
    /// What is taken of each window.
    public var operation: Pooling.Operation
    /// Rows and columns of the result.
    public var output: Extent

    /// An adaptive pooling layer.
    public init(_ operation: Pooling.Operation, output: Extent) {
        self.operation = operation
        self.output = output
    }
}

/// The numbers of a layer that reduces each channel to one value.
public struct GlobalPooling: Sendable, Hashable {
    /// What is taken of each channel.
    public var operation: Pooling.Operation
    /// Whether the result is `[N, C, 1, 1]`, or else `[N, C]`.
    public var keepsDimensions: Bool

    /// A global pooling layer.
    public init(_ operation: Pooling.Operation, keepsDimensions: Bool = false) {
        self.operation = operation
        self.keepsDimensions = keepsDimensions
    }
}
