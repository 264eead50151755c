extension Tensor {
    /// The elements in row-major order, as the type they are stored in.
    /// - Throws: ``ZooError`` when `Scalar` isn't the tensor's element type; use ``converted(to:)`` first.
    public func scalars<Scalar: TensorScalar>(_ type: Scalar.Type) throws(ZooError) -> [Scalar] {
        guard Scalar.elementType == elementType else {
            throw ZooError(
                .mismatch, "the elements have another type", expected: Scalar.elementType.rawValue,
                found: elementType.rawValue)
        }
        return try unsafe withContiguousBytes { (bytes) throws(ZooError) in
            unsafe Array(bytes.bindMemory(to: Scalar.self))
        }
    }

    /// The elements in row-major order, converted to `Float`.
    public func floats() throws(ZooError) -> [Float] { try converted(to: .f32).scalars(Float.self) }

    /// The elements in row-major order, converted to `Double`.
    public func doubles() throws(ZooError) -> [Double] { try converted(to: .f64).scalars(Double.self) }

    /// The elements' bytes in row-major order, little-endian.
    public func bytes() throws(ZooError) -> [UInt8] {
        try unsafe withContiguousBytes { (bytes) throws(ZooError) in unsafe Array(bytes) }
    }

    /// Lends the elements' bytes in row-major order, copying only if this is a strided view.
    package func withContiguousBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Result
    ) throws(ZooError) -> Result {
        let source = try contiguous()
        let start = source.offset * elementType.byteCount
        return try unsafe source.storage.withUnsafeBytes { (bytes) throws(ZooError) in
            guard source.elementCount > 0 else {
                return try unsafe body(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return try unsafe body(
                UnsafeRawBufferPointer(rebasing: bytes[start..<(start + source.byteCount)]))
        }
    }

    /// The same numbers as another type. Widening is exact; narrowing rounds to nearest even; half formats are
    /// reached through `f32`, as PyTorch does.
    /// - Throws: ``ZooError`` for a conversion that would lose more than precision (numbers to integers that
    ///   can't hold them).
    public func converted(to target: ElementType) throws(ZooError) -> Tensor {
        if target == elementType { return self }
        switch target {
        case .f64: return try Tensor(doubleValues(), shape: shape)
        case .f32: return try Tensor(floatValues(), shape: shape)
        case .f16, .bf16:
            let narrow = target == .f16 ? HalfPrecision.half(from:) : HalfPrecision.brain(from:)
            return try Tensor(try floatValues().map(narrow), shape: shape).reinterpreted(as: target)
        case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .c128, .c64, .c32:
            throw ZooError(
                .unsupported, "numbers are not turned into this type", expected: target.rawValue,
                found: elementType.rawValue)
        default: break
        }
        let values = try integerValues()
        switch target {
        case .u64: return try Tensor(narrowed(values, UInt64.self), shape: shape)
        case .u32: return try Tensor(narrowed(values, UInt32.self), shape: shape)
        case .u16: return try Tensor(narrowed(values, UInt16.self), shape: shape)
        case .i64: return try Tensor(values, shape: shape)
        case .i32: return try Tensor(narrowed(values, Int32.self), shape: shape)
        case .i16: return try Tensor(narrowed(values, Int16.self), shape: shape)
        case .i8: return try Tensor(narrowed(values, Int8.self), shape: shape)
        case .u8: return try Tensor(narrowed(values, UInt8.self), shape: shape)
        default:
            let flags: [UInt8] = values.map { $0 == 0 ? 0 : 1 }
            return try Tensor(flags, shape: shape).reinterpreted(as: .bool)
        }
    }

    /// The same bytes under another element type of the same width.
    public func reinterpreted(as other: ElementType) throws(ZooError) -> Tensor {
        guard other.byteCount == elementType.byteCount else {
            throw ZooError(
                .invalidArgument, "\(elementType.rawValue) and \(other.rawValue) elements differ in size")
        }
        return Tensor(
            uncheckedStorage: storage, elementType: other, shape: shape, strides: strides, offset: offset)
    }

    private func halves() throws(ZooError) -> [UInt16] {
        try reinterpreted(as: .u16).scalars(UInt16.self)
    }

    private func floatValues() throws(ZooError) -> [Float] {
        switch elementType {
        case .f32: try scalars(Float.self)
        case .f64: try scalars(Double.self).map { Float($0) }
        case .f16: try halves().map { HalfPrecision.float(fromHalf: $0) }
        case .bf16: try halves().map { HalfPrecision.float(fromBrain: $0) }
        case .u64: try scalars(UInt64.self).map { Float($0) }
        default:
            if let table = SmallFloats.table(of: elementType) {
                try reinterpreted(as: .u8).scalars(UInt8.self).map { table[Int($0)] }
            } else {
                try integerValues().map { Float($0) }
            }
        }
    }

    private func doubleValues() throws(ZooError) -> [Double] {
        switch elementType {
        case .f64: try scalars(Double.self)
        case .u64: try scalars(UInt64.self).map { Double($0) }
        default:
            if elementType.isFloatingPoint {
                try floatValues().map { Double($0) }
            } else {
                try integerValues().map { Double($0) }
            }
        }
    }

    private func integerValues() throws(ZooError) -> [Int64] {
        switch elementType {
        case .i64: return try scalars(Int64.self)
        case .u64: return try narrowed(scalars(UInt64.self), Int64.self)
        case .u32: return try scalars(UInt32.self).map { Int64($0) }
        case .u16: return try scalars(UInt16.self).map { Int64($0) }
        case .i32: return try scalars(Int32.self).map { Int64($0) }
        case .i16: return try scalars(Int16.self).map { Int64($0) }
        case .i8: return try scalars(Int8.self).map { Int64($0) }
        case .u8: return try scalars(UInt8.self).map { Int64($0) }
        case .bool: return try reinterpreted(as: .u8).scalars(UInt8.self).map { $0 == 0 ? 0 : 1 }
        default:
            throw ZooError(
                .unsupported,
                elementType.isComplex
                    ? "complex numbers are not turned into real ones"
                    : "floating-point numbers are not turned into integers", found: elementType.rawValue)
        }
    }

    private func narrowed<Large: FixedWidthInteger, Small: FixedWidthInteger>(
        _ values: [Large], _ type: Small.Type
    ) throws(ZooError) -> [Small] {
        var result: [Small] = []
        result.reserveCapacity(values.count)
        for value in values {
            guard let small = Small(exactly: value) else {
                throw ZooError(.mismatch, "the number \(value) doesn't fit the type \(type)")
            }
            result.append(small)
        }
        return result
    }
}
