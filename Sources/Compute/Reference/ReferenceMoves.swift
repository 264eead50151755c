import ZooLayerGraphs
import ZooTensors

/// Layers that compute nothing: each element of the result is one of the operand's. Permuting, cropping, repeating,
/// and changes of shape.
struct ReferenceSelection: ReferenceOperation {
    /// Taken one after the other; none leaves the order as it is.
    let views: [StridedElements]
    let result: TensorShape

    /// A change of shape, row by row of the canonical shapes or with the channels of both innermost.
    init(reshaping operand: TensorShape, to result: TensorShape, order: FlattenOrder) {
        var views: [StridedElements] = []
        if order == .channelsLast {
            if operand.rank > 2 {
                let places = Array(2..<operand.rank)
                views.append(StridedElements(operand, permuted: [0] + places + [1]))
            }
            if result.rank > 2 {
                let last = TensorShape([result[0]] + result.dimensions.dropFirst(2) + [result[1]])
                let places = Array(1..<(last.rank - 1))
                views.append(StridedElements(last, permuted: [0, last.rank - 1] + places))
            }
        }
        self.views = views
        self.result = result
    }

    init(permuting operand: TensorShape, axes: [Int], to result: TensorShape) {
        self.views = [StridedElements(operand, permuted: axes)]
        self.result = result
    }

    init(cropping operand: TensorShape, _ sides: Padding, to result: TensorShape) {
        self.views = [StridedElements(operand, part: result, at: [0, 0, sides.top, sides.left])]
        self.result = result
    }

    /// Each row and column repeated.
    init(enlarging operand: TensorShape, by factor: Extent, to result: TensorShape) {
        let strides = operand.contiguousStrides
        let extents = [operand[0], operand[1], operand[2], factor.height, operand[3], factor.width]
        let view = StridedElements(
            extents: extents, strides: [strides[0], strides[1], strides[2], 0, strides[3], 0])
        self.views = [view]
        self.result = result
    }

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        ReferenceValue(result, views.reduce(operands[0].elements) { $1.gathered($0) })
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        // None of several views leaves anything out, so that all of them have as many elements as the operand.
        let elements = views.reversed().reduce(flow.elements) { values, view in
            var elements = [Double](repeating: 0, count: operands[0].elements.count)
            view.scatter(values, adding: &elements)
            return elements
        }
        return ReferenceGradients(operand: ReferenceValue(operands[0].shape, elements))
    }
}

/// Operands side by side in a larger result, with zeros elsewhere: concatenation and padding.
struct ReferencePlacement: ReferenceOperation {
    /// Where each operand lies in the result.
    let views: [StridedElements]
    let result: TensorShape

    init(concatenating operands: [TensorShape], axis: Int, to result: TensorShape) {
        var views: [StridedElements] = []
        var offsets = [Int](repeating: 0, count: result.rank)
        for operand in operands {
            views.append(StridedElements(result, part: operand, at: offsets))
            offsets[axis] += operand[axis]
        }
        self.views = views
        self.result = result
    }

    init(padding operand: TensorShape, _ sides: Padding, to result: TensorShape) {
        self.views = [StridedElements(result, part: operand, at: [0, 0, sides.top, sides.left])]
        self.result = result
    }

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: result)
        for (view, operand) in zip(views, operands) {
            view.scatter(operand.elements, adding: &output.elements)
        }
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        ReferenceGradients(
            operands: zip(views, operands).map { view, operand in
                ReferenceValue(operand.shape, view.gathered(flow.elements))
            })
    }
}
