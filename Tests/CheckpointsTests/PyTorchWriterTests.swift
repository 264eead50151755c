import Testing
import ZooCheckpoints
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct PyTorchWriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func tensors() throws -> [NamedTensor] {
        var result: [NamedTensor] = []
        for type in ElementType.allCases {
            let bytes = (0..<(6 * type.byteCount)).map { type == .bool ? UInt8($0 % 2) : UInt8($0) }
            let tensor = try Tensor(
                storage: try TensorStorage(bytes: bytes), elementType: type, shape: [2, 3])
            result.append(NamedTensor("t.\(type.rawValue)", tensor))
        }
        let shared = try TensorStorage(bytes: try Tensor((0..<20).map { Float($0) }, shape: [20]).bytes())
        func view(_ shape: TensorShape, _ strides: [Int]? = nil, _ offset: Int = 0) throws -> Tensor {
            try Tensor(storage: shared, elementType: .f32, shape: shape, strides: strides, offset: offset)
        }
        result.append(NamedTensor("tied.a", try view([2, 3])))
        result.append(NamedTensor("tied.b", try view([3, 2], [1, 3])))
        result.append(NamedTensor("apart", try view([2, 2], nil, 10)))
        result.append(
            NamedTensor(
                "alone.transposed", try Tensor((0..<6).map { Float($0) }, shape: [2, 3]).permuted([1, 0])))
        result.append(NamedTensor("scalar", try Tensor([Int64(300)], shape: [])))
        result.append(NamedTensor("empty", try Tensor(zeros: [0, 3])))
        result.append(NamedTensor("naïve \"key\"", try Tensor([Float.nan, -.infinity], shape: [2])))
        return result
    }

    private let versions = [
        PyTorchWriter.ModuleVersion(module: "", version: 1),
        PyTorchWriter.ModuleVersion(module: "bn", version: 2),
    ]

    @Test func roundTrip() throws {
        let path = folder.file("my.model.pth")
        let written = try tensors()
        try PyTorchWriter.write(written, to: path, moduleVersions: versions)
        let checkpoint = try CheckpointReader.read(path: path)
        #expect(checkpoint.format == .pytorchZip)
        #expect(checkpoint.tensors.map(\.name) == written.map(\.name))
        for (read, named) in zip(checkpoint.tensors, written) {
            #expect(read.elementType == named.tensor.elementType)
            #expect(read.shape == named.tensor.shape)
            #expect(try read.load().bytes() == named.tensor.bytes(), "\(named.name)")
        }
        #expect(checkpoint["tied.a"]?.storageKey == checkpoint["tied.b"]?.storageKey)
        #expect(checkpoint["tied.a"]?.storageKey != checkpoint["apart"]?.storageKey)
        #expect(checkpoint["t.f32"]?.location == "my.model/data/1")
        #expect(checkpoint.extras["_metadata"]?["bn"]?["version"] == 2)
    }

    @Test func sharedMemoryIsWrittenOnce() throws {
        let storage = try TensorStorage(bytes: [UInt8](repeating: 1, count: 1 << 16))
        let whole = try Tensor(storage: storage, elementType: .f32, shape: [1 << 14])
        let named = ["a", "b", "c"].map { NamedTensor($0, whole) }
        try PyTorchWriter.write(named, to: folder.file("a.pth"))
        #expect(try ByteSource(path: folder.file("a.pth")).count < (1 << 16) + 4096)
        // A small part of a large memory doesn't drag all of it along.
        let part = try whole.sliced(axis: 0, 5..<7)
        try PyTorchWriter.write([NamedTensor("a", part)], to: folder.file("b.pth"))
        #expect(try ByteSource(path: folder.file("b.pth")).count < 4096)
    }

    @Test func whatIsTiedInAFileStaysTied() throws {
        let tensor = try Tensor([Float](repeating: 1, count: 64), shape: [8, 8])
        let named = [NamedTensor("a", tensor), NamedTensor("b", try tensor.permuted([1, 0]))]
        try PyTorchWriter.write(named, to: folder.file("a.pth"))
        let read = try CheckpointReader.read(path: folder.file("a.pth")).tensors
        let loaded = try read.map { NamedTensor($0.name, try $0.load()) }
        #expect(loaded[0].tensor.storage === loaded[1].tensor.storage)
        try PyTorchWriter.write(loaded, to: folder.file("b.pth"))
        let archive = try ZipArchive(try ByteSource(path: folder.file("b.pth")))
        #expect(archive.members.count { $0.name.hasPrefix("b/data/") } == 1)
    }

    @Test func sameNamesAreRefused() throws {
        let tensor = try Tensor([Float(1)], shape: [1])
        #expect(throws: ZooError.self) {
            try PyTorchWriter.write(
                [NamedTensor("a", tensor), NamedTensor("a", tensor)], to: self.folder.file("a.pth"))
        }
        #expect(!TestFiles.exists(folder.file("a.pth")))
    }

    @Test func onlyOpcodesThatTheSafeReaderKnows() throws {
        try PyTorchWriter.write(try tensors(), to: folder.file("a.pth"), moduleVersions: versions)
        let archive = try ZipArchive(try ByteSource(path: folder.file("a.pth")))
        #expect(archive.members.first?.name == "a/data.pkl")
        #expect(
            archive["a/version"] != nil && archive["a/byteorder"] != nil && archive["a/constants.pkl"] == nil)
        #expect(archive.members.allSatisfy { $0.isStored })
        for member in archive.members { #expect(try member.source().start.isMultiple(of: 64)) }
    }

    @Test(.enabled(if: Python.isInstalled)) func pyTorchLoadsIt() throws {
        for (name, versions) in [("plain", []), ("with.versions", versions), ("naïve", versions)] {
            let path = folder.file("\(name).pth")
            let written = try tensors()
            try PyTorchWriter.write(written, to: path, moduleVersions: versions)
            let others = written.filter { !["t.c128", "t.c32"].contains($0.name) }
            try SafetensorsWriter.write(others, to: folder.file("same.safetensors"))
            let (output, status) = try Python.run(
                """
                import sys, torch, zipfile, safetensors.torch as st
                assert zipfile.ZipFile(sys.argv[1]).testzip() is None
                same = st.load_file(sys.argv[2])
                # The two types that safetensors files don't have.
                for name, dtype, size in [("t.c128", torch.complex128, 16), ("t.c32", torch.complex32, 4)]:
                    same[name] = torch.arange(6 * size, dtype=torch.uint8).view(dtype).view(2, 3)
                for mmap in (False, True):
                    state = torch.load(sys.argv[1], weights_only=True, mmap=mmap)
                    assert type(state).__name__ == "OrderedDict" and set(state) == set(same)
                    for name, value in state.items():
                        assert value.dtype == same[name].dtype and value.shape == same[name].shape, name
                        assert value.contiguous().flatten().view(torch.uint8).equal(same[name].flatten().view(torch.uint8)), name
                    storage = lambda name: state[name].untyped_storage().data_ptr()
                    assert storage("tied.a") == storage("tied.b") != storage("apart")
                    assert state["t.f32"].data_ptr() % 64 == 0
                    assert not versions if (versions := getattr(state, "_metadata", {})) == {} else versions["bn"]["version"] == 2
                print(list(state)[:2])
                """, [path, folder.file("same.safetensors")])
            #expect(status == 0, "\(output)")
        }
    }
}
