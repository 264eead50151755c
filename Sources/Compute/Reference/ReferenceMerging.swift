import ZooLayerGraphs
import ZooTensors

/// The sum of the operands, or their mean, with extents of 1 repeated.
struct ReferenceSum: ReferenceOperation {
    /// 1, or one over the number of operands.
    let factor: Double
    let result: TensorShape

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var sum = operands[0].repeated(to: result)
        for operand in operands.dropFirst() { sum.add(operand.repeated(to: result)) }
        return factor == 1 ? sum : sum.map { $0 * factor }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let share = factor == 1 ? flow : flow.map { $0 * factor }
        return ReferenceGradients(operands: operands.map { share.summed(to: $0.shape) })
    }
}

/// The product of the operands, with extents of 1 repeated.
struct ReferenceProduct: ReferenceOperation {
    let result: TensorShape

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        operands.dropFirst().reduce(operands[0].repeated(to: result)) { product, operand in
            product.zipped(with: operand.repeated(to: result)) { $0 * $1 }
        }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        ReferenceGradients(
            operands: operands.indices.map { index in
                var gradient = flow
                for (other, operand) in operands.enumerated() where other != index {
                    gradient = gradient.zipped(with: operand.repeated(to: self.result)) { $0 * $1 }
                }
                return gradient.summed(to: operands[index].shape)
            })
    }
}

extension ReferenceValue {
    /// The value under a larger shape, repeated where its extent is 1.
    fileprivate func repeated(to larger: TensorShape) -> ReferenceValue {
        guard shape != larger else { return self }
        return ReferenceValue(larger, StridedElements(shape, repeatedTo: larger).gathered(elements))
    }

    /// The sums over what ``repeated(to:)`` repeats.
    fileprivate func summed(to smaller: TensorShape) -> ReferenceValue {
        guard shape != smaller else { return self }
        var sums = ReferenceValue(zeros: smaller)
        StridedElements(smaller, repeatedTo: shape).scatter(elements, adding: &sums.elements)
        return sums
    }
}
