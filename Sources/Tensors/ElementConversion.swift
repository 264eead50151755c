/// Conversion of many numbers from one type to another, piece by piece, as ``Tensor/converted(to:)`` does it.
package struct ElementConversion: Sendable, Hashable {
    /// The type that the numbers have.
    package let source: ElementType
    /// The type that they get.
    package let target: ElementType

    /// - Throws: ``ZooError`` for types between which numbers aren't converted.
    package init(from source: ElementType, to target: ElementType) throws(ZooError) {
        self.source = source
        self.target = target
        // Says no for a pair of types that has no conversion.
        _ = try Tensor(zeros: [1], elementType: source).converted(to: target)
    }

    /// Converts whole elements and lends the result.
    package func convert(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        if source == target { return try unsafe body(bytes) }
        let count = bytes.count / source.byteCount
        switch (source, target) {
        case (.f32, .f16): try unsafe map(bytes, count, { HalfPrecision.half(from: $0) }, body)
        case (.f32, .bf16): try unsafe map(bytes, count, { HalfPrecision.brain(from: $0) }, body)
        case (.f16, .f32): try unsafe map(bytes, count, { HalfPrecision.float(fromHalf: $0) }, body)
        case (.bf16, .f32): try unsafe map(bytes, count, { HalfPrecision.float(fromBrain: $0) }, body)
        case (.f64, .f32): try unsafe map(bytes, count, { (value: Double) in Float(value) }, body)
        case (.f32, .f64): try unsafe map(bytes, count, { (value: Float) in Double(value) }, body)
        case (.f16, .f64): try unsafe map(bytes, count, { Double(HalfPrecision.float(fromHalf: $0)) }, body)
        case (.bf16, .f64): try unsafe map(bytes, count, { Double(HalfPrecision.float(fromBrain: $0)) }, body)
        default:
            let piece = try unsafe Tensor(shape: TensorShape([count]), elementType: source) {
                (memory) throws(ZooError) in
                unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<memory.count]))
            }
            try unsafe piece.converted(to: target).withContiguousBytes(body)
        }
    }

    /// A loop of its own for each pair of types, into which the closure is inlined.
    @inline(__always)
    private func map<Source: BitwiseCopyable, Target: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, _ count: Int, _ transform: (Source) -> Target,
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let result = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, 1) * MemoryLayout<Target>.stride, alignment: 64)
        defer { unsafe result.deallocate() }
        for index in 0..<count {
            let value = unsafe bytes.loadUnaligned(
                fromByteOffset: index * MemoryLayout<Source>.stride, as: Source.self)
            unsafe result.storeBytes(
                of: transform(value), toByteOffset: index * MemoryLayout<Target>.stride, as: Target.self)
        }
        try unsafe body(
            UnsafeRawBufferPointer(rebasing: result[0..<(count * MemoryLayout<Target>.stride)]))
    }
}
