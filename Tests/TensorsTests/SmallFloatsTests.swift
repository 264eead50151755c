import Testing
import ZooTensors

@Suite struct SmallFloatsTests {
    private func widen(_ bytes: [UInt8], _ type: ElementType) throws -> [Float] {
        try Tensor(bytes, shape: TensorShape([bytes.count])).reinterpreted(as: type).floats()
    }

    /// The largest, the smallest, one, minus one and the special bytes of each format, as its definition has them.
    @Test func eightBitFloatsWiden() throws {
        #expect(try widen([0x7E, 0x01, 0x38, 0xB8, 0x08], .f8e4m3) == [448, 0x1p-9, 1, -1, 0x1p-6])
        #expect(try widen([0x7F, 0xFF], .f8e4m3).allSatisfy(\.isNaN))
        #expect(
            try widen([0x7B, 0x01, 0x3C, 0x7C, 0xFC], .f8e5m2) == [57_344, 0x1p-16, 1, .infinity, -.infinity])
        #expect(try widen([0x7F, 0x01, 0x40, 0xC0], .f8e4m3fnuz) == [240, 0x1p-10, 1, -1])
        #expect(try widen([0x7F, 0x01, 0x40, 0xC0], .f8e5m2fnuz) == [57_344, 0x1p-17, 1, -1])
        #expect(try widen([0x80], .f8e4m3fnuz)[0].isNaN && widen([0x80], .f8e5m2fnuz)[0].isNaN)
        #expect(try widen([0x7F, 0x00, 0xFE], .f8e8m0) == [1, 0x1p-127, 0x1p127])
        #expect(try widen([0xFF], .f8e8m0)[0].isNaN)
    }

    @Test func unsignedNumbersOfAllWidths() throws {
        let large = try Tensor([UInt64.max, 1 << 63, 5], shape: [3])
        #expect(try large.doubles() == [0x1p64, 0x1p63, 5])
        #expect(throws: ZooError.self) { try large.converted(to: .i64) }
        let short = try Tensor([UInt16.max, 0], shape: [2])
        #expect(try short.converted(to: .i32).scalars(Int32.self) == [65_535, 0])
        #expect(try short.converted(to: .u64).scalars(UInt64.self) == [65_535, 0])
        #expect(throws: ZooError.self) { try short.converted(to: .i16) }
        #expect(try Tensor([UInt32.max], shape: [1]).floats() == [0x1p32])
    }

    /// Complex numbers are copied, never made real in silence.
    @Test func complexNumbersStayComplex() throws {
        let pairs = try Tensor([Float(1), 2, 3, 4], shape: [4])
        let complex = try Tensor(storage: pairs.storage, elementType: .c64, shape: [2])
        #expect(complex.byteCount == 16)
        #expect(throws: ZooError.self) { try complex.floats() }
        #expect(throws: ZooError.self) { try pairs.converted(to: .c64) }
        #expect(throws: ZooError.self) { try pairs.converted(to: .f8e4m3) }
    }
}
