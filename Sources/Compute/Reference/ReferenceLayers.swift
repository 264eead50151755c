import ZooLayerGraphs
import ZooTensors

/// The layers without windows, by their definitions.
enum ReferenceLayers {
    /// `x·Wᵀ + b`.
    static func linear(
        _ input: ReferenceValue, weight: ReferenceValue, bias: ReferenceValue?
    ) -> ReferenceValue {
        let (batch, inner, outer) = (input.shape[0], input.shape[1], weight.shape[0])
        var output = ReferenceValue(zeros: [batch, outer])
        for sample in 0..<batch {
            for row in 0..<outer {
                var sum = bias?.elements[row] ?? 0
                for column in 0..<inner {
                    sum += input.elements[sample * inner + column] * weight.elements[row * inner + column]
                }
                output.elements[sample * outer + row] = sum
            }
        }
        return output
    }

    static func linearBackward(
        _ gradient: ReferenceValue, input: ReferenceValue, weight: ReferenceValue, hasBias: Bool
    ) -> ReferenceGradients {
        let (batch, inner, outer) = (input.shape[0], input.shape[1], weight.shape[0])
        var toInput = ReferenceValue(zeros: input.shape)
        var toWeight = ReferenceValue(zeros: weight.shape)
        var toBias = ReferenceValue(zeros: [outer])
        for sample in 0..<batch {
            for row in 0..<outer {
                let flow = gradient.elements[sample * outer + row]
                toBias.elements[row] += flow
                for column in 0..<inner {
                    let (at, from) = (row * inner + column, sample * inner + column)
                    toInput.elements[from] += flow * weight.elements[at]
                    toWeight.elements[at] += flow * input.elements[from]
                }
            }
        }
        return ReferenceGradients(operand: toInput, weight: toWeight, bias: hasBias ? toBias : nil)
    }

    static func activation(_ function: ElementFunction, _ input: ReferenceValue) -> ReferenceValue {
        switch function {
        // Written so that NaN stays NaN.
        case .relu: input.map { $0 < 0 ? 0 : $0 }
        case .sigmoid: input.map { 1 / (1 + exponential(-$0)) }
        case .tanh: input.map { hyperbolicTangent($0) }
        }
    }

    /// From the result, as all three functions allow.
    static func activationBackward(
        _ function: ElementFunction, _ gradient: ReferenceValue, output: ReferenceValue
    ) -> ReferenceValue {
        switch function {
        case .relu: gradient.zipped(with: output) { $1 > 0 ? $0 : 0 }
        case .sigmoid: gradient.zipped(with: output) { $0 * $1 * (1 - $1) }
        case .tanh: gradient.zipped(with: output) { $0 * (1 - $1 * $1) }
        }
    }

    /// `torch.softmax(x, -1)`.
    static func softmax(_ input: ReferenceValue) -> ReferenceValue {
        var output = input
        let width = input.shape[1]
        for sample in 0..<input.shape[0] {
            let row = (sample * width)..<((sample + 1) * width)
            let peak = input.elements[row].max() ?? 0
            var sum = 0.0
            for position in row {
                output.elements[position] = exponential(input.elements[position] - peak)
                sum += output.elements[position]
            }
            for position in row { output.elements[position] /= sum }
        }
        return output
    }

    static func softmaxBackward(_ gradient: ReferenceValue, output: ReferenceValue) -> ReferenceValue {
        var toInput = gradient
        let width = output.shape[1]
        for sample in 0..<output.shape[0] {
            let row = (sample * width)..<((sample + 1) * width)
            let mean = row.reduce(0.0) { $0 + gradient.elements[$1] * output.elements[$1] }
            for position in row {
                toInput.elements[position] = output.elements[position] * (gradient.elements[position] - mean)
            }
        }
        return toInput
    }

    /// `[N, C, H, W]` to `[N, F]`; anything else keeps its order.
    static func flatten(
        _ order: FlattenOrder, _ input: ReferenceValue, to shape: TensorShape
    ) -> ReferenceValue {
        guard order == .channelsLast, input.shape.rank == 4 else {
            return ReferenceValue(shape, input.elements)
        }
        var output = ReferenceValue(zeros: shape)
        forEachChannelsLast(input.shape) { first, last in output.elements[last] = input.elements[first] }
        return output
    }

    static func flattenBackward(
        _ order: FlattenOrder, _ gradient: ReferenceValue, to shape: TensorShape
    ) -> ReferenceValue {
        guard order == .channelsLast, shape.rank == 4 else {
            return ReferenceValue(shape, gradient.elements)
        }
        var toInput = ReferenceValue(zeros: shape)
        forEachChannelsLast(shape) { first, last in toInput.elements[first] = gradient.elements[last] }
        return toInput
    }

    /// Pairs of an element's index in `[N, C, H, W]` and in `[N, H, W, C]`.
    private static func forEachChannelsLast(
        _ shape: TensorShape, _ body: (_ first: Int, _ last: Int) -> Void
    ) {
        let (channels, plane) = (shape[1], shape[2] * shape[3])
        for sample in 0..<shape[0] {
            for channel in 0..<channels {
                for place in 0..<plane {
                    let first = (sample * channels + channel) * plane + place
                    body(first, (sample * plane + place) * channels + channel)
                }
            }
        }
    }
}
