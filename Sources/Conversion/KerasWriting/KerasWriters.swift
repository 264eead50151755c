import ZooLayerGraphs
import ZooTensors

/// One writer for each kind of layer.
extension KerasExport {
    /// Writes a node.
    /// - Returns: what gives its result.
    mutating func write(_ node: Node, _ operands: [Value]) throws(ZooError) -> Value {
        let operand = operands[0]
        switch node.layer {
        case .convolution(let layer): return try convolution(node, layer, operand)
        case .transposedConvolution(let layer): return try transposed(node, layer, operand)
        case .linear(let layer): return try dense(node, layer, operand)
        case .batchNormalization(let layer): return try batchNormalization(node, layer, operand)
        case .normalization(let layer): return try normalization(node, layer, operand)
        case .localResponseNormalization:
            throw refuse(node, "Keras has no layer for local response normalisation")
        case .rescaling(let layer):
            let config: JSONObject = [
                "scale": channelNumbers(layer.scale, rank: operand.shape.rank),
                "offset": channelNumbers(layer.offset, rank: operand.shape.rank),
            ]
            return try add("Rescaling", node, config, [operand])
        case .activation(let function): return try activation(node, function, operand)
        case .parametricReLU: return try parametricReLU(node, operand)
        case .softmax:
            let axis = channelAxis(rank: operand.shape.rank)
            return try add("Softmax", node, ["axis": .integer(axis)], [operand])
        case .pooling(let layer): return try pooling(node, layer, operand)
        case .adaptivePooling(let layer): return try adaptivePooling(node, layer, operand)
        case .globalPooling(let layer): return try globalPooling(node, layer, operand)
        case .add: return try merge("Add", node, operands)
        case .multiply: return try merge("Multiply", node, factors(operands, of: node))
        case .average: return try merge("Average", node, operands)
        case .concatenate(let axis):
            guard operands.count > 1 else { return operand }
            let place = kerasAxis(axis, rank: operand.shape.rank)
            return try add("Concatenate", node, ["axis": .integer(place)], operands)
        case .padding(let sides):
            return try add(
                "ZeroPadding2D", node,
                ["padding": KerasExport.sides(sides), "data_format": dataFormat], [operand])
        case .cropping(let sides):
            return try add(
                "Cropping2D", node, ["cropping": KerasExport.sides(sides), "data_format": dataFormat],
                [operand])
        case .upsampling(let layer): return try upsampling(node, layer, operand)
        case .flatten(let order): return try flatten(node, order, operand)
        case .reshape(let layer): return try reshape(node, layer, operand)
        case .permute(let axes):
            return try add("Permute", node, ["dims": dims(axes)], [operand])
        case .dropout(0) where application?[node.path] != nil,
            .stochasticDepth(0) where application?[node.path] != nil:
            return operand
        case .dropout(let rate): return try add("Dropout", node, ["rate": .number(rate)], [operand])
        case .spatialDropout(let rate): return try spatialDropout(node, rate, operand)
        case .stochasticDepth(let rate):
            let ones = [JSONValue](repeating: 1, count: operand.shape.rank - 1)
            return try add(
                "Dropout", node, ["rate": .number(rate), "noise_shape": .array([.null] + ones)], [operand])
        }
    }

    /// Whether a node's result has no negative numbers, whatever goes in.
    func isNonNegative(_ node: Node) -> Bool {
        switch node.layer {
        case .activation(let function):
            switch function {
            case .relu, .relu6, .sigmoid, .softplus, .hardSigmoid: return true
            case .rectifier(let numbers):
                return numbers.slope == 0 && numbers.threshold >= 0 && numbers.ceiling ?? 0 >= 0
            case .leakyReLU, .silu, .tanh, .hardSwish, .elu, .selu, .gelu: return false
            }
        case .softmax: return true
        case .pooling, .adaptivePooling, .globalPooling, .add, .multiply, .average, .concatenate, .padding,
            .cropping, .upsampling, .flatten, .reshape, .permute, .dropout, .spatialDropout,
            .stochasticDepth:
            return node.inputs.allSatisfy { nonNegative.contains($0) }
        case .convolution, .transposedConvolution, .linear, .batchNormalization, .normalization,
            .localResponseNormalization, .rescaling, .parametricReLU:
            return false
        }
    }

    // MARK: Element-wise layers

    private mutating func activation(
        _ node: Node, _ function: Activation, _ operand: Value
    ) throws(ZooError) -> Value {
        if let name = KerasExport.name(of: function) {
            return try add("Activation", node, ["activation": .string(name)], [operand])
        }
        switch function {
        case .leakyReLU(let slope):
            return try add("LeakyReLU", node, ["negative_slope": .number(slope)], [operand])
        case .rectifier(let numbers):
            return try add(
                "ReLU", node,
                [
                    "max_value": numbers.ceiling.map { .number($0) } ?? .null,
                    "negative_slope": .number(numbers.slope), "threshold": .number(numbers.threshold),
                ], [operand])
        case .elu(let alpha): return try add("ELU", node, ["alpha": .number(alpha)], [operand])
        case .hardSigmoid(let slope):
            // That of Keras 1 and 2: a line, cut off at 0 and 1.
            let line = try add(
                "Rescaling", node, ["scale": .number(slope), "offset": 0.5], [operand],
                name: "\(node.path)_line")
            return try add(
                "ReLU", node, ["max_value": 1.0, "negative_slope": 0.0, "threshold": 0.0], [line])
        case .gelu:
            throw refuse(node, "a Keras file has no word for GELU by its approximation with tanh")
        case .relu, .relu6, .sigmoid, .tanh, .silu, .hardSwish, .selu, .softplus:
            throw refuse(node, "this activation has no name in Keras")
        }
    }

    /// Keras 3's name for a function, where it has one with these very numbers.
    static func name(of function: Activation) -> String? {
        switch function {
        case .relu, .relu6, .sigmoid, .tanh, .silu, .selu, .softplus: function.name
        case .hardSwish: "hard_silu"
        case .leakyReLU(let slope): slope == 0.2 ? "leaky_relu" : nil
        case .elu(let alpha): alpha == 1 ? "elu" : nil
        case .gelu(let approximate): approximate ? nil : "gelu"
        case .hardSigmoid(let slope): slope == 1.0 / 6 ? "hard_sigmoid" : nil
        case .rectifier: nil
        }
    }

    /// Numbers for all channels, or one per channel, in a form that Keras spreads along the channels.
    func channelNumbers(_ numbers: [Double], rank: Int) -> JSONValue {
        if numbers.count == 1 { return .number(numbers[0]) }
        guard order == .channelsFirst, rank > 2 else { return .array(numbers.map { .number($0) }) }
        return .array(
            numbers.map { number in
                (2..<rank).reduce(JSONValue.number(number)) { inner, _ in .array([inner]) }
            })
    }

    private mutating func spatialDropout(
        _ node: Node, _ rate: Double, _ operand: Value
    ) throws(ZooError) -> Value {
        let rank = operand.shape.rank
        if rank == 4 {
            return try add(
                "SpatialDropout2D", node, ["rate": .number(rate), "data_format": dataFormat], [operand])
        }
        guard rank > 2 else { return try add("Dropout", node, ["rate": .number(rate)], [operand]) }
        var mask = [JSONValue](repeating: 1, count: rank)
        mask[0] = .null
        mask[order == .channelsLast ? rank - 1 : 1] = .null
        return try add("Dropout", node, ["rate": .number(rate), "noise_shape": .array(mask)], [operand])
    }

    // MARK: Layers of several inputs

    /// Operands of fewer axes go in as they are: Keras puts axes of 1 behind the batch itself.
    private mutating func merge(
        _ className: String, _ node: Node, _ operands: [Value]
    ) throws(ZooError) -> Value {
        guard operands.count > 1 else { return operands[0] }
        return try add(className, node, [:], operands)
    }

    /// Whether a reshape is what Keras' merging layers do themselves.
    func isExpansion(_ node: Node, _ layer: Reshape, _ operand: Value) -> Bool {
        guard let reader = soleReader(of: node.path), node.path.hasPrefix("\(reader.path).expand") else {
            return false
        }
        switch reader.layer {
        case .add, .multiply, .average: break
        default: return false
        }
        // Another operand has to have all the axes.
        let rank = layer.shape.count + 1
        let isSpread = reader.inputs.contains { path in
            guard path != node.path, let other = values[path] else { return false }
            return other.shape.rank == rank
        }
        let inner = kerasShape(operand.shape)
        let outer = kerasShape(TensorShape([1] + layer.shape))
        return isSpread && outer.count > inner.count
            && outer == [Int](repeating: 1, count: outer.count - inner.count) + inner
    }

    // MARK: Layers that change shapes

    private mutating func upsampling(
        _ node: Node, _ layer: Upsampling, _ operand: Value
    ) throws(ZooError) -> Value {
        guard layer.interpolation != .bilinearAlignedCorners else {
            throw refuse(
                node, "Keras has no enlargement with the corners of both maps on each other",
                found: layer.interpolation.rawValue)
        }
        return try add(
            "UpSampling2D", node,
            [
                "size": KerasExport.pair(layer.factor), "data_format": dataFormat,
                "interpolation": .string(layer.interpolation.rawValue),
            ], [operand])
    }

    /// Keras' `dims` of canonical axes: place k of the result, counted from 1, has the operand's axis `dims[k − 1]`.
    private func dims(_ axes: [Int]) -> JSONValue {
        var dims = [Int](repeating: 0, count: axes.count - 1)
        for (to, from) in axes.enumerated().dropFirst() {
            dims[kerasAxis(to, rank: axes.count) - 1] = kerasAxis(from, rank: axes.count)
        }
        return .array(dims.map { .integer($0) })
    }

    private mutating func flatten(
        _ node: Node, _ order: FlattenOrder, _ operand: Value
    ) throws(ZooError) -> Value {
        var source = operand
        var format: JSONValue = "channels_last"
        if self.order == .channelsLast {
            // Linear layers' kernels follow; for all others the channels go to the front first.
            if order == .channelsFirst, !flattens.paths.contains(node.path) {
                source = try movingChannels(operand, node, toFront: true)
            }
        } else if order == .channelsLast, operand.shape.rank > 2 {
            format = .string(KerasExport.channelsFirst)
        }
        return try add("Flatten", node, ["data_format": format], [source])
    }

    private mutating func reshape(
        _ node: Node, _ layer: Reshape, _ operand: Value
    ) throws(ZooError) -> Value {
        if isExpansion(node, layer, operand) { return operand }
        func target(_ extents: [Int]) -> JSONObject {
            ["target_shape": .array(extents.map { .integer($0) })]
        }
        let result = TensorShape([1] + layer.shape)
        if layer.order == order { return try add("Reshape", node, target(kerasShape(result)), [operand]) }
        if order == .channelsFirst {
            // Taken and put with the channels innermost, on maps that have them in front.
            let moved = try movingChannels(operand, node, toFront: false)
            let extents = Array(layer.shape.dropFirst()) + layer.shape.prefix(1)
            let turned = needsMove(result) ? TensorShape([1] + extents) : result
            let reshaped = try add(
                "Reshape", node, target(Array(turned.dimensions.dropFirst())), [moved], shape: turned)
            return needsMove(result)
                ? try moving(reshaped, to: result, node, toFront: true, name: "\(node.path)_order") : reshaped
        }
        // Taken and put row by row of [C, H, W], on maps that Keras has as [H, W, C].
        let moved = try movingChannels(operand, node, toFront: true)
        let reshaped = try add("Reshape", node, target(layer.shape), [moved], shape: result)
        return needsMove(result)
            ? try moving(reshaped, to: result, node, toFront: false, name: "\(node.path)_order") : reshaped
    }

    /// Whether the place of the channels makes a difference to the order of elements.
    private func needsMove(_ shape: TensorShape) -> Bool {
        shape.rank > 2 && shape[1] > 1 && shape.elementCount > shape[1]
    }

    /// A value with its channels in front of its rows, or behind its columns, in Keras' own axes.
    private mutating func movingChannels(
        _ value: Value, _ node: Node, toFront: Bool
    ) throws(ZooError) -> Value {
        guard needsMove(value.shape) else { return value }
        return try moving(value, to: value.shape, node, toFront: toFront, name: "\(node.path)_permute")
    }

    /// A Permute of Keras' own axes, whose result's canonical shape is given.
    private mutating func moving(
        _ value: Value, to shape: TensorShape, _ node: Node, toFront: Bool, name: String
    ) throws(ZooError) -> Value {
        let last = shape.rank - 1
        let dims = toFront ? [last] + Array(1..<last) : Array(2...last) + [1]
        return try add(
            "Permute", node, ["dims": .array(dims.map { .integer($0) })], [value], shape: shape, name: name)
    }
}
