/// The extent of a tensor along each axis; `[]` is a scalar. Every dimension is ≥ 0.
public struct TensorShape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Extents, outermost axis first.
    public let dimensions: [Int]
    /// Product of the dimensions, 1 for a scalar.
    public let elementCount: Int

    /// Makes a shape from numbers that a file or a user gave.
    /// - Throws: ``ZooError`` when a dimension is negative or the product does not fit in 63 bits.
    public init(checking dimensions: [Int]) throws(ZooError) {
        var count = 1
        var hasZero = false
        for dimension in dimensions {
            guard dimension >= 0 else {
                throw ZooError(.corrupt, "a dimension of the shape \(dimensions) is negative")
            }
            if dimension == 0 { hasZero = true; continue }
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                throw ZooError(.corrupt, "the shape \(dimensions) has more elements than any memory holds")
            }
            count = product
        }
        self.dimensions = dimensions
        self.elementCount = hasZero ? 0 : count
    }

    /// Makes a shape from numbers that the program itself chose.
    /// Negative dimensions count as 0 and the product saturates, so that no input can trap here.
    public init(_ dimensions: [Int]) {
        self.dimensions = dimensions.map { max($0, 0) }
        self.elementCount = self.dimensions.reduce(1) { partial, dimension in
            let (product, overflow) = partial.multipliedReportingOverflow(by: dimension)
            return overflow ? .max : product
        }
    }

    /// Makes a shape from a literal.
    public init(arrayLiteral elements: Int...) { self.init(elements) }

    /// Number of axes.
    public var rank: Int { dimensions.count }

    /// The extent along an axis.
    public subscript(axis: Int) -> Int { dimensions[axis] }

    /// Row-major strides in elements.
    public var contiguousStrides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        var running = 1
        for axis in dimensions.indices.reversed() {
            strides[axis] = running
            running = running.multipliedReportingOverflow(by: max(dimensions[axis], 1)).partialValue
        }
        return strides
    }

    /// `[6, 1, 5, 5]`.
    public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
