import ZooLayerGraphs
import ZooTensors

/// `torch.nn.functional.max_pool2d` and `avg_pool2d` by their definitions, with padding of its own on each side.
struct ReferencePooling {
    let layer: Pooling
    let operand: TensorShape
    let result: TensorShape

    func forward(_ input: ReferenceValue) -> ReferenceValue {
        var output = ReferenceValue(zeros: result)
        forEachWindow { to, plane, rows, columns, divisor in
            switch layer.operation {
            case .maximum: output.elements[to] = input.elements[largest(input, plane, rows, columns)]
            case .average:
                var sum = 0.0
                for y in rows { for x in columns { sum += input.elements[plane + y * operand[3] + x] } }
                output.elements[to] = sum / Double(divisor)
            }
        }
        return output
    }

    func backward(_ gradient: ReferenceValue, input: ReferenceValue) -> ReferenceValue {
        var toInput = ReferenceValue(zeros: operand)
        forEachWindow { to, plane, rows, columns, divisor in
            let flow = gradient.elements[to]
            switch layer.operation {
            case .maximum: toInput.elements[largest(input, plane, rows, columns)] += flow
            case .average:
                let share = flow / Double(divisor)
                for y in rows { for x in columns { toInput.elements[plane + y * operand[3] + x] += share } }
            }
        }
        return toInput
    }

    /// Index of a window's largest element: the first of equals, and a NaN before all, as in PyTorch.
    private func largest(
        _ input: ReferenceValue, _ plane: Int, _ rows: Range<Int>, _ columns: Range<Int>
    ) -> Int {
        var best = plane + rows.lowerBound * operand[3] + columns.lowerBound
        for y in rows {
            for x in columns {
                let index = plane + y * operand[3] + x
                let value = input.elements[index]
                if value > input.elements[best] || value.isNaN { best = index }
            }
        }
        return best
    }

    /// Visits each window: index of its result, start of its plane in the operand, the rows and columns that
    /// exist, and what an average divides by.
    private func forEachWindow(_ body: (Int, Int, Range<Int>, Range<Int>, Int) -> Void) {
        let (height, width) = (operand[2], operand[3])
        for plane in 0..<(result[0] * result[1]) {
            for row in 0..<result[2] {
                let (rows, tall) = span(
                    row, stride: layer.stride.height, window: layer.window.height, before: layer.padding.top,
                    after: layer.padding.bottom, size: height)
                for column in 0..<result[3] {
                    let (columns, wide) = span(
                        column, stride: layer.stride.width, window: layer.window.width,
                        before: layer.padding.left, after: layer.padding.right, size: width)
                    let divisor = layer.countsPadding ? tall * wide : rows.count * columns.count
                    let to = (plane * result[2] + row) * result[3] + column
                    body(to, plane * height * width, rows, columns, divisor)
                }
            }
        }
    }

    /// The elements that window `index` sees along one axis, and its length with padding. What `ceilMode` adds
    /// beyond the padding never counts.
    private func span(
        _ index: Int, stride: Int, window: Int, before: Int, after: Int, size: Int
    ) -> (elements: Range<Int>, length: Int) {
        let start = index * stride - before
        let end = min(start + window, size + after)
        return (max(start, 0)..<min(end, size), end - start)
    }
}
