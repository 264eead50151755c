import Testing
import ZooContainers
import ZooTensors

@Suite struct CRC32Tests {
    @Test func knownValues() throws {
        #expect(try CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
        #expect(try CRC32.of([]) == 0)
        #expect(try CRC32.of([UInt8](repeating: 0, count: 1 << 20)) == 0xA738_EA1C)
    }

    /// Long runs go another way than short ones, and all ways come to the same.
    @Test func piecesAddUp() throws {
        let bytes = (0..<5_000).map { UInt8(truncatingIfNeeded: ($0 &* $0) >> 3 ^ $0) }
        var wanted = CRC32()
        // Byte by byte, as the definition has it.
        for byte in bytes { try wanted.update([byte]) }
        for size in [1, 15, 16, 63, 64, 65, 79, 80, 127, 128, 129, 1_000, 4_096, 5_000] {
            for first in [0, 1, 7] {
                var sum = CRC32()
                try sum.update(Array(bytes[..<first]))
                for start in stride(from: first, to: bytes.count, by: size) {
                    try sum.update(Array(bytes[start..<min(bytes.count, start + size)]))
                }
                #expect(sum.value == wanted.value, "pieces of \(size) after \(first)")
            }
        }
    }
}
