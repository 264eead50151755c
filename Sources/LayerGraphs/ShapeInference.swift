public import ZooTensors

extension LayerGraph {
    /// The shape of every node's result for a batch, by path; also of ``inputPath``.
    /// - Parameter input: channels, height and width; the graph's own by default.
    /// - Throws: ``ZooError`` naming the layer that the shape doesn't fit.
    public func shapes(batch: Int, input: InputShape? = nil) throws(ZooError) -> [String: TensorShape] {
        var shapes = [LayerGraph.inputPath: (input ?? self.input).shape(batch: batch)]
        for node in nodes {
            var operands: [TensorShape] = []
            for path in node.inputs {
                guard let operand = shapes[path] else {
                    throw ZooError(.corrupt, "a layer has no input", tensor: node.path)
                }
                operands.append(operand)
            }
            do throws(ZooError) {
                shapes[node.path] = try node.layer.outputShape(of: operands)
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
        try outputShape(of: [operand])
    }

    /// The shape of the result for all operands.
    /// - Throws: ``ZooError`` when they don't fit, without the layer's path.
    public func outputShape(of operands: [TensorShape]) throws(ZooError) -> TensorShape {
        guard let operand = operands.first, operandCount.contains(operands.count), operand.rank >= 2 else {
            throw ZooError(
                .mismatch, "a layer doesn't fit its inputs",
                found: operands.map(\.description).joined(separator: ", "))
        }
        switch self {
        case .convolution(let layer): return try layer.outputShape(operand)
        case .transposedConvolution(let layer): return try layer.outputShape(operand)
        case .pooling(let layer): return try layer.outputShape(operand)
        case .adaptivePooling(let layer):
            _ = try FeatureMapShape(operand)
            try Sizes.requirePositive([layer.output.height, layer.output.width])
            return try TensorShape(checking: [
                operand[0], operand[1], layer.output.height, layer.output.width,
            ])
        case .globalPooling(let layer):
            let map = try FeatureMapShape(operand)
            guard map.height > 0, map.width > 0 else {
                throw ZooError(.mismatch, "a layer's input is empty", found: operand.description)
            }
            return layer.keepsDimensions ? [operand[0], operand[1], 1, 1] : [operand[0], operand[1]]
        case .linear(let layer):
            try Sizes.requirePositive([layer.inputFeatures, layer.outputFeatures])
            guard operand.rank == 2, operand[1] == layer.inputFeatures else {
                throw ZooError(
                    .mismatch, "a linear layer doesn't fit its input",
                    expected: "[N, \(layer.inputFeatures)]", found: operand.description)
            }
            return [operand[0], layer.outputFeatures]
        case .batchNormalization(let layer):
            guard layer.epsilon >= 0, layer.epsilon.isFinite, (0...1).contains(layer.momentum) else {
                throw ZooError(.corrupt, "a batch normalisation's epsilon or momentum is out of range")
            }
            return try requireChannels(layer.channels, operand)
        case .normalization(let layer):
            let counts = layer.constants.map { [$0.mean.count, $0.variance.count] } ?? []
            guard counts.allSatisfy({ $0 == layer.channels }) else {
                throw ZooError(.corrupt, "a normalisation doesn't have a mean and a variance per channel")
            }
            return try requireChannels(layer.channels, operand)
        case .localResponseNormalization(let layer):
            _ = try FeatureMapShape(operand)
            try Sizes.requirePositive([layer.size])
            guard [layer.alpha, layer.beta, layer.k].allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw ZooError(.corrupt, "a local response normalisation's alpha, beta or k is out of range")
            }
            return operand
        case .parametricReLU(let channels): return try requireChannels(channels, operand)
        case .rescaling(let layer):
            for count in [layer.scale.count, layer.offset.count] where count != 1 && count != operand[1] {
                throw ZooError(
                    .mismatch, "a rescaling doesn't fit its input's channels", expected: "1 or \(operand[1])",
                    found: "\(count)")
            }
            return operand
        case .add, .multiply, .average: return try Layer.broadcast(operands)
        case .concatenate(let axis): return try Layer.concatenated(operands, axis: axis)
        case .padding(let sides):
            let map = try FeatureMapShape(operand)
            return try map.with(
                height: sides.extended(map.height, vertical: true),
                width: sides.extended(map.width, vertical: false))
        case .cropping(let sides):
            let map = try FeatureMapShape(operand)
            return try map.with(
                height: sides.reduced(map.height, vertical: true),
                width: sides.reduced(map.width, vertical: false))
        case .upsampling(let layer):
            let map = try FeatureMapShape(operand)
            try Sizes.requirePositive([layer.factor.height, layer.factor.width])
            return try map.with(
                height: Checked.product(map.height, layer.factor.height),
                width: Checked.product(map.width, layer.factor.width))
        case .flatten:
            var features = 1
            for dimension in operand.dimensions.dropFirst() {
                features = try Checked.product(features, dimension)
            }
            return [operand[0], features]
        case .reshape(let layer): return try layer.outputShape(operand)
        case .permute(let axes):
            guard axes.first == 0, axes.sorted() == Array(0..<operand.rank) else {
                throw ZooError(
                    .mismatch, "a layer's order of axes doesn't fit its input",
                    expected: "\(operand.rank) axes, the batch first", found: "\(axes)")
            }
            return TensorShape(axes.map { operand[$0] })
        case .dropout(let probability), .spatialDropout(let probability), .stochasticDepth(let probability):
            guard (0...1).contains(probability) else {
                throw ZooError(.corrupt, "a probability is outside 0 to 1", found: "\(probability)")
            }
            return operand
        case .activation, .softmax: return operand
        }
    }

    private func requireChannels(_ channels: Int, _ operand: TensorShape) throws(ZooError) -> TensorShape {
        try Sizes.requirePositive([channels])
        guard operand[1] == channels else {
            throw ZooError(
                .mismatch, "a layer doesn't fit its input's channels", expected: "\(channels)",
                found: operand.description)
        }
        return operand
    }

    /// Extents that agree, or of which one is 1.
    private static func broadcast(_ operands: [TensorShape]) throws(ZooError) -> TensorShape {
        var result = operands[0].dimensions
        for operand in operands.dropFirst() {
            guard operand.rank == result.count else { throw unlike(operands) }
            for (axis, extent) in operand.dimensions.enumerated() where extent != result[axis] {
                guard extent == 1 || result[axis] == 1 else { throw unlike(operands) }
                if result[axis] == 1 { result[axis] = extent }
            }
        }
        return try TensorShape(checking: result)
    }

    /// Extents that agree but for one axis, along which they add up.
    private static func concatenated(_ operands: [TensorShape], axis: Int) throws(ZooError) -> TensorShape {
        var result = operands[0].dimensions
        guard axis >= 1, axis < result.count else {
            throw ZooError(
                .mismatch, "a layer joins its inputs along an axis that they don't have",
                found: "axis \(axis)")
        }
        for operand in operands.dropFirst() {
            guard operand.rank == result.count else { throw unlike(operands) }
            for (place, extent) in operand.dimensions.enumerated() {
                if place == axis {
                    result[place] = try Checked.sum(result[place], extent)
                } else if extent != result[place] {
                    throw unlike(operands)
                }
            }
        }
        return try TensorShape(checking: result)
    }

    private static func unlike(_ operands: [TensorShape]) -> ZooError {
        let shapes = operands.prefix(8).map(\.description).joined(separator: " and ")
        return ZooError(.mismatch, "a layer's inputs don't fit each other", found: shapes)
    }
}
