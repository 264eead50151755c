import Testing
import ZooCheckpoints
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct FileKindTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func kind(_ bytes: [UInt8]) throws -> FileKind { try FileKind.detect(ByteSource(bytes: bytes)) }

    private func zip(_ names: [String]) throws -> [UInt8] {
        let writer = try ZipWriter(path: folder.file("a"))
        for name in names { try writer.add(name, [1, 2, 3]) }
        try writer.finish()
        return try TestFiles.read(folder.file("a"))
    }

    @Test(arguments: [
        (["x/data.pkl", "x/version", "x/data/0"], FileKind.pytorchZip),
        (["x/data.pkl", "x/version", "x/constants.pkl"], .torchScript),
        (["x/archive_format", "x/data/weights/model_weights_config.json"], .torchExport),
        (["config.json", "metadata.json", "model.weights.h5"], .kerasArchive),
        (["resnet.pth"], .zipOfOne), (["a.npy", "b.npy"], .npz), (["a.txt", "b.txt"], .zip),
        (["x/y/data.pkl", "x/y/version"], .zip), (["a.npy"], .npz),
    ])
    func archives(_ names: [String], _ kind: FileKind) throws {
        #expect(try self.kind(try zip(names)) == kind)
    }

    @Test func files() throws {
        let hdf5: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
        #expect(try kind([]) == .empty)
        #expect(try kind(hdf5) == .hdf5)
        for block in [512, 1024, 8192] {
            #expect(try kind([UInt8](repeating: 0, count: block) + hdf5) == .hdf5)
        }
        #expect(try kind([UInt8](repeating: 0, count: 1536) + hdf5) == .unknown)
        #expect(try kind([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0]) == .png)
        #expect(try kind([0xFF, 0xD8, 0xFF, 0xE0]) == .jpeg)
        #expect(try kind(try Gzip.compress([1])) == .gzip)
        #expect(try kind(NPYHeader.magic + [1, 0]) == .npy)
        #expect(try kind(LegacyFile.magic) == .pytorchLegacy)
        #expect(try kind(PythonValue.none.pickled()) == .barePickle)
        #expect(try kind([2, 0, 0, 0, 0, 0, 0, 0] + Array("{}".utf8)) == .safetensors)
        #expect(try kind([UInt8](repeating: 0x61, count: 257) + Array("ustar".utf8)) == .torchTar)
        #expect(try kind(Array("version https://git-lfs.github.com/spec/v1\noid".utf8)) == .gitLFSPointer)
        #expect(try kind(Array("\n  <!DOCTYPE html><html>".utf8)) == .html)
        #expect(try kind(Array("some text that means nothing".utf8)) == .unknown)
    }

    @Test(arguments: [
        ("version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), ("<html>404</html>", "web page"),
        ("", "empty"), ("hello", "no known format"), ("\u{89}HDF\r\n\u{1A}\n", "HDF5"),
    ])
    func refusalsHelp(_ text: String, _ hint: String) throws {
        let path = folder.file("model.pth")
        try TestFiles.write(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }, to: path)
        let error = #expect(throws: ZooError.self) { try CheckpointReader.read(path: path) }
        #expect(error?.description.contains(hint) == true, "\(String(describing: error))")
        #expect(error?.file == path)
    }

    @Test func zipOfOneAndGzipAreOpened() throws {
        let inner = folder.file("inner.safetensors")
        try SafetensorsWriter.write([NamedTensor("w", try Tensor([Float(1)], shape: [1]))], to: inner)
        let bytes = try TestFiles.read(inner)
        let writer = try ZipWriter(path: folder.file("outer.zip"))
        try writer.add("resnet/inner.safetensors", bytes)
        try writer.finish()
        let zipped = try CheckpointReader.read(path: folder.file("outer.zip"))
        #expect(try zipped["w"]?.load().floats() == [1])
        #expect(zipped.notes.first?.contains("resnet/inner.safetensors") == true)
        try TestFiles.write(try Gzip.compress(bytes), to: folder.file("inner.gz"))
        #expect(try CheckpointReader.read(path: folder.file("inner.gz"))["w"]?.load().floats() == [1])
    }

    @Test func aCutZipSaysSo() throws {
        let bytes = try zip(["x/data.pkl", "x/version"])
        let error = #expect(throws: ZooError.self) { try self.kind(Array(bytes.dropLast(30))) }
        #expect(error?.code == .truncated)
    }
}
