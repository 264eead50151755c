public import ZooTensors

/// How far numbers may lie apart and still count as equal: |a − b| ≤ absolute + relative · |b|, as in NumPy and PyTorch.
/// NaN equals NaN.
public struct Tolerance: Sendable, Hashable {
    /// Allowed in any case.
    public var absolute: Double
    /// Allowed per unit of the second number.
    public var relative: Double

    /// A tolerance; the default allows nothing.
    public init(absolute: Double = 0, relative: Double = 0) {
        self.absolute = absolute
        self.relative = relative
    }
}

/// How the numbers of two tensors of one shape differ.
public struct ValueDifference: Sendable, Hashable {
    /// The element that lies furthest apart.
    public struct Worst: Sendable, Hashable {
        /// Its index along each axis.
        public let index: [Int]
        /// Its value in the first tensor; of a complex number, the part that differs more.
        public let first: Double
        /// Its value in the second.
        public let second: Double

        package init(index: [Int], first: Double, second: Double) {
            self.index = index
            self.first = first
            self.second = second
        }
    }

    /// Elements beyond the tolerance.
    public internal(set) var differingCount = 0
    /// Elements that are NaN in just one of the two.
    public internal(set) var unmatchedNaNCount = 0
    /// Largest |a − b|; infinite where one is NaN or infinite and the other is another number.
    public internal(set) var maximumAbsolute = 0.0
    /// Largest |a − b| / |b|; infinite where b is zero and a isn't.
    public internal(set) var maximumRelative = 0.0
    /// Cosine of the angle between the tensors as vectors of their finite elements; 1 for two of zero length.
    public internal(set) var cosine = 1.0
    /// The worst element, where any differ.
    public internal(set) var worst: Worst?

    package init() {}
}

/// How two tensors of the same name differ.
public struct TensorDifference: Sendable {
    /// The name that both have.
    public let name: String
    /// The first, as it is in its file.
    public let first: CheckpointTensor
    /// The second.
    public let second: CheckpointTensor
    /// How the numbers differ; `nil` when the shapes do.
    public let values: ValueDifference?

    /// Whether the shapes differ.
    public var hasOtherShape: Bool { first.shape != second.shape }
    /// Whether the types differ.
    public var hasOtherType: Bool { first.elementType != second.elementType }

    /// Compares two tensors. The first is loaded, the second passes by in pieces; twice if they aren't the same bytes.
    /// - Throws: ``ZooError`` when one can't be read.
    public init(
        name: String, _ first: CheckpointTensor, _ second: CheckpointTensor,
        tolerance: Tolerance = Tolerance(), progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        self.name = name
        self.first = first
        self.second = second
        guard first.shape == second.shape else {
            values = nil
            return
        }
        let left = try first.load().contiguous()
        if first.elementType == second.elementType,
            try TensorDifference.isSame(left, second, progress: progress)
        {
            values = ValueDifference()
            return
        }
        do throws(ZooError) {
            values = try TensorDifference.values(left, second, tolerance: tolerance)
        } catch {
            throw error.adding(tensor: name)
        }
    }

    private static func isSame(
        _ left: Tensor, _ right: CheckpointTensor, progress: (Int) -> Void
    ) throws(ZooError) -> Bool {
        try unsafe left.withContiguousBytes { (bytes) throws(ZooError) in
            var place = 0
            var isSame = true
            try unsafe right.forEachPiece { (piece) throws(ZooError) in
                if isSame {
                    let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<(place + piece.count)])
                    isSame = unsafe part.elementsEqualBytes(piece)
                }
                place += piece.count
                progress(piece.count)
            }
            return isSame
        }
    }

    private static func values(
        _ left: Tensor, _ right: CheckpointTensor, tolerance: Tolerance
    ) throws(ZooError) -> ValueDifference {
        var tally = ValueTally(tolerance)
        let types = (left.elementType, right.elementType)
        let isWideInteger = types.0 == types.1 && (types.0 == .i64 || types.0 == .u64)
        try unsafe left.withContiguousBytes { (bytes) throws(ZooError) in
            var place = 0
            try unsafe right.forEachPiece { (piece) throws(ZooError) in
                let count = piece.count / types.1.byteCount
                let start = place * types.0.byteCount
                let part = unsafe UnsafeRawBufferPointer(
                    rebasing: bytes[start..<(start + count * types.0.byteCount)])
                place += count
                if isWideInteger {
                    unsafe tally.add(integers: part, piece, isSigned: types.0 == .i64)
                    return
                }
                try unsafe asDoubles(part, types.0) { (a) throws(ZooError) in
                    try unsafe asDoubles(piece, types.1) { (b) throws(ZooError) in unsafe tally.add(a, b) }
                }
            }
        }
        return tally.result(shape: left.shape, partsPerElement: types.0.isComplex ? 2 : 1)
    }

    /// The numbers as 64-bit floats; two for a complex one.
    private static func asDoubles(
        _ bytes: UnsafeRawBufferPointer, _ type: ElementType,
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let part: ElementType =
            switch type {
            case .c128: .f64
            case .c64: .f32
            case .c32: .f16
            default: type
            }
        try unsafe ElementConversion(from: part, to: .f64).convert(bytes, body)
    }
}

/// What has been seen of two tensors' numbers.
private struct ValueTally {
    private let tolerance: Tolerance
    private var values = ValueDifference()
    private var position = 0
    private var worstPosition: (Int, Double, Double)?
    private var products = 0.0
    private var leftSquares = 0.0
    private var rightSquares = 0.0

    init(_ tolerance: Tolerance) { self.tolerance = tolerance }

    mutating func add(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) {
        let count = min(left.count, right.count) / 8
        for index in 0..<count {
            let a = unsafe left.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            let b = unsafe right.loadUnaligned(fromByteOffset: index * 8, as: Double.self)
            if a.isFinite, b.isFinite {
                products += a * b
                leftSquares += a * a
                rightSquares += b * b
            }
            if a != b { add(a, b, distance: abs(a - b), at: position + index) }
        }
        position += count
    }

    mutating func add(integers left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, isSigned: Bool)
    {
        let count = min(left.count, right.count) / 8
        for index in 0..<count {
            let a = unsafe left.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
            let b = unsafe right.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)
            let (x, y) = (Int64(bitPattern: a), Int64(bitPattern: b))
            let (first, second) = isSigned ? (Double(x), Double(y)) : (Double(a), Double(b))
            products += first * second
            leftSquares += first * first
            rightSquares += second * second
            guard a != b else { continue }
            // Exact, where the floats of two neighbours could be the same.
            let isLess = isSigned ? x < y : a < b
            add(first, second, distance: Double(isLess ? b &- a : a &- b), at: position + index)
        }
        position += count
    }

    private mutating func add(_ a: Double, _ b: Double, distance: Double, at place: Int) {
        if a.isNaN, b.isNaN { return }
        var distance = distance
        if a.isNaN != b.isNaN {
            values.unmatchedNaNCount += 1
            distance = .infinity
        }
        let isWithin = distance <= tolerance.absolute + tolerance.relative * abs(b)
        if !isWithin || !distance.isFinite { values.differingCount += 1 }
        let relative = b == 0 || !b.isFinite || !distance.isFinite ? .infinity : distance / abs(b)
        values.maximumRelative = max(values.maximumRelative, relative)
        if worstPosition == nil || distance > values.maximumAbsolute {
            values.maximumAbsolute = distance
            worstPosition = (place, a, b)
        }
    }

    func result(shape: TensorShape, partsPerElement: Int) -> ValueDifference {
        var result = values
        if let (place, first, second) = worstPosition {
            var rest = place / partsPerElement
            var index: [Int] = []
            for stride in shape.contiguousStrides {
                index.append(rest / max(stride, 1))
                rest %= max(stride, 1)
            }
            result.worst = ValueDifference.Worst(index: index, first: first, second: second)
        }
        let lengths = (leftSquares * rightSquares).squareRoot()
        if leftSquares == 0, rightSquares == 0 {
            result.cosine = 1
        } else {
            result.cosine = lengths > 0 ? max(-1, min(1, products / lengths)) : 0
        }
        return result
    }
}
