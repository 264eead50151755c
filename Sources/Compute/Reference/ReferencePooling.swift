import ZooLayerGraphs
import ZooTensors

/// Pooling over windows of any kind: `torch.nn.functional.max_pool2d`, `avg_pool2d` and their adaptive forms, by
/// their definitions, with padding of its own on each side. Global pooling is one window over everything.
struct ReferencePooling: ReferenceOperation {
    let operation: Pooling.Operation
    /// Windows along each axis.
    let rows: [PoolingWindow]
    let columns: [PoolingWindow]
    /// Whether an average divides by the window's whole length.
    let countsPadding: Bool
    let result: TensorShape

    init(_ layer: Pooling, operand: TensorShape, result: TensorShape) {
        self.operation = layer.operation
        self.rows = (0..<result[2]).map {
            PoolingWindow(
                $0, stride: layer.stride.height, window: layer.window.height, before: layer.padding.top,
                after: layer.padding.bottom, size: operand[2])
        }
        self.columns = (0..<result[3]).map {
            PoolingWindow(
                $0, stride: layer.stride.width, window: layer.window.width, before: layer.padding.left,
                after: layer.padding.right, size: operand[3])
        }
        self.countsPadding = layer.countsPadding
        self.result = result
    }

    init(_ layer: AdaptivePooling, operand: TensorShape, result: TensorShape) {
        self.operation = layer.operation
        self.rows = (0..<result[2]).map { PoolingWindow($0, of: result[2], size: operand[2]) }
        self.columns = (0..<result[3]).map { PoolingWindow($0, of: result[3], size: operand[3]) }
        self.countsPadding = false
        self.result = result
    }

    init(_ layer: GlobalPooling, operand: TensorShape, result: TensorShape) {
        self.operation = layer.operation
        self.rows = [PoolingWindow(0, of: 1, size: operand[2])]
        self.columns = [PoolingWindow(0, of: 1, size: operand[3])]
        self.countsPadding = false
        self.result = result
    }

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        let input = operands[0].elements
        var output = [Double](repeating: 0, count: result.elementCount)
        forEachWindow(operands[0].shape) { to, window in
            switch operation {
            case .maximum: output[to] = input[window.largest(input)]
            case .average:
                var sum = 0.0
                window.forEach { sum += input[$0] }
                output[to] = sum / Double(window.divisor)
            }
        }
        return ReferenceValue(result, output)
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let input = operands[0].elements
        var toInput = [Double](repeating: 0, count: input.count)
        forEachWindow(operands[0].shape) { to, window in
            switch operation {
            case .maximum: toInput[window.largest(input)] += flow.elements[to]
            case .average:
                let share = flow.elements[to] / Double(window.divisor)
                window.forEach { toInput[$0] += share }
            }
        }
        return ReferenceGradients(operand: ReferenceValue(operands[0].shape, toInput))
    }

    /// Visits each window, with the index of its result.
    private func forEachWindow(_ operand: TensorShape, _ body: (Int, PlaneWindow) -> Void) {
        var to = 0
        for plane in 0..<(operand[0] * operand[1]) {
            for row in rows {
                for column in columns {
                    let divisor =
                        countsPadding
                        ? row.length * column.length : row.elements.count * column.elements.count
                    body(
                        to,
                        PlaneWindow(
                            start: plane * operand[2] * operand[3], width: operand[3], rows: row.elements,
                            columns: column.elements, divisor: divisor))
                    to += 1
                }
            }
        }
    }
}

/// What a window sees along one axis.
struct PoolingWindow {
    /// The elements that exist.
    let elements: Range<Int>
    /// Its length with padding. What `ceilMode` adds beyond the padding never counts.
    let length: Int

    /// A window that slides.
    init(_ index: Int, stride: Int, window: Int, before: Int, after: Int, size: Int) {
        let start = index * stride - before
        let end = min(start + window, size + after)
        self.elements = max(start, 0)..<min(end, size)
        self.length = end - start
    }

    /// One of `count` windows that divide an axis, overlapping where that doesn't come out even.
    init(_ index: Int, of count: Int, size: Int) {
        self.elements = (index * size / count)..<(((index + 1) * size + count - 1) / count)
        self.length = elements.count
    }
}

/// A window in its plane.
private struct PlaneWindow {
    let start: Int
    let width: Int
    let rows: Range<Int>
    let columns: Range<Int>
    /// What an average divides by.
    let divisor: Int

    func forEach(_ body: (Int) -> Void) {
        for row in rows { for column in columns { body(start + row * width + column) } }
    }

    /// Index of the largest element: the first of equals, and a NaN before all, as in PyTorch.
    func largest(_ input: [Double]) -> Int {
        var best = start + rows.lowerBound * width + columns.lowerBound
        forEach { if input[$0] > input[best] || input[$0].isNaN { best = $0 } }
        return best
    }
}
