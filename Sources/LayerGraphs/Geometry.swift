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

/// The numbers of an enlargement by whole factors.
public struct Upsampling: Sendable, Hashable {
    /// How values between elements are found.
    public enum Interpolation: String, Sendable, Hashable, CaseIterable {
        /// Each element repeated.
        case nearest
        /// Linear between neighbours, whose middles are half an element from the edge (PyTorch with
        /// `align_corners=False`, Keras).
        case bilinear
        /// Linear between neighbours, with the corners of both maps on each other (PyTorch with
        /// `align_corners=True`).
        case bilinearAlignedCorners = "bilinear_aligned_corners"
    }

    /// How many rows and columns each one becomes.
    public var factor: Extent
    /// How values are found.
    public var interpolation: Interpolation

    /// An enlargement.
    public init(_ factor: Extent, interpolation: Interpolation = .nearest) {
        self.factor = factor
        self.interpolation = interpolation
    }
}

/// The numbers of a change of shape.
///
/// Elements are taken from the operand and put into the result in one order: row by row of the canonical shapes
/// (``FlattenOrder/channelsFirst``, PyTorch), or with the channels of both, axis 1, as the innermost axis
/// (``FlattenOrder/channelsLast``), which is what a reshape in Keras means for maps that it keeps as `[N, H, W, C]`.
public struct Reshape: Sendable, Hashable {
    /// The result's canonical extents without the batch: channels first, then the rest.
    public var shape: [Int]
    /// The order in which elements are taken and put.
    public var order: FlattenOrder

    /// A change of shape.
    public init(_ shape: [Int], order: FlattenOrder = .channelsFirst) {
        self.shape = shape
        self.order = order
    }
}

/// In which order a feature map's elements are laid out by a flatten layer.
public enum FlattenOrder: String, Sendable, Hashable, CaseIterable {
    /// C, H, W: PyTorch.
    case channelsFirst = "chw"
    /// H, W, C: Keras and TensorFlow.
    case channelsLast = "hwc"
}
