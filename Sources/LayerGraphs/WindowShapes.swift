import ZooTensors

/// Bounds for the numbers of layers, which may come from a stranger's file.
enum Sizes {
    /// Far above any real layer, and low enough that products of two of them, and sums of those, can't overflow.
    static let largest = 1 << 24

    static func requirePositive(_ numbers: [Int]) throws(ZooError) {
        guard numbers.allSatisfy({ $0 > 0 && $0 <= largest }) else {
            throw ZooError(.corrupt, "a size of the layer is zero, negative or absurdly large: \(numbers)")
        }
    }

    static func requireNatural(_ numbers: [Int]) throws(ZooError) {
        guard numbers.allSatisfy({ $0 >= 0 && $0 <= largest }) else {
            throw ZooError(.corrupt, "padding is negative or absurdly large")
        }
    }
}

/// A shape `[N, C, H, W]`.
struct FeatureMapShape {
    let batch, channels, height, width: Int

    /// - Throws: ``ZooError`` when a value isn't a feature map with these channels.
    init(_ shape: TensorShape, channels: Int? = nil) throws(ZooError) {
        guard shape.rank == 4, channels == nil || shape[1] == channels else {
            let wanted = channels.map { "[N, \($0), H, W]" } ?? "[N, C, H, W]"
            throw ZooError(
                .mismatch, "a layer doesn't fit its input", expected: wanted, found: shape.description)
        }
        guard shape[2] <= 1 << 40, shape[3] <= 1 << 40 else {
            throw ZooError(.limitExceeded, "a feature map is absurdly large", found: shape.description)
        }
        self.batch = shape[0]
        self.channels = shape[1]
        self.height = shape[2]
        self.width = shape[3]
    }

    func with(height: Int, width: Int) throws(ZooError) -> TensorShape {
        try TensorShape(checking: [batch, channels, height, width])
    }
}

extension Padding {
    private func before(vertical: Bool) -> Int { vertical ? top : left }
    private func after(vertical: Bool) -> Int { vertical ? bottom : right }

    /// A size with the elements added at both ends.
    func extended(_ size: Int, vertical: Bool) throws(ZooError) -> Int {
        let ends = [before(vertical: vertical), after(vertical: vertical)]
        try Sizes.requireNatural(ends)
        return try Checked.sum(size, ends[0] + ends[1])
    }

    /// A size without the elements taken off at both ends.
    func reduced(_ size: Int, vertical: Bool) throws(ZooError) -> Int {
        let ends = [before(vertical: vertical), after(vertical: vertical)]
        try Sizes.requireNatural(ends)
        guard size - ends[0] - ends[1] > 0 else {
            throw ZooError(
                .mismatch, "a layer cuts off all of its input",
                found: "\(ends[0]) + \(ends[1]) of \(size) elements")
        }
        return size - ends[0] - ends[1]
    }
}

/// A window that slides along one axis.
private struct SlidingWindow {
    let window, stride, dilation: Int
    let isCeil: Bool

    func count(_ size: Int, padding: Padding, vertical: Bool) throws(ZooError) -> Int {
        let reach = (window - 1) * dilation + 1
        let padded = try padding.extended(size, vertical: vertical)
        let room = padded - reach
        guard room >= 0 else {
            throw ZooError(
                .mismatch, "a window of \(reach) doesn't fit the \(padded) elements it slides over",
                remedy: "Use larger pictures.")
        }
        var count = room / stride + 1
        let before = vertical ? padding.top : padding.left
        if isCeil, room % stride != 0, count * stride < size + before {
            // PyTorch's rule: a last partial window must begin inside the input or the padding before it.
            count += 1
        }
        return count
    }
}

extension Convolution {
    func outputShape(_ operand: TensorShape) throws(ZooError) -> TensorShape {
        let map = try FeatureMapShape(operand, channels: inputChannels)
        try Sizes.requirePositive([
            inputChannels, outputChannels, kernel.height, kernel.width, stride.height, stride.width,
            dilation.height, dilation.width, groups,
        ])
        guard inputChannels % groups == 0, outputChannels % groups == 0 else {
            throw ZooError(.corrupt, "channels aren't a multiple of the \(groups) groups")
        }
        let rows = SlidingWindow(
            window: kernel.height, stride: stride.height, dilation: dilation.height, isCeil: false)
        let columns = SlidingWindow(
            window: kernel.width, stride: stride.width, dilation: dilation.width, isCeil: false)
        return try TensorShape(checking: [
            map.batch, outputChannels, rows.count(map.height, padding: padding, vertical: true),
            columns.count(map.width, padding: padding, vertical: false),
        ])
    }
}

extension Pooling {
    func outputShape(_ operand: TensorShape) throws(ZooError) -> TensorShape {
        let map = try FeatureMapShape(operand)
        try Sizes.requirePositive([window.height, window.width, stride.height, stride.width])
        let rows = SlidingWindow(window: window.height, stride: stride.height, dilation: 1, isCeil: ceilMode)
        let columns = SlidingWindow(window: window.width, stride: stride.width, dilation: 1, isCeil: ceilMode)
        return try map.with(
            height: rows.count(map.height, padding: padding, vertical: true),
            width: columns.count(map.width, padding: padding, vertical: false))
    }
}

extension TransposedConvolution {
    func outputShape(_ operand: TensorShape) throws(ZooError) -> TensorShape {
        let map = try FeatureMapShape(operand, channels: inputChannels)
        try Sizes.requirePositive([
            inputChannels, outputChannels, kernel.height, kernel.width, stride.height, stride.width,
            dilation.height, dilation.width, groups,
        ])
        try Sizes.requireNatural([outputPadding.height, outputPadding.width])
        guard inputChannels % groups == 0, outputChannels % groups == 0 else {
            throw ZooError(.corrupt, "channels aren't a multiple of the \(groups) groups")
        }
        return try TensorShape(checking: [
            map.batch, outputChannels,
            try size(
                map.height, kernel.height, stride.height, dilation.height, outputPadding.height,
                vertical: true),
            try size(
                map.width, kernel.width, stride.width, dilation.width, outputPadding.width, vertical: false),
        ])
    }

    private func size(
        _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ added: Int, vertical: Bool
    ) throws(ZooError) -> Int {
        guard size > 0 else { throw ZooError(.mismatch, "a layer's input is empty") }
        let spread = try Checked.product(size - 1, stride)
        let full = try Checked.sum(spread, (kernel - 1) * dilation + 1 + added)
        return try padding.reduced(full, vertical: vertical)
    }
}

extension Reshape {
    func outputShape(_ operand: TensorShape) throws(ZooError) -> TensorShape {
        guard !shape.isEmpty, shape.count <= 8 else {
            throw ZooError(.corrupt, "a reshape has no axes, or too many", found: "\(shape)")
        }
        let result = try TensorShape(checking: [operand[0]] + shape)
        guard result.elementCount == operand.elementCount else {
            throw ZooError(
                .mismatch, "a reshape doesn't keep the number of elements", expected: result.description,
                found: operand.description)
        }
        return result
    }
}
