import Testing
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct GzipTests {
    private let text = Array(String(repeating: "the quick brown fox ", count: 5000).utf8)

    @Test func roundTrip() throws {
        let packed = try Gzip.compress(text)
        #expect(packed.count < text.count / 10)
        #expect(try Gzip.decompress(ByteSource(bytes: packed)) == text)
        #expect(try Gzip.compress(text) == packed, "equal bytes give equal files")
    }

    @Test func severalMembersAreOneRun() throws {
        let packed = try Gzip.compress(text) + Gzip.compress([1, 2, 3]) + Gzip.compress([])
        #expect(try Gzip.decompress(ByteSource(bytes: packed)) == text + [1, 2, 3])
        #expect(
            try Gzip.decompress(ByteSource(bytes: packed + [0, 0, 0])) == text + [1, 2, 3], "zero padding")
    }

    @Test func damageIsAnError() throws {
        let packed = try Gzip.compress(text)
        #expect(throws: ZooError.self) { try Gzip.decompress(ByteSource(bytes: packed + [1, 2, 3])) }
        #expect(throws: ZooError.self) { try Gzip.decompress(ByteSource(bytes: [])) }
        let error = #expect(throws: ZooError.self) {
            try Gzip.decompress(ByteSource(bytes: packed.dropLast(9)))
        }
        #expect(error?.code == .truncated)
        // The checksum stands in the last eight bytes.
        var wrong = packed
        wrong[wrong.count - 6] ^= 1
        #expect(throws: ZooError.self) { try Gzip.decompress(ByteSource(bytes: wrong)) }
    }

    @Test func bombsAreRefused() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 40 << 20))
        var limits = ReadLimits()
        limits.expansionRatio = 100
        let error = #expect(throws: ZooError.self) {
            try Gzip.decompress(ByteSource(bytes: bomb), limits: limits)
        }
        #expect(error?.code == .limitExceeded)
    }

    @Test func mutationsNeverTrap() throws {
        var mutations = Mutations(of: try Gzip.compress(text))
        let tally = mutations.run(300) { (bytes) throws(ZooError) in
            _ = try Gzip.decompress(ByteSource(bytes: bytes))
        }
        #expect(tally.errors > 200, "\(tally)")
    }
}
