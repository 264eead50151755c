import Testing
import ZooCheckpoints
import ZooConversion
import ZooModels
import ZooTensors
import ZooTestSupport

/// Ten thousand damaged variants of each format, always the same ones: each gives a result or one error, none a
/// trap, and none asks for memory that the file doesn't justify.
@Suite(.serialized) struct MutationTests {
    /// How many variants of each file; a thousand in a debug build, which is thirty times slower.
    static let count: Int = {
        #if DEBUG
            1_000
        #else
            10_000
        #endif
    }()

    /// Reads every tensor of a file, as `zoo inspect` lists them.
    static func readTensors(_ bytes: [UInt8]) throws(ZooError) {
        let checkpoint = try CheckpointReader.read(ByteSource(bytes: bytes, path: "mutated"))
        for tensor in checkpoint.tensors { _ = try tensor.load().bytes() }
    }

    /// Reads everything that a file holds, as `zoo convert` would.
    private static func readAll(_ bytes: [UInt8]) throws(ZooError) {
        let checkpoint = try CheckpointReader.read(ByteSource(bytes: bytes, path: "mutated"))
        for tensor in checkpoint.tensors { _ = try tensor.load().bytes() }
        if ModelFile.isNative(checkpoint) {
            _ = try ModelFile.read(checkpoint)
        } else {
            _ = try Converter().convert(checkpoint)
        }
    }

    private func run(_ bytes: [UInt8], focus: Range<Int>) -> Mutations.Tally {
        var mutations = Mutations(of: bytes, seed: 20_240_601, focus: focus)
        return mutations.run(Self.count) { (variant) throws(ZooError) in try Self.readAll(variant) }
    }

    /// Most changes must be noticed: headers and checksums cover them.
    private func expectMostlyErrors(_ tally: Mutations.Tally) {
        #expect(tally.results + tally.errors == Self.count)
        #expect(tally.errors > Self.count / 4, "\(tally)")
    }

    @Test func pytorchZip() throws {
        let bytes = try TestFiles.read(TestFiles.path("zoo/weights/lenet-mnist.pth"))
        // The pickle at the beginning; then the central directory at the end.
        expectMostlyErrors(run(bytes, focus: 0..<2_000))
        expectMostlyErrors(run(bytes, focus: (bytes.count - 2_000)..<bytes.count))
    }

    @Test func pytorchLegacy() throws {
        for name in ["state-dict-legacy.pth", "python2.pth", "module-legacy.pth"] {
            let bytes = try TestFiles.read(TestFiles.path("tools/goldens/formats/\(name)"))
            expectMostlyErrors(run(bytes, focus: 0..<bytes.count))
        }
    }

    /// Pickles that nothing but a call is in; what it would be is looked up for the error.
    @Test(arguments: ["only-calls-system.pkl", "only-calls-system.pth"]) func pickles(name: String) throws {
        let bytes = try TestFiles.read(TestFiles.path("Tests/CommandTests/Fixtures/\(name)"))
        expectMostlyErrors(run(bytes, focus: 0..<bytes.count))
    }

    @Test func safetensorsAndNative() throws {
        let folder = try TemporaryFolder()
        let checkpoint = try CheckpointReader.read(path: TestFiles.path("zoo/weights/lenet-mnist.pth"))
        let (model, _) = try Converter().convert(checkpoint)
        try ModelFile.write(model, to: folder.file("m.zoo.safetensors"))
        try SafetensorsWriter.write(Export.pytorch(model).tensors, to: folder.file("m.safetensors"))
        for name in ["m.zoo.safetensors", "m.safetensors"] {
            let bytes = try TestFiles.read(folder.file(name))
            expectMostlyErrors(run(bytes, focus: 0..<min(bytes.count, 4_000)))
        }
    }
}
