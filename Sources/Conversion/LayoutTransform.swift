public import ZooTensors

/// How a tensor's axes move between a source's layout and the canonical one. Every case can be undone exactly.
public enum LayoutTransform: Sendable, Hashable {
    /// Both layouts agree.
    case identity
    /// Axis `i` of the canonical tensor is axis `axes[i]` of the source's.
    case permute([Int])
    /// A Keras dense kernel `[H·W·C, out]` that follows a flatten in H, W, C order becomes `[out, C·H·W]`.
    case denseAfterFlatten(height: Int, width: Int, channels: Int)
    /// A Keras dense kernel `[in, out]` that works on the channels of feature maps becomes `[out, in, 1, 1]`.
    case denseOnChannels
    /// A Keras depthwise kernel `[kH, kW, C, M]` becomes `[C·M, 1, kH, kW]`.
    case depthwise(multiplier: Int)
    /// The same elements under another shape.
    case reshape(from: [Int], to: [Int])
    /// What another transform gives, with the kernels, its last two axes, turned by 180°: Theano's convolution.
    indirect case turned(LayoutTransform)

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
        case .denseOnChannels:
            guard tensor.shape.rank == 2 else { throw rankError(tensor.shape) }
            return try tensor.permuted([1, 0]).reshaped([tensor.shape[1], tensor.shape[0], 1, 1])
        case .depthwise:
            guard let shape = canonicalShape(of: tensor.shape) else { throw rankError(tensor.shape) }
            return try tensor.permuted([2, 3, 0, 1]).reshaped(shape)
        case .reshape(_, let to): return try tensor.reshaped(TensorShape(to))
        case .turned(let inner): return try inner.toCanonical(tensor).withKernelsTurned()
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
        case .denseOnChannels:
            guard tensor.shape.rank == 4 else { throw rankError(tensor.shape) }
            return try tensor.reshaped([tensor.shape[0], tensor.shape[1]]).permuted([1, 0]).contiguous()
        case .depthwise(let multiplier):
            let shape = tensor.shape
            guard shape.rank == 4, multiplier > 0, shape[0] % multiplier == 0 else { throw rankError(shape) }
            return try tensor.reshaped([shape[0] / multiplier, multiplier, shape[2], shape[3]])
                .permuted([2, 3, 0, 1]).contiguous()
        case .reshape(let from, _): return try tensor.reshaped(TensorShape(from))
        case .turned(let inner): return try inner.fromCanonical(tensor.withKernelsTurned())
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
        case .denseOnChannels: return shape.rank == 2 ? [shape[1], shape[0], 1, 1] : nil
        case .depthwise(let multiplier):
            guard shape.rank == 4, shape[3] == multiplier else { return nil }
            return [shape[2].multipliedReportingOverflow(by: multiplier).partialValue, 1, shape[0], shape[1]]
        case .reshape(let from, let to): return shape.dimensions == from ? TensorShape(to) : nil
        case .turned(let inner): return inner.canonicalShape(of: shape)
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
        case .denseOnChannels: "transposed in×out→out×in×1×1"
        case .depthwise(let multiplier):
            multiplier == 1 ? "transposed HWC1→C1HW" : "transposed HWCM→(C·M)1HW, M \(multiplier)"
        case .reshape(let from, _): "reshaped from \(from)"
        case .turned(let inner): "\(inner.title.map { $0 + ", " } ?? "")kernels turned by 180° (Theano)"
        }
    }

    private func rankError(_ shape: TensorShape) -> ZooError {
        ZooError(.mismatch, "a kernel has another number of axes than its layout", found: shape.description)
    }
}

extension Tensor {
    /// The same kernels turned by 180°: both last axes run backwards. No bytes move.
    fileprivate func withKernelsTurned() throws(ZooError) -> Tensor {
        guard shape.rank >= 2, elementCount > 0 else { return self }
        var strides = strides
        var offset = offset
        for axis in [shape.rank - 2, shape.rank - 1] {
            offset += (shape[axis] - 1) * strides[axis]
            strides[axis] = -strides[axis]
        }
        return try Tensor(
            storage: storage, elementType: elementType, shape: shape, strides: strides, offset: offset)
    }
}
