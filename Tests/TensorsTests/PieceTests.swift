import Testing
import ZooTensors

/// Work in pieces gives what work on the whole gives.
@Suite struct PieceTests {
    private func joined(_ tensor: Tensor) throws -> (bytes: [UInt8], largest: Int) {
        var bytes: [UInt8] = []
        var largest = 0
        try unsafe tensor.forEachPiece { (piece) throws(ZooError) in
            unsafe bytes.append(contentsOf: piece)
            largest = max(largest, piece.count)
        }
        return (bytes, largest)
    }

    @Test func ofTensors() throws {
        let numbers = try Tensor((0..<900_000).map { Float($0) }, shape: [3, 300_000])
        for tensor in [
            numbers, try numbers.permuted([1, 0]), try numbers.reshaped([300, 3_000]).permuted([1, 0]),
            try numbers.sliced(axis: 1, 1..<299_999), try Tensor(zeros: [0, 4]),
            try Tensor([Float(1)], shape: []),
            // One row of it is more than a piece.
            try numbers.reshaped([2, 3, 150_000]).permuted([0, 2, 1]),
        ] {
            let (bytes, largest) = try joined(tensor)
            #expect(try bytes == tensor.bytes(), "\(tensor.shape) \(tensor.strides)")
            #expect(largest <= 1 << 20)
        }
    }

    @Test func ofSources() throws {
        let source = ByteSource(bytes: (0..<(5 << 19)).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        for (offset, count, unit) in [(0, 5 << 19, 1), (3, 2_000_000, 12), (7, 5, 8), (9, 0, 4)] {
            var bytes: [UInt8] = []
            try unsafe source.forEachPiece(at: offset, count: count, unit: unit) { (piece) throws(ZooError) in
                #expect(piece.count.isMultiple(of: unit) || bytes.count + piece.count == count)
                unsafe bytes.append(contentsOf: piece)
            }
            #expect(try bytes == source.bytes(at: offset, count: count))
        }
        #expect(throws: ZooError.self) {
            try unsafe source.forEachPiece(at: 5, count: 5 << 19) { _ throws(ZooError) in }
        }
    }

    /// The fast ways give the bits of the slow one, for every pattern of the upper half of a float and some below.
    @Test(arguments: [
        (ElementType.f32, ElementType.f16), (.f32, .bf16), (.f16, .f32), (.bf16, .f32), (.f64, .f32),
        (.f64, .bf16),
        (.i32, .f32), (.f8e4m3, .f16), (.f32, .f64), (.f16, .f64), (.bf16, .f64),
    ])
    func ofConversions(source: ElementType, target: ElementType) throws {
        let patterns: [UInt32] = (0..<65_536).flatMap { high in
            [0, 1, 0x0FFF, 0x1000, 0x7FFF, 0x8000, 0x8001, 0xFFFF].map { UInt32(high) << 16 | $0 }
        }
        let bytes = patterns.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        let tensor = try Tensor(
            storage: TensorStorage(bytes: bytes), elementType: source, shape: [bytes.count / source.byteCount]
        )
        let conversion = try ElementConversion(from: source, to: target)
        var converted: [UInt8] = []
        try unsafe tensor.forEachPiece { (piece) throws(ZooError) in
            try unsafe conversion.convert(piece) { (result) throws(ZooError) in
                unsafe converted.append(contentsOf: result)
            }
        }
        #expect(try converted == tensor.converted(to: target).bytes())
    }

    @Test func conversionsThatThereArentAreRefused() {
        for (source, target) in [(ElementType.c64, ElementType.f32), (.f32, .f8e4m3), (.f32, .i32)] {
            #expect(throws: ZooError.self) { try ElementConversion(from: source, to: target) }
        }
    }
}
