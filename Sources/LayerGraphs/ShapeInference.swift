public import ZooTensors

extension LayerGraph {
    /// The shape of every node's result for a batch, by path; also of ``inputPath``.
    /// - Parameter input: channels, height and width; the graph's own by default.
    /// - Throws: ``ZooError`` naming the layer that the shape doesn't fit.
    public func shapes(batch: Int, input: InputShape? = nil) throws(ZooError) -> [String: TensorShape] {
        var shapes = [LayerGraph.inputPath: (input ?? self.input).shape(batch: batch)]
        for node in nodes {
            guard let first = node.inputs.first, let operand = shapes[first] else {
                throw ZooError(.corrupt, "a layer has no input", tensor: node.path)
            }
            do throws(ZooError) {
                shapes[node.path] = try node.layer.outputShape(for: operand)
            } catch {
                throw error.adding(tensor: node.path)
            }
        }
        return shapes
    }
}

extension Layer {
    /// The shape of the result for one operand.
    /// - Throws: ``ZooError`` when the operand doesn't fit, without the layer's path.
    public func outputShape(for operand: TensorShape) throws(ZooError) -> TensorShape {
        switch self {
        case .convolution(let layer):
            let (height, width) = try featureMap(operand, channels: layer.inputChannels)
            try requirePositive([
                layer.inputChannels, layer.outputChannels, layer.kernel.height, layer.kernel.width,
                layer.stride.height, layer.stride.width, layer.dilation.height, layer.dilation.width,
                layer.groups,
            ])
            guard layer.inputChannels % layer.groups == 0, layer.outputChannels % layer.groups == 0 else {
                throw ZooError(.corrupt, "channels aren't a multiple of the \(layer.groups) groups")
            }
            let rows = try windows(
                height, window: layer.kernel.height, stride: layer.stride.height,
                dilation: layer.dilation.height,
                before: layer.padding.top, after: layer.padding.bottom, ceilMode: false)
            let columns = try windows(
                width, window: layer.kernel.width, stride: layer.stride.width, dilation: layer.dilation.width,
                before: layer.padding.left, after: layer.padding.right, ceilMode: false)
            return try TensorShape(checking: [operand[0], layer.outputChannels, rows, columns])
        case .pooling(let layer):
            let (height, width) = try featureMap(operand, channels: nil)
            try requirePositive([
                layer.window.height, layer.window.width, layer.stride.height, layer.stride.width,
            ])
            let rows = try windows(
                height, window: layer.window.height, stride: layer.stride.height, dilation: 1,
                before: layer.padding.top, after: layer.padding.bottom, ceilMode: layer.ceilMode)
            let columns = try windows(
                width, window: layer.window.width, stride: layer.stride.width, dilation: 1,
                before: layer.padding.left, after: layer.padding.right, ceilMode: layer.ceilMode)
            return try TensorShape(checking: [operand[0], operand[1], rows, columns])
        case .linear(let layer):
            guard operand.rank == 2, operand[1] == layer.inputFeatures else {
                throw ZooError(
                    .mismatch, "a linear layer doesn't fit its input",
                    expected: "[N, \(layer.inputFeatures)]",
                    found: operand.description)
            }
            return [operand[0], layer.outputFeatures]
        case .flatten:
            var features = 1
            for dimension in operand.dimensions.dropFirst() {
                features = try Checked.product(features, dimension)
            }
            return [operand.dimensions.first ?? 1, features]
        case .softmax:
            guard operand.rank == 2 else {
                throw ZooError(.mismatch, "softmax needs [N, F]", found: operand.description)
            }
            return operand
        case .activation, .dropout:
            return operand
        }
    }

    private func requirePositive(_ numbers: [Int]) throws(ZooError) {
        // Far above any real layer, and low enough that products of a few of them can't overflow.
        guard numbers.allSatisfy({ $0 > 0 && $0 <= 1 << 24 }) else {
            throw ZooError(.corrupt, "a size of the layer is zero, negative or absurdly large: \(numbers)")
        }
    }

    private func featureMap(_ operand: TensorShape, channels: Int?) throws(ZooError) -> (Int, Int) {
        guard operand.rank == 4, channels == nil || operand[1] == channels else {
            let wanted = channels.map { "[N, \($0), H, W]" } ?? "[N, C, H, W]"
            throw ZooError(
                .mismatch, "a layer doesn't fit its input", expected: wanted, found: operand.description)
        }
        return (operand[2], operand[3])
    }

    private func windows(
        _ size: Int, window: Int, stride: Int, dilation: Int, before: Int, after: Int, ceilMode: Bool
    ) throws(ZooError) -> Int {
        guard before >= 0, after >= 0, before <= 1 << 24, after <= 1 << 24 else {
            throw ZooError(.corrupt, "padding is negative or absurdly large")
        }
        let reach = (window - 1) * dilation + 1
        let room = size + before + after - reach
        guard room >= 0 else {
            throw ZooError(
                .mismatch,
                "a window of \(reach) doesn't fit the \(size + before + after) elements it slides over",
                remedy: "Use larger pictures.")
        }
        var count = room / stride + 1
        if ceilMode, room % stride != 0, count * stride < size + before {
            // PyTorch's rule: a last partial window must begin inside the input or the padding before it.
            count += 1
        }
        return count
    }
}
