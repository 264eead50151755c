import Testing
import ZooTensors

@Suite struct HalfPrecisionTests {
    #if arch(x86_64) && os(Linux) || arch(arm64)
        /// All 65,536 halves against the compiler's own type.
        @Test func everyHalfWidensAndNarrows() {
            for bits in UInt16.min...UInt16.max {
                let expected = Float(Float16(bitPattern: bits))
                let widened = HalfPrecision.float(fromHalf: bits)
                if expected.isNaN {
                    #expect(widened.isNaN)
                } else {
                    #expect(widened.bitPattern == expected.bitPattern)
                    #expect(HalfPrecision.half(from: widened) == bits)
                }
            }
        }

        /// Floats between halves round as the compiler's own conversion does.
        @Test func narrowingRoundsToNearestEven() {
            let stream = RandomStream(seed: 1, name: "half")
            for index in 0..<200_000 {
                let value = Float(bitPattern: stream.bits(at: UInt64(index)))
                if value.isNaN { continue }
                #expect(HalfPrecision.half(from: value) == Float16(value).bitPattern)
            }
        }
    #endif

    @Test func brainFloat() {
        #expect(HalfPrecision.brain(from: 1) == 0x3F80)
        #expect(HalfPrecision.float(fromBrain: 0xC000) == -2)
        // Halfway between two bfloat16 numbers: to the even one.
        #expect(HalfPrecision.brain(from: Float(bitPattern: 0x3F80_8000)) == 0x3F80)
        #expect(HalfPrecision.brain(from: Float(bitPattern: 0x3F81_8000)) == 0x3F82)
        #expect(HalfPrecision.float(fromBrain: HalfPrecision.brain(from: .nan)).isNaN)
        #expect(HalfPrecision.brain(from: .greatestFiniteMagnitude) == 0x7F80)
    }
}
