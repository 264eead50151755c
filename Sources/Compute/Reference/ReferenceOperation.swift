import ZooLayerGraphs
import ZooTensors

/// A layer by its definition, with its parameters and the shapes of one run.
protocol ReferenceOperation {
    /// The layer's result.
    func forward(_ operands: [ReferenceValue]) -> ReferenceValue

    /// The gradients with respect to the operands and the parameters, from the one with respect to the result.
    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients
}

/// What a layer's backward step gives.
struct ReferenceGradients {
    /// With respect to the layer's operands, in their order.
    var operands: [ReferenceValue]
    /// With respect to what it learns.
    var parameters: [ParameterRole: ReferenceValue] = [:]

    init(operands: [ReferenceValue]) { self.operands = operands }

    init(operand: ReferenceValue, weight: ReferenceValue? = nil, bias: ReferenceValue? = nil) {
        self.operands = [operand]
        self.parameters[.weight] = weight
        self.parameters[.bias] = bias
    }
}

/// The layer that changes nothing, as dropout is outside of training.
struct ReferenceIdentity: ReferenceOperation {
    func forward(_ operands: [ReferenceValue]) -> ReferenceValue { operands[0] }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients { ReferenceGradients(operand: flow) }
}

/// Dropout in its three forms: each element times its own number, its channel's or its sample's.
struct ReferenceDropout: ReferenceOperation {
    /// What is multiplied with; one for each run of elements of the same length.
    let factors: [Double]

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue { masked(operands[0]) }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients { ReferenceGradients(operand: masked(flow)) }

    private func masked(_ value: ReferenceValue) -> ReferenceValue {
        let run = value.elements.count / factors.count
        var masked = value
        for (place, factor) in factors.enumerated() {
            for position in (place * run)..<((place + 1) * run) {
                // What is dropped is zero, whatever it was.
                masked.elements[position] = factor == 0 ? 0 : value.elements[position] * factor
            }
        }
        return masked
    }
}
