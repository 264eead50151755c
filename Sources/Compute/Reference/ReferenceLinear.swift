import ZooLayerGraphs
import ZooTensors

/// `x·Wᵀ + b`.
struct ReferenceLinear: ReferenceOperation {
    let weight: ReferenceValue
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        let (batch, outer, inner) = (operands[0].shape[0], weight.shape[0], weight.shape[1])
        let (inputs, weights) = (operands[0].elements, weight.elements)
        var outputs: [Double] = []
        outputs.reserveCapacity(batch * outer)
        for sample in 0..<batch {
            for row in 0..<outer {
                var sum = bias?.elements[row] ?? 0
                for column in 0..<inner {
                    sum += inputs[sample * inner + column] * weights[row * inner + column]
                }
                outputs.append(sum)
            }
        }
        return ReferenceValue([batch, outer], outputs)
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let (batch, outer, inner) = (operands[0].shape[0], weight.shape[0], weight.shape[1])
        let (inputs, weights) = (operands[0].elements, weight.elements)
        var toInput = [Double](repeating: 0, count: batch * inner)
        var toWeight = [Double](repeating: 0, count: outer * inner)
        var toBias = [Double](repeating: 0, count: outer)
        for sample in 0..<batch {
            for row in 0..<outer {
                let gradient = flow.elements[sample * outer + row]
                toBias[row] += gradient
                for column in 0..<inner {
                    let (at, from) = (row * inner + column, sample * inner + column)
                    toInput[from] += gradient * weights[at]
                    toWeight[at] += gradient * inputs[from]
                }
            }
        }
        return ReferenceGradients(
            operand: ReferenceValue(operands[0].shape, toInput),
            weight: ReferenceValue(weight.shape, toWeight),
            bias: bias.map { ReferenceValue($0.shape, toBias) })
    }
}
