import ZooLayerGraphs
import ZooTensors

/// Writers of the pooling layers. Keras knows `valid` and `same`; other windows are made of those, exactly or not at
/// all.
extension KerasExport {
    mutating func pooling(_ node: Node, _ layer: Pooling, _ operand: Value) throws(ZooError) -> Value {
        var layer = layer
        try settleCeiling(&layer, node, operand)
        let name = try paddingName(
            layer.padding, operand.shape, window: layer.window, stride: layer.stride)
        // An average over `same` divides by the elements that exist.
        let means = layer.operation == .maximum || !layer.countsPadding || layer.padding == .none
        if let name, means { return try window(node, layer, operand, padding: name) }
        if layer.operation == .average ? layer.countsPadding : nonNegative.contains(node.inputs[0]) {
            // Zeros that count, or that are never larger than what is there.
            return try window(
                node, layer, padded(operand, layer.padding, for: node), padding: "valid")
        }
        guard layer.window.height % 2 == 1, layer.window.width % 2 == 1,
            layer.padding
                == Padding(
                    top: layer.window.height / 2, left: layer.window.width / 2,
                    bottom: layer.window.height / 2, right: layer.window.width / 2)
        else {
            throw refuse(
                node, "Keras' pooling layers can't express this padding",
                found:
                    "\(layer.padding.top), \(layer.padding.left), \(layer.padding.bottom), \(layer.padding.right)"
            )
        }
        // Every window, and then those at every stride-th place.
        var every = layer
        every.stride = Extent(1)
        let whole = try window(
            node, every, operand, padding: "same", shape: operand.shape, name: "\(node.path)_windows")
        return try window(
            node, Pooling(.maximum, window: Extent(1), stride: layer.stride), whole, padding: "valid")
    }

    private mutating func window(
        _ node: Node, _ layer: Pooling, _ operand: Value, padding: String, shape: TensorShape? = nil,
        name: String? = nil
    ) throws(ZooError) -> Value {
        try add(
            layer.operation == .maximum ? "MaxPooling2D" : "AveragePooling2D", node,
            [
                "pool_size": KerasExport.pair(layer.window), "strides": KerasExport.pair(layer.stride),
                "padding": .string(padding), "data_format": dataFormat,
            ], [operand], shape: shape, name: name)
    }

    /// Puts what a last, partial window reaches beyond the map into the padding.
    private func settleCeiling(
        _ layer: inout Pooling, _ node: Node, _ operand: Value
    ) throws(ZooError) {
        guard layer.ceilMode else { return }
        let shape = try ZooLayerGraphs.Layer.pooling(layer).outputShape(for: operand.shape)
        let wanted = layer.padding
        layer.ceilMode = false
        func missing(_ count: Int, _ size: Int, _ window: Int, _ stride: Int, _ before: Int, _ after: Int)
            -> Int
        {
            max((count - 1) * stride + window - size - before - after, 0)
        }
        layer.padding.bottom += missing(
            shape[2], operand.shape[2], layer.window.height, layer.stride.height, wanted.top, wanted.bottom)
        layer.padding.right += missing(
            shape[3], operand.shape[3], layer.window.width, layer.stride.width, wanted.left, wanted.right)
        guard layer.padding == wanted || layer.operation == .maximum else {
            throw refuse(node, "Keras has no average over windows that are only partly inside")
        }
    }

    mutating func globalPooling(
        _ node: Node, _ layer: GlobalPooling, _ operand: Value
    ) throws(ZooError) -> Value {
        let keepsDimensions = layer.keepsDimensions && application?[node.path] == nil
        let shape: TensorShape? = keepsDimensions ? nil : [1, operand.shape[1]]
        let value = try add(
            layer.operation == .maximum ? "GlobalMaxPooling2D" : "GlobalAveragePooling2D", node,
            ["data_format": dataFormat, "keepdims": .bool(keepsDimensions)], [operand], shape: shape)
        guard layer.keepsDimensions, !keepsDimensions else { return value }
        return try reshaped(value, node)
    }

    /// Windows of one size where the map divides evenly; one value per channel is global pooling.
    mutating func adaptivePooling(
        _ node: Node, _ layer: AdaptivePooling, _ operand: Value
    ) throws(ZooError) -> Value {
        let (height, width) = (operand.shape[2], operand.shape[3])
        if layer.output == Extent(1) {
            return try globalPooling(node, GlobalPooling(layer.operation, keepsDimensions: true), operand)
        }
        if layer.output == Extent(height, width) { return operand }
        guard height % layer.output.height == 0, width % layer.output.width == 0 else {
            throw refuse(
                node, "Keras has no pooling to a size that doesn't divide the map's",
                found: "\(height)×\(width) to \(layer.output.height)×\(layer.output.width)")
        }
        let size = Extent(height / layer.output.height, width / layer.output.width)
        return try window(node, Pooling(layer.operation, window: size), operand, padding: "valid")
    }
}
