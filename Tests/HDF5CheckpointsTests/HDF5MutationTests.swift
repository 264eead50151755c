import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Damaged variants of HDF5 files, always the same ones: each gives a result or one error.
@Suite struct HDF5MutationTests {
    static let files = [
        "tools/goldens/formats/full-model.h5", "tools/goldens/formats/keras3.weights.h5",
        "tools/goldens/formats/compressed.h5", "tools/goldens/formats/latest.h5",
        "Tests/HDF5CheckpointsTests/Fixtures/storage-latest.weights.h5",
    ]

    /// Reads everything; a helper that loops gets a second instead of its usual ten.
    private func readAll(_ path: String) throws(ZooError) {
        let limits = ReadLimits()
        let source = try ByteSource(path: path)
        let table = try HDF5Helper.table(
            executable: Helper.executable, path: path, limits: limits, wallSeconds: 1)
        let index = try HDF5Index(table: table, source: source, limits: limits)
        for tensor in try KerasHDF5Reader.checkpoint(of: index, path: path).tensors {
            _ = try tensor.load().bytes()
        }
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
        let structure = try metadata(of: path, byteCount: bytes.count).flatMap { $0 }
        let folder = try TemporaryFolder()
        let variant = folder.file("variant.h5")
        var deaths = 0
        let read = { (bytes: [UInt8]) throws(ZooError) in
            try TestFiles.write(bytes, to: variant)
            do throws(ZooError) {
                try readAll(variant)
            } catch {
                if error.problem.contains("(signal") || error.problem.contains("come to an end") {
                    deaths += 1
                }
                throw error
            }
        }
        // Changes of any kind, anywhere; most of them change the length, which libhdf5 notices at once.
        var anywhere = Mutations(of: bytes, seed: 1)
        var total = anywhere.run(40, read)
        // Changes of the structure that keep the length, which is where libhdf5 can be hurt.
        var random = SplitMix(state: 42)
        for _ in 0..<80 {
            do throws(ZooError) {
                try read(random.damaged(bytes, at: structure))
                total.results += 1
            } catch {
                total.errors += 1
                total.codes[error.code, default: 0] += 1
            }
        }
        print("\(file): \(total); the helper died \(deaths) times")
        #expect(total.results + total.errors == 120)
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

/// A small generator, so that the damage is the same in every run.
private struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((word ^ (word >> 31)) % UInt64(max(bound, 1)))
    }

    /// One to four numbers of one to eight bytes overwritten, mostly where something stands already.
    mutating func damaged(_ bytes: [UInt8], at places: [Int]) -> [UInt8] {
        var result = bytes
        let used = places.filter { bytes[$0] != 0 }
        for _ in 0...below(4) {
            let chosen = below(5) > 0 ? used : places
            guard !chosen.isEmpty else { continue }
            let place = chosen[below(chosen.count)]
            let width = [1, 1, 2, 4, 8][below(5)]
            let kind = below(4)
            for index in 0..<width where place + index < result.count {
                switch kind {
                case 0: result[place + index] = UInt8(below(256))
                case 1: result[place + index] = 0xFF
                case 2: result[place + index] ^= index == 0 ? 1 << UInt8(below(8)) : 0
                default: result[place + index] = index < 2 ? UInt8(below(256)) : 0
                }
            }
        }
        return result
    }
}
