/// What a tensor's numbers are like: range, mean and spread of the finite ones, and how many are not finite or zero.
public struct TensorStatistics: Sendable, Hashable {
    /// Number of elements.
    public private(set) var count = 0
    /// Elements that are not a number.
    public private(set) var nanCount = 0
    /// Elements that are infinite.
    public private(set) var infinityCount = 0
    /// Elements that are zero, of either sign.
    public private(set) var zeroCount = 0
    /// The smallest finite element; `nil` when there is none.
    public private(set) var minimum: Double?
    /// The largest finite element; `nil` when there is none.
    public private(set) var maximum: Double?
    /// Mean of the finite elements.
    public private(set) var mean: Double?
    /// Standard deviation of the finite elements: the root of their mean squared distance from the mean.
    public private(set) var standardDeviation: Double?

    /// Looks at every element.
    /// - Throws: ``ZooError`` for complex numbers, which have no order.
    public init(_ tensor: Tensor) throws(ZooError) {
        switch tensor.elementType {
        case .f32: try accumulate(tensor, Float.self) { Double($0) }
        case .f64: try accumulate(tensor, Double.self) { $0 }
        case .i64: try accumulate(tensor, Int64.self) { Double($0) }
        case .f16, .bf16, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0:
            try accumulate(tensor.converted(to: .f32), Float.self) { Double($0) }
        case .i32, .i16, .i8, .u32, .u16, .u8, .bool:
            try accumulate(tensor.converted(to: .i64), Int64.self) { Double($0) }
        case .u64: try accumulate(tensor, UInt64.self) { Double($0) }
        case .c128, .c64, .c32:
            throw ZooError(.unsupported, "complex numbers have no order", found: tensor.elementType.rawValue)
        }
    }

    /// Two passes, so that the spread of numbers far from zero is right.
    private mutating func accumulate<Scalar: TensorScalar>(
        _ tensor: Tensor, _ type: Scalar.Type, _ double: (Scalar) -> Double
    ) throws(ZooError) {
        let result = try unsafe tensor.withContiguousBytes { (bytes) throws(ZooError) in
            let scalars = unsafe bytes.bindMemory(to: Scalar.self)
            var (nans, infinities, zeros) = (0, 0, 0)
            var (least, most, sum) = (Double.infinity, -Double.infinity, 0.0)
            for index in scalars.indices {
                let value = double(unsafe scalars[index])
                guard value.isFinite else {
                    if value.isNaN { nans += 1 } else { infinities += 1 }
                    continue
                }
                if value == 0 { zeros += 1 }
                if value < least { least = value }
                if value > most { most = value }
                sum += value
            }
            let finite = scalars.count - nans - infinities
            let mean = finite > 0 ? sum / Double(finite) : 0
            var squares = 0.0
            for index in scalars.indices {
                let distance = double(unsafe scalars[index]) - mean
                if distance.isFinite { squares += distance * distance }
            }
            return (nans, infinities, zeros, finite, least, most, mean, squares)
        }
        count = tensor.elementCount
        (nanCount, infinityCount, zeroCount) = (result.0, result.1, result.2)
        guard result.3 > 0 else { return }
        (minimum, maximum, mean) = (result.4, result.5, result.6)
        standardDeviation = (result.7 / Double(result.3)).squareRoot()
    }
}

extension Tensor {
    /// How many of an `f32` tensor's numbers are no numbers, and how many are infinite; `nil` when all are finite.
    package func nonFiniteCounts() throws(ZooError) -> (nans: Int, infinities: Int)? {
        let count = try unsafe withContiguousBytes { (bytes) throws(ZooError) in
            let words = unsafe bytes.bindMemory(to: UInt32.self)
            var count: UInt32 = 0
            // Without a branch, so that it goes as fast as memory does.
            for index in words.indices {
                count &+= (unsafe words[index]) & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
            }
            return count
        }
        if count == 0 { return nil }
        let statistics = try TensorStatistics(self)
        return (statistics.nanCount, statistics.infinityCount)
    }
}
