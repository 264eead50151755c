import Testing
import ZooTensors

@Suite struct TensorStatisticsTests {
    @Test func rangeMeanAndSpread() throws {
        let statistics = try TensorStatistics(Tensor([Float(1), 2, 3, 4, 0, -0.0], shape: [2, 3]))
        #expect(statistics.count == 6 && statistics.zeroCount == 2)
        #expect(statistics.minimum == 0 && statistics.maximum == 4)
        #expect(statistics.mean == 10.0 / 6)
        // The squares' mean, 30/6, less the mean's square, 100/36.
        let spread: Double = (30.0 / 6 - 100.0 / 36).squareRoot()
        #expect(abs((statistics.standardDeviation ?? 0) - spread) < 1e-12)
    }

    /// What isn't finite is counted and otherwise left out.
    @Test func whatIsNotFinite() throws {
        let values: [Double] = [.nan, .infinity, -.infinity, 5, 7]
        let statistics = try TensorStatistics(Tensor(values, shape: [5]))
        #expect(statistics.nanCount == 1 && statistics.infinityCount == 2)
        #expect(statistics.minimum == 5 && statistics.maximum == 7 && statistics.mean == 6)
        #expect(statistics.standardDeviation == 1)
        let none = try TensorStatistics(Tensor([Float.nan], shape: [1]))
        #expect(none.mean == nil && none.minimum == nil && none.standardDeviation == nil)
        #expect(try TensorStatistics(Tensor(zeros: [0])).count == 0)
    }

    /// Numbers far from zero keep their spread; every real type has statistics.
    @Test func everyRealType() throws {
        let far = try TensorStatistics(Tensor([Float(1e6 + 1), 1e6 - 1], shape: [2]))
        #expect(far.standardDeviation == 1)
        for type in ElementType.allCases where !type.isComplex {
            let zeros = try TensorStatistics(Tensor(zeros: [4], elementType: type))
            // The all-zero byte of f8_e8m0 is 2⁻¹²⁷.
            #expect(zeros.zeroCount == (type == .f8e8m0 ? 0 : 4), "\(type)")
        }
        #expect(try TensorStatistics(Tensor([UInt64.max], shape: [1])).maximum == 0x1p64)
        #expect(throws: ZooError.self) { try TensorStatistics(Tensor(zeros: [1], elementType: .c64)) }
    }
}
