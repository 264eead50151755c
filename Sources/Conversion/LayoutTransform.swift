public import ZooTensors

/// How a tensor's axes move between a source's layout and the canonical one. Every case can be undone exactly.
public enum LayoutTransform: Sendable, Hashable {
    /// Both layouts agree.
    case identity
    /// Axis `i` of the canonical tensor is axis `axes[i]` of the source's.
    case permute([Int])
    /// A Keras dense kernel `[H·W·C, out]` that follows a flatten in H, W, C order becomes `[out, C·H·W]`.
    case denseAfterFlatten(height: Int, width: Int, channels: Int)

    /// Keras' `[kH, kW, in, out]` to `[out, in, kH, kW]`.
    public static var kerasConvolution: LayoutTransform { .permute([3, 2, 0, 1]) }
    /// Keras' `[in, out]` to `[out, in]`.
    public static var kerasDense: LayoutTransform { .permute([1, 0]) }

    /// The canonical tensor of a source's.
    public func toCanonical(_ tensor: Tensor) throws(ZooError) -> Tensor {
        switch self {
        case .identity: return tensor
        case .permute(let axes): return try tensor.permuted(axes)
        case .denseAfterFlatten(let height, let width, let channels):
            guard tensor.shape.rank == 2 else { throw rankError(tensor.shape) }
            let out = tensor.shape[1]
            return try tensor.reshaped([height, width, channels, out]).permuted([3, 2, 0, 1])
                .reshaped([out, channels * height * width])
        }
    }

    /// The source's tensor of a canonical one: the inverse of ``toCanonical(_:)``.
    public func fromCanonical(_ tensor: Tensor) throws(ZooError) -> Tensor {
        switch self {
        case .identity: return tensor
        case .permute(let axes):
            var inverse = [Int](repeating: 0, count: axes.count)
            for (position, axis) in axes.enumerated() { inverse[axis] = position }
            return try tensor.permuted(inverse).contiguous()
        case .denseAfterFlatten(let height, let width, let channels):
            guard tensor.shape.rank == 2 else { throw rankError(tensor.shape) }
            let out = tensor.shape[0]
            return try tensor.reshaped([out, channels, height, width]).permuted([2, 3, 1, 0])
                .reshaped([height * width * channels, out])
        }
    }

    /// The canonical shape of a source's, `nil` when the transform doesn't fit it.
    public func canonicalShape(of shape: TensorShape) -> TensorShape? {
        switch self {
        case .identity: return shape
        case .permute(let axes):
            return axes.count == shape.rank ? TensorShape(axes.map { shape[$0] }) : nil
        case .denseAfterFlatten(let height, let width, let channels):
            return shape.rank == 2 && shape[0] == height * width * channels ? [shape[1], shape[0]] : nil
        }
    }

    /// What a report says of it; `nil` for the identity.
    public var title: String? {
        switch self {
        case .identity: nil
        case .permute(let axes):
            axes == [3, 2, 0, 1]
                ? "transposed HWIO→OIHW"
                : axes == [1, 0] ? "transposed in×out→out×in" : "axes permuted \(axes)"
        case .denseAfterFlatten(let height, let width, let channels):
            "transposed, flatten order H,W,C→C,H,W (\(height)×\(width)×\(channels))"
        }
    }

    private func rankError(_ shape: TensorShape) -> ZooError {
        ZooError(.mismatch, "a dense kernel must have two axes", found: shape.description)
    }
}
