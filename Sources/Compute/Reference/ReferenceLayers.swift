import ZooLayerGraphs
import ZooTensors

/// Each kind of layer as the operation that defines it.
extension ReferenceExecutor {
    /// - Throws: ``ZooError`` naming the layer, for a batch normalisation in training that sees one value per channel.
    func operation(
        _ node: Node, operands: [TensorShape], result: TensorShape, mode: ExecutionMode
    ) throws(ZooError) -> any ReferenceOperation {
        let operand = operands[0]
        switch node.layer {
        case .convolution(let layer):
            return ReferenceConvolution(
                windows: ConvolutionWindows(layer, inputs: operand, outputs: result),
                weight: try parameter(node, .weight), bias: optionalParameter(node, .bias))
        case .transposedConvolution(let layer):
            return ReferenceTransposedConvolution(
                windows: ConvolutionWindows(layer, operand: operand, result: result),
                weight: try parameter(node, .weight), bias: optionalParameter(node, .bias))
        case .linear:
            return ReferenceLinear(
                weight: try parameter(node, .weight), bias: optionalParameter(node, .bias))
        case .batchNormalization(let layer):
            return try batchNormalization(node, layer, operand, mode: mode)
        case .normalization(let layer):
            let statistics =
                if let constants = layer.constants { constants } else { try runningStatistics(node) }
            return ReferenceScaling(
                mean: statistics.mean, factor: statistics.variance.map { 1 / max(squareRoot($0), 1e-7) },
                weight: nil, bias: nil)
        case .localResponseNormalization(let layer): return ReferenceLocalResponseNormalization(layer: layer)
        case .rescaling(let layer): return ReferenceRescaling(layer: layer)
        case .activation(let function): return ReferenceActivation(function: function)
        case .parametricReLU: return ReferenceParametricReLU(weight: try parameter(node, .weight))
        case .softmax: return ReferenceSoftmax()
        case .pooling(let layer): return ReferencePooling(layer, operand: operand, result: result)
        case .adaptivePooling(let layer): return ReferencePooling(layer, operand: operand, result: result)
        case .globalPooling(let layer): return ReferencePooling(layer, operand: operand, result: result)
        case .add: return ReferenceSum(factor: 1, result: result)
        case .average: return ReferenceSum(factor: 1 / Double(operands.count), result: result)
        case .multiply: return ReferenceProduct(result: result)
        case .concatenate(let axis):
            return ReferencePlacement(concatenating: operands, axis: axis, to: result)
        case .padding(let sides): return ReferencePlacement(padding: operand, sides, to: result)
        case .cropping(let sides): return ReferenceSelection(cropping: operand, sides, to: result)
        case .upsampling(let layer):
            switch layer.interpolation {
            case .nearest: return ReferenceSelection(enlarging: operand, by: layer.factor, to: result)
            case .bilinear:
                return ReferenceUpsampling(alignsCorners: false, operand: operand, result: result)
            case .bilinearAlignedCorners:
                return ReferenceUpsampling(alignsCorners: true, operand: operand, result: result)
            }
        case .flatten(let order): return ReferenceSelection(reshaping: operand, to: result, order: order)
        case .reshape(let layer):
            return ReferenceSelection(reshaping: operand, to: result, order: layer.order)
        case .permute(let axes): return ReferenceSelection(permuting: operand, axes: axes, to: result)
        case .dropout(let probability):
            let elements = operand.elementCount / operand[0]
            return dropout(node, probability, batch: operand[0], numbersPerSample: elements, mode: mode)
        case .spatialDropout(let probability):
            return dropout(node, probability, batch: operand[0], numbersPerSample: operand[1], mode: mode)
        case .stochasticDepth(let probability):
            return dropout(node, probability, batch: operand[0], numbersPerSample: 1, mode: mode)
        }
    }

    private func batchNormalization(
        _ node: Node, _ layer: BatchNormalization, _ operand: TensorShape, mode: ExecutionMode
    ) throws(ZooError) -> any ReferenceOperation {
        let (weight, bias) = (optionalParameter(node, .weight), optionalParameter(node, .bias))
        guard learns(node, in: mode) else {
            let statistics = try runningStatistics(node)
            return ReferenceScaling(
                mean: statistics.mean, factor: statistics.variance.map { 1 / squareRoot($0 + layer.epsilon) },
                weight: weight, bias: bias)
        }
        guard operand.elementCount > operand[1] else {
            throw ZooError(
                .invalidArgument,
                "a batch normalisation in training has one value per channel, and no variance",
                tensor: node.path, expected: "more than one value per channel", found: operand.description,
                remedy: "Use a larger batch, or freeze the layer.")
        }
        return ReferenceBatchNormalization(layer: layer, weight: weight, bias: bias)
    }

    private func runningStatistics(_ node: Node) throws(ZooError) -> Normalization.Constants {
        Normalization.Constants(
            mean: try parameter(node, .runningMean).elements,
            variance: try parameter(node, .runningVariance).elements)
    }

    /// Multiplies with the mask of the place in the run; the same forward and backward.
    private func dropout(
        _ node: Node, _ probability: Double, batch: Int, numbersPerSample: Int, mode: ExecutionMode
    ) -> any ReferenceOperation {
        guard case .training(let moment) = mode, probability > 0, learns(node, in: mode) else {
            return ReferenceIdentity()
        }
        let mask = DropoutMask(path: node.path, probability: probability, moment: moment)
        return ReferenceDropout(factors: mask.factors(batch: batch, elementsPerSample: numbersPerSample))
    }
}
