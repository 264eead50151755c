import Testing
import ZooFuzzing
import ZooTensors
import ZooTestSupport

/// Variants that know the formats, always the same ones: a small part of what tools/fuzz/run reads. Each gives a
/// result or one error, in two seconds of a processor.
@Suite(.serialized) struct StructuredMutationTests {
    /// How many variants of each reader; fewer in a debug build, and where each takes a process.
    private static func count(_ target: String) -> Int {
        #if DEBUG
            return FuzzTarget.starting.contains(target) ? 20 : 200
        #else
            return FuzzTarget.starting.contains(target) ? 60 : 1_000
        #endif
    }

    @Test(arguments: FuzzTarget.all.map(\.name)) func variants(name: String) throws {
        let target = try #require(try FuzzTarget.named(name)?.loaded())
        var results = 0
        var errors = 0
        for number in 0..<Self.count(name) {
            let start = ProcessorTime.ofThread
            do throws(ZooError) {
                try target.read(target.variant(seed: 20_240_601, number: number))
                results += 1
            } catch {
                errors += 1
            }
            let seconds = ProcessorTime.ofThread - start
            if seconds > 2 { Issue.record("variant \(number) took \(seconds) s") }
        }
        #expect(results + errors == Self.count(name))
        // Both must occur, or the variants test nothing.
        #expect(results > Self.count(name) / 100 && errors > Self.count(name) / 4, "\(results), \(errors)")
    }

    /// The same seed and number give the same variant, or no failure could be looked into.
    @Test func variantsCanBeMadeAgain() throws {
        let target = try #require(try FuzzTarget.named("pytorch-stream")?.loaded())
        for number in 0..<50 {
            #expect(target.variant(seed: 3, number: number) == target.variant(seed: 3, number: number))
        }
        let distinct = Set((0..<200).map { target.variant(seed: 3, number: $0) })
        #expect(distinct.count > 150)
    }
}
