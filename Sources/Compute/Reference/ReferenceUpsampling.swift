import ZooLayerGraphs
import ZooTensors

/// `torch.nn.functional.interpolate` in mode `bilinear`, with corners on each other or not.
struct ReferenceUpsampling: ReferenceOperation {
    private let rows: [InterpolationTap]
    private let columns: [InterpolationTap]
    private let result: TensorShape

    init(alignsCorners: Bool, operand: TensorShape, result: TensorShape) {
        func taps(_ axis: Int) -> [InterpolationTap] {
            (0..<result[axis]).map {
                InterpolationTap($0, of: result[axis], size: operand[axis], alignsCorners: alignsCorners)
            }
        }
        self.rows = taps(2)
        self.columns = taps(3)
        self.result = result
    }

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: result)
        forEachTap(operands[0].shape) { to, from, weight in
            output.elements[to] += weight * operands[0].elements[from]
        }
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toInput = ReferenceValue(zeros: operands[0].shape)
        forEachTap(operands[0].shape) { to, from, weight in
            toInput.elements[from] += weight * flow.elements[to]
        }
        return ReferenceGradients(operand: toInput)
    }

    /// Visits each element of the result with each of the four that it lies between.
    private func forEachTap(_ operand: TensorShape, _ body: (_ to: Int, _ from: Int, Double) -> Void) {
        let (height, width) = (operand[2], operand[3])
        var to = 0
        for plane in 0..<(operand[0] * operand[1]) {
            for row in rows {
                for column in columns {
                    for (y, down) in row.terms {
                        for (x, across) in column.terms {
                            body(to, (plane * height + y) * width + x, down * across)
                        }
                    }
                    to += 1
                }
            }
        }
    }
}

/// The two elements along an axis that one of the result lies between, with their shares.
private struct InterpolationTap {
    let terms: [(index: Int, weight: Double)]

    init(_ index: Int, of count: Int, size: Int, alignsCorners: Bool) {
        let place: Double
        if alignsCorners {
            place = count > 1 ? Double(index) * Double(size - 1) / Double(count - 1) : 0
        } else {
            place = max((Double(index) + 0.5) * Double(size) / Double(count) - 0.5, 0)
        }
        let first = min(Int(place), size - 1)
        let share = place - Double(first)
        self.terms = [(first, 1 - share), (min(first + 1, size - 1), share)]
    }
}
