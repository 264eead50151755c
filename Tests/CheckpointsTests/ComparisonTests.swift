import Testing
import ZooCheckpoints
import ZooTensors

@Suite struct ComparisonTests {
    private func table(_ tensors: [(String, Tensor)]) -> [CheckpointTensor] {
        tensors.map { CheckpointTensor(name: $0.0, tensor: $0.1) }
    }

    private func floats(_ values: [Float], _ shape: TensorShape? = nil) throws -> Tensor {
        try Tensor(values, shape: shape ?? [values.count])
    }

    private func values(
        _ first: Tensor, _ second: Tensor, _ tolerance: Tolerance = Tolerance()
    ) throws -> ValueDifference? {
        try TensorDifference(
            name: "x", CheckpointTensor(name: "x", tensor: first),
            CheckpointTensor(name: "x", tensor: second),
            tolerance: tolerance
        ).values
    }

    @Test func theWorstElementIsNamed() throws {
        let first = try floats([1, 2, 3, 4, 5, 6], [2, 3])
        let second = try floats([1, 2.5, 3, 4, 7, 6], [2, 3])
        let found = try #require(try values(first, second))
        #expect(found.differingCount == 2 && found.maximumAbsolute == 2)
        #expect(found.worst == ValueDifference.Worst(index: [1, 1], first: 5, second: 7))
        #expect(abs(found.maximumRelative - 2.0 / 7) < 1e-15)
        // 1+5+9+16+35+36 over the square roots of 91 and 1+6.25+9+16+49+36
        #expect(abs(found.cosine - 102 / (91 * 117.25).squareRoot()) < 1e-15)
        // A transposed view of the same numbers is compared by place, not by memory.
        let turned = try values(first.permuted([1, 0]).contiguous().permuted([1, 0]), second)
        #expect(turned == found)
    }

    @Test func tolerancesAreNumPys() throws {
        let (first, second) = (try floats([1, 100]), try floats([1.05, 101]))
        #expect(try values(first, second, Tolerance(relative: 0.05))?.differingCount == 0)
        #expect(try values(first, second, Tolerance(relative: 0.02))?.differingCount == 1)
        #expect(try values(first, second, Tolerance(absolute: 0.06))?.differingCount == 1)
        #expect(try values(first, second, Tolerance(absolute: 1))?.differingCount == 0)
    }

    @Test func numbersThatAreNone() throws {
        let nan = Float.nan, infinite = Float.infinity
        #expect(
            try values(
                floats([nan, infinite, 0]), floats([Float(bitPattern: 0x7FC0_0001), infinite, -0.0]))?
                .differingCount == 0)
        let found = try #require(
            try values(
                floats([nan, 1, infinite]), floats([1, 1, 5]), Tolerance(absolute: 1e9, relative: 1e9)))
        #expect(found.differingCount == 2 && found.unmatchedNaNCount == 1)
        #expect(found.maximumAbsolute == .infinity && found.worst?.index == [0] && found.cosine == 1)
        #expect(try values(floats([1]), floats([0]))?.maximumRelative == .infinity)
        #expect(try values(floats([0]), floats([0]))?.cosine == 1)
        #expect(try values(floats([0]), floats([1]))?.cosine == 0)
        #expect(try values(floats([1, 0]), floats([-1, 0]))?.cosine == -1)
        #expect(try values(floats([], [0, 3]), floats([], [0, 3])) == ValueDifference())
    }

    @Test func wideIntegersAreComparedExactly() throws {
        let big = Int64(1) << 60
        let found = try values(Tensor([big, -1], shape: [2]), Tensor([big + 1, -1], shape: [2]))
        #expect(found?.differingCount == 1 && found?.maximumAbsolute == 1 && found?.worst?.index == [0])
        let far = try values(Tensor([Int64.min], shape: []), Tensor([Int64.max], shape: []))
        #expect(far?.maximumAbsolute == 0x1p64 && far?.worst?.index == [])
        let unsigned = try values(Tensor([UInt64.max], shape: [1]), Tensor([UInt64.max - 2], shape: [1]))
        #expect(unsigned?.maximumAbsolute == 2)
    }

    @Test func complexNumbersAndOtherTypes() throws {
        let parts = try floats([1, 2, 3, 4])
        let complex = try Tensor(storage: parts.storage, elementType: .c64, shape: [2])
        let other = try Tensor(storage: floats([1, 2, 3, 5]).storage, elementType: .c64, shape: [2])
        #expect(try values(complex, other)?.worst == ValueDifference.Worst(index: [1], first: 4, second: 5))
        #expect(try values(parts, parts.converted(to: .bf16))?.differingCount == 0)
        #expect(try values(Tensor([UInt8(3)], shape: [1]), floats([3.5]))?.maximumAbsolute == 0.5)
    }

    @Test func tables() throws {
        let one = try floats([1, 2]), far = try floats([1, 12]), near = try floats([1, 3])
        let first = table([
            ("same", one), ("near", one), ("far", one), ("shape", one), ("type", one), ("gone", one),
        ])
        let second = table([
            ("type", try one.converted(to: .f16)), ("shape", try one.reshaped([2, 1])), ("far", far),
            ("near", near),
            ("same", one), ("new", one),
        ])
        let comparison = try TableComparison(first, second)
        #expect(comparison.differences.map(\.name) == ["shape", "far", "near", "type"])
        #expect(comparison.equalCount == 1 && !comparison.isEqual)
        #expect(comparison.onlyInFirst == ["gone"] && comparison.onlyInSecond == ["new"])
        #expect(comparison.differences[0].hasOtherShape && comparison.differences[0].values == nil)
        #expect(
            comparison.differences[3].hasOtherType && comparison.differences[3].values?.differingCount == 0)
        var options = TableComparison.Options()
        options.ignoresTypes = true
        options.tolerance = Tolerance(absolute: 1)
        #expect(
            try TableComparison(first, second, options: options).differences.map(\.name) == ["shape", "far"])
        #expect(try TableComparison(first, first).isEqual)
    }

    /// A tensor that comes in several pieces, unlike only near its end.
    @Test func longTensors() throws {
        var numbers = (0..<700_000).map { Float($0) }
        let first = try floats(numbers, [7, 100_000])
        numbers[699_998] += 1
        let found = try values(first, floats(numbers, [7, 100_000]))
        #expect(found?.differingCount == 1 && found?.worst?.index == [6, 99_998])
        var count = 0
        _ = try TensorDifference(
            name: "x", CheckpointTensor(name: "x", tensor: first), CheckpointTensor(name: "x", tensor: first)
        ) { count += $0 }
        #expect(count == 2_800_000)
    }
}
