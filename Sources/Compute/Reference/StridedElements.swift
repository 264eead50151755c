import ZooTensors

/// Some elements of a value in some order: place `[i₀, i₁, …]` within the extents is element
/// `start + i₀·strides[0] + i₁·strides[1] + …`. A stride of 0 repeats.
struct StridedElements {
    let extents: [Int]
    let strides: [Int]
    let start: Int

    init(extents: [Int], strides: [Int], start: Int = 0) {
        self.extents = extents
        self.strides = strides
        self.start = start
    }

    /// A value under a larger shape, along whose other axes it is repeated.
    init(_ shape: TensorShape, repeatedTo larger: TensorShape) {
        self.init(
            extents: larger.dimensions,
            strides: zip(shape.dimensions, shape.contiguousStrides).map { $0 == 1 ? 0 : $1 })
    }

    /// A value with its axes in another order.
    init(_ shape: TensorShape, permuted axes: [Int]) {
        let strides = shape.contiguousStrides
        self.init(extents: axes.map { shape[$0] }, strides: axes.map { strides[$0] })
    }

    /// A part of a value's, which begins at an offset along each axis.
    init(_ shape: TensorShape, part: TensorShape, at offsets: [Int]) {
        let strides = shape.contiguousStrides
        self.init(
            extents: part.dimensions, strides: strides,
            start: zip(offsets, strides).reduce(0) { $0 + $1.0 * $1.1 })
    }

    /// The elements in order.
    func gathered(_ elements: [Double]) -> [Double] {
        var values: [Double] = []
        values.reserveCapacity(extents.reduce(1, *))
        forEach { values.append(elements[$0]) }
        return values
    }

    /// Adds values in order, each to the element that it would be gathered from.
    func scatter(_ values: [Double], adding elements: inout [Double]) {
        var next = 0
        forEach {
            elements[$0] += values[next]
            next += 1
        }
    }

    private func forEach(_ body: (Int) -> Void) {
        let last = extents.count - 1
        var place = [Int](repeating: 0, count: extents.count)
        var position = start
        while true {
            for step in 0..<extents[last] { body(position + step * strides[last]) }
            // The next row, like an odometer.
            var axis = last - 1
            while axis >= 0 {
                place[axis] += 1
                position += strides[axis]
                if place[axis] < extents[axis] { break }
                position -= extents[axis] * strides[axis]
                place[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
