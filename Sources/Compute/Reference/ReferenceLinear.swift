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
            let input = inputs.span.extracting((sample * inner)..<((sample + 1) * inner))
            for row in 0..<outer {
                let product = sumOfProducts(
                    weights.span.extracting((row * inner)..<((row + 1) * inner)), input)
                outputs.append(product + (bias?.elements[row] ?? 0))
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
        for sample in 0..<batch {
            let columns = (sample * inner)..<((sample + 1) * inner)
            for row in 0..<outer {
                let gradient = flow.elements[sample * outer + row]
                let filter = (row * inner)..<((row + 1) * inner)
                add(gradient, times: weights.span.extracting(filter), to: &toInput, at: columns.lowerBound)
                add(gradient, times: inputs.span.extracting(columns), to: &toWeight, at: filter.lowerBound)
            }
        }
        return ReferenceGradients(
            operand: ReferenceValue(operands[0].shape, toInput),
            weight: ReferenceValue(weight.shape, toWeight),
            bias: bias.map { $0.gradient(flow) })
    }
}
