import ZooLayerGraphs
import ZooTensors

/// `(x − mean)·factor·weight + bias` per channel with numbers that don't depend on the batch: a batch normalisation
/// outside of training, and a normalisation by fixed statistics.
struct ReferenceScaling: ReferenceOperation {
    let mean: [Double]
    let factor: [Double]
    let weight: ReferenceValue?
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        ChannelPlanes(operands[0].shape).map(operands[0]) {
            ($0 - mean[$1]) * factor[$1] * (weight?.elements[$1] ?? 1) + (bias?.elements[$1] ?? 0)
        }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let planes = ChannelPlanes(flow.shape)
        let input = operands[0].elements
        let toWeight = weight.map {
            ReferenceValue(
                $0.shape,
                planes.sums { flow.elements[$0] * (input[$0] - mean[$1]) * factor[$1] })
        }
        return ReferenceGradients(
            operand: planes.map(flow) { $0 * factor[$1] * (weight?.elements[$1] ?? 1) }, weight: toWeight,
            bias: bias.map { $0.gradient(flow) })
    }
}

/// `x·scale + offset`, with one number for all channels or one for each.
struct ReferenceRescaling: ReferenceOperation {
    let layer: Rescaling

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        let offset = layer.offset
        return ChannelPlanes(operands[0].shape).map(scaled(operands[0])) {
            $0 + (offset.count == 1 ? offset[0] : offset[$1])
        }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients { ReferenceGradients(operand: scaled(flow)) }

    private func scaled(_ value: ReferenceValue) -> ReferenceValue {
        let scale = layer.scale
        return ChannelPlanes(value.shape).map(value) { $0 * (scale.count == 1 ? scale[0] : scale[$1]) }
    }
}

/// Batch normalisation in training: each channel by its own mean and biased variance, through which gradients flow
/// (`torch.nn.functional.batch_norm(training=True)`).
struct ReferenceBatchNormalization: ReferenceOperation {
    let layer: BatchNormalization
    let weight: ReferenceValue?
    let bias: ReferenceValue?

    /// Mean and biased variance of each channel, over all samples and places.
    static func statistics(of input: ReferenceValue) -> (mean: [Double], variance: [Double]) {
        let planes = ChannelPlanes(input.shape)
        let count = Double(planes.samples * planes.places)
        let mean = planes.sums { position, _ in input.elements[position] }.map { $0 / count }
        let variance = planes.sums { position, channel in
            let distance = input.elements[position] - mean[channel]
            return distance * distance
        }
        return (mean, variance.map { $0 / count })
    }

    /// The running statistics that a batch leaves: `(1 − momentum)·old + momentum·batch`.
    func updated(
        mean: ReferenceValue, variance: ReferenceValue, by input: ReferenceValue
    ) -> (mean: ReferenceValue, variance: ReferenceValue) {
        let batch = ReferenceBatchNormalization.statistics(of: input)
        let planes = ChannelPlanes(input.shape)
        let count = Double(planes.samples * planes.places)
        let correction = layer.usesBiasedVariance ? 1 : count / (count - 1)
        func moved(_ old: ReferenceValue, _ new: [Double]) -> ReferenceValue {
            old.zipped(with: ReferenceValue(old.shape, new)) {
                (1 - layer.momentum) * $0 + layer.momentum * $1
            }
        }
        return (moved(mean, batch.mean), moved(variance, batch.variance.map { $0 * correction }))
    }

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        let (mean, variance) = ReferenceBatchNormalization.statistics(of: operands[0])
        return scaling(mean, variance).forward(operands)
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let (mean, variance) = ReferenceBatchNormalization.statistics(of: operands[0])
        let scaling = scaling(mean, variance)
        // With the statistics held fixed, and then what flows back through them.
        var gradients = scaling.backward(flow, operands: operands, result: result)
        let planes = ChannelPlanes(flow.shape)
        let count = Double(planes.samples * planes.places)
        let input = operands[0].elements
        let direct = gradients.operands[0].elements
        let meanFlow = planes.sums { position, _ in direct[position] }.map { $0 / count }
        let scaledFlow = planes.sums { position, channel in
            direct[position] * (input[position] - mean[channel]) * scaling.factor[channel]
        }.map { $0 / count }
        for sample in 0..<planes.samples {
            for channel in 0..<planes.channels {
                for position in planes.range(sample, channel) {
                    let normalized = (input[position] - mean[channel]) * scaling.factor[channel]
                    gradients.operands[0].elements[position] -=
                        meanFlow[channel] + normalized * scaledFlow[channel]
                }
            }
        }
        return gradients
    }

    private func scaling(_ mean: [Double], _ variance: [Double]) -> ReferenceScaling {
        ReferenceScaling(
            mean: mean, factor: variance.map { 1 / squareRoot($0 + layer.epsilon) }, weight: weight,
            bias: bias)
    }
}

/// `torch.nn.functional.local_response_norm`.
struct ReferenceLocalResponseNormalization: ReferenceOperation {
    let layer: LocalResponseNormalization

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        operands[0].zipped(with: divisors(operands[0])) { $0 / power($1, layer.beta) }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let divisors = divisors(operands[0]).elements
        let input = operands[0].elements
        var toInput = flow
        for position in input.indices {
            toInput.elements[position] /= power(divisors[position], layer.beta)
        }
        let factor = 2 * layer.beta * layer.alpha / Double(layer.size)
        forEachNeighbour(flow.shape) { position, neighbour in
            let slope = flow.elements[position] * result.elements[position] / divisors[position]
            toInput.elements[neighbour] -= factor * slope * input[neighbour]
        }
        return ReferenceGradients(operand: toInput)
    }

    /// What each element is divided by, before the exponent.
    private func divisors(_ input: ReferenceValue) -> ReferenceValue {
        var sums = ReferenceValue(zeros: input.shape)
        forEachNeighbour(input.shape) { position, neighbour in
            sums.elements[position] += input.elements[neighbour] * input.elements[neighbour]
        }
        return sums.map { layer.k + layer.alpha / Double(layer.size) * $0 }
    }

    /// Visits each element with each one that its sum counts, itself included.
    private func forEachNeighbour(_ shape: TensorShape, _ body: (_ position: Int, _ neighbour: Int) -> Void) {
        let planes = ChannelPlanes(shape)
        for sample in 0..<planes.samples {
            for channel in 0..<planes.channels {
                let first = max(channel - layer.size / 2, 0)
                let last = min(channel + (layer.size - 1) / 2, planes.channels - 1)
                for other in first...last {
                    for (position, neighbour) in zip(
                        planes.range(sample, channel), planes.range(sample, other))
                    {
                        body(position, neighbour)
                    }
                }
            }
        }
    }
}
