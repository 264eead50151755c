import Testing
import ZooTensors

@Suite struct RandomStreamTests {
    /// The published known answers for Philox 4×32 with ten rounds (Random123's kat_vectors).
    @Test func publishedVectors() {
        let zero = RandomStream.philox(counter: (0, 0, 0, 0), key: (0, 0))
        #expect(zero == (0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        let ones = RandomStream.philox(
            counter: (.max, .max, .max, .max), key: (.max, .max))
        #expect(ones == (0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
        let pi = RandomStream.philox(
            counter: (0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344), key: (0xA409_3822, 0x299F_31D0))
        #expect(pi == (0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func streamsDifferAndRepeat() {
        let a = RandomStream(seed: 1, name: "shuffle")
        #expect(
            (0..<8).map { a.bits(at: $0) }
                == (0..<8).map { RandomStream(seed: 1, name: "shuffle").bits(at: $0) })
        #expect(a.bits(at: 0) != RandomStream(seed: 2, name: "shuffle").bits(at: 0))
        #expect(a.bits(at: 0) != RandomStream(seed: 1, name: "split").bits(at: 0))
        #expect(a.bits(at: 0) != RandomStream(seed: 1, name: "shuffle", step: 1).bits(at: 0))
    }

    @Test func uniformIsUniform() {
        let stream = RandomStream(seed: 7, name: "init/fc3.weight")
        let values = (0..<20_000).map { Double(stream.uniform(at: $0)) }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        let mean = values.reduce(0, +) / 20_000
        #expect(abs(mean - 0.5) < 0.01)
    }

    @Test func normalHasUnitVariance() {
        let stream = RandomStream(seed: 7, name: "noise")
        let values = (0..<20_000).map { stream.normal(at: $0) }
        let mean = values.reduce(0, +) / 20_000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.03)
        #expect(abs(variance - 1) < 0.05)
    }

    @Test func permutationHoldsEachIndexOnce() {
        let order = RandomStream(seed: 3, name: "shuffle", step: 2).permutation(count: 1_000)
        #expect(order.sorted() == Array(0..<1_000))
        #expect(order != Array(0..<1_000))
    }
}
