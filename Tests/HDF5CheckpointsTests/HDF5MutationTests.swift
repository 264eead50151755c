import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Damaged variants of HDF5 files, always the same ones: each gives a result or one error.
@Suite(.serialized) struct HDF5MutationTests {
    static let files = [
        "tools/goldens/formats/full-model.h5", "tools/goldens/formats/keras3.weights.h5",
        "tools/goldens/formats/compressed.h5", "tools/goldens/formats/latest.h5",
        "Tests/HDF5CheckpointsTests/Fixtures/storage-latest.weights.h5",
    ]

    private func readAll(_ path: String) throws(ZooError) {
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: Helper.isolation)
        for tensor in checkpoint.tensors { _ = try tensor.load().bytes() }
    }

    /// Runs of bytes of the file that aren't a dataset's own: where libhdf5 can be hurt.
    private func metadata(of path: String, byteCount: Int) throws -> [Range<Int>] {
        let index = try HDF5Index.read(path: path, isolation: Helper.isolation)
        var blocks: [Range<Int>] = []
        for object in index.objects {
            switch object.dataset?.storage {
            case .contiguous(let block?, _): blocks.append(block.offset..<(block.offset + block.byteCount))
            case .chunked(let chunks):
                blocks += chunks.chunks.map { $0.block.offset..<($0.block.offset + $0.block.byteCount) }
            default: break
            }
        }
        var result: [Range<Int>] = []
        var position = 0
        for block in blocks.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if block.lowerBound > position { result.append(position..<block.lowerBound) }
            position = max(position, block.upperBound)
        }
        if position < byteCount { result.append(position..<byteCount) }
        return result
    }

    @Test(arguments: files) func damagedFiles(_ file: String) throws {
        let path = TestFiles.path(file)
        let bytes = try TestFiles.read(path)
        let holes = try metadata(of: path, byteCount: bytes.count)
        let folder = try TemporaryFolder()
        let variant = folder.file("variant.h5")
        var anywhere = Mutations(of: bytes, seed: 1)
        var total = anywhere.run(60) { (bytes) throws(ZooError) in
            try TestFiles.write(bytes, to: variant)
            try readAll(variant)
        }
        var crashes = 0
        for (number, hole) in holes.enumerated() {
            // As many for each run of bytes as its share of all of them.
            let share = max(1, 60 * hole.count / holes.reduce(0) { $0 + $1.count })
            var structure = Mutations(of: bytes, seed: UInt64(number + 2), focus: hole)
            let tally = structure.run(share) { (bytes) throws(ZooError) in
                try TestFiles.write(bytes, to: variant)
                do throws(ZooError) {
                    try readAll(variant)
                } catch {
                    if error.problem.contains("(signal") || error.problem.contains("come to an end") {
                        crashes += 1
                    }
                    throw error
                }
            }
            total.results += tally.results
            total.errors += tally.errors
            total.codes.merge(tally.codes, uniquingKeysWith: +)
        }
        print("\(file): \(total); the helper died \(crashes) times")
        #expect(total.results + total.errors >= 100)
        #expect(total.errors > 20, "\(total)")
    }

    /// A helper that a file has taken over may answer anything.
    @Test(arguments: files) func damagedTables(_ file: String) throws {
        let path = TestFiles.path(file)
        let source = try ByteSource(path: path)
        let table = try HDF5Indexer.table(path: path, limits: HDF5Indexer.Limits(ReadLimits()))
        var limits = ReadLimits()
        limits.tensorBytes = 64 << 20
        let allowed = limits
        var mutations = Mutations(of: table, seed: 9)
        let tally = mutations.run(1_000) { (bytes) throws(ZooError) in
            let index = try HDF5Index(table: bytes, source: source, limits: allowed)
            let checkpoint = try KerasHDF5Reader.checkpoint(of: index, path: path)
            for tensor in checkpoint.tensors { _ = try tensor.load().bytes() }
        }
        #expect(tally.errors > 300, "\(tally)")
    }
}
