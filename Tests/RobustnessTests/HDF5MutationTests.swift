import Foundation
import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Damaged HDF5 files, read as the command reads them: the library runs in a process of its own, and whatever
/// happens to that process is one error here.
@Suite(.serialized) struct HDF5MutationTests {
    private static let isolation: HDF5Isolation = {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "zoo"
        ).path
        return .helper(executable: ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] ?? beside)
    }()

    /// What became of a set of files.
    private struct Tally: Sendable {
        var results = 0
        var errors = 0
        var deadHelpers = 0
    }

    /// Writes each variant to a file and reads everything in it, on as many threads as there are processors.
    private static func read(_ variants: [[UInt8]], in folder: TemporaryFolder) -> Tally {
        let tally = Mutex(Tally())
        DispatchQueue.concurrentPerform(iterations: variants.count) { index in
            let path = folder.file("\(index).h5")
            do throws(ZooError) {
                try TestFiles.write(variants[index], to: path)
                let checkpoint = try KerasHDF5Reader.read(path: path, isolation: isolation)
                for tensor in checkpoint.tensors { _ = try tensor.load().bytes() }
                tally.withLock { $0.results += 1 }
            } catch {
                let died = error.problem.contains("gave up")
                tally.withLock {
                    $0.errors += 1
                    if died { $0.deadHelpers += 1 }
                }
            }
            try? FileManager.default.removeItem(atPath: path)
        }
        return tally.withLock { $0 }
    }

    /// The first two files are half numbers; the other two hold a few hundred bytes of numbers and are metadata
    /// nearly everywhere.
    @Test(arguments: ["full-model.h5", "keras3.weights.h5", "keras1-names.h5", "latest.h5"])
    func tenThousandVariants(name: String) throws {
        let folder = try TemporaryFolder()
        let bytes = try TestFiles.read(TestFiles.path("tools/goldens/formats/\(name)"))
        var mutations = Mutations(of: bytes, seed: 20_240_601)
        var total = Tally()
        for _ in 0..<(MutationTests.count / 4 / 250) {
            let tally = Self.read((0..<250).map { _ in mutations.next() }, in: folder)
            total.results += tally.results
            total.errors += tally.errors
            total.deadHelpers += tally.deadHelpers
        }
        #expect(total.results + total.errors == MutationTests.count / 4)
        #expect(total.errors > MutationTests.count / 20)
    }

    /// Files that kill the library in the process that reads them, found by tools/fuzz/find-hdf5-killers.py.
    @Test func filesThatKillTheLibrary() throws {
        struct Killers: Decodable {
            struct Killer: Decodable {
                let base: String
                let patch: [[Int]]
            }
            let killers: [Killer]
        }
        let list = try Data(contentsOf: URL(filePath: TestFiles.path("tools/fuzz/hdf5-killers.json")))
        let killers = try JSONDecoder().decode(Killers.self, from: list).killers
        #expect(killers.count >= 40)
        let variants = try killers.map { killer in
            var bytes = try TestFiles.read(TestFiles.path("tools/goldens/formats/\(killer.base)"))
            for change in killer.patch { bytes[change[0]] = UInt8(change[1]) }
            return bytes
        }
        let tally = Self.read(variants, in: try TemporaryFolder())
        #expect(tally.errors == variants.count)
        #expect(tally.deadHelpers > 0, "none of them kills the library any more: find new ones")
    }
}

/// A value that threads take turns with.
private final class Mutex<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let lock = NSLock()

    init(_ value: Value) { self.value = value }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        lock.withLock { body(&value) }
    }
}
