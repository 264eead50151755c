import Testing
import ZooCheckpoints
import ZooContainers
import ZooTensors
import ZooTestSupport

/// Copying tensors from file to file without loading them gives the bytes that loading gives.
@Suite struct StreamingTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let formats = [
        "dtypes.pth", "dtypes-legacy.pth", "views.pth", "views-legacy.pth", "big-endian.pth",
        "big-endian-legacy.pth",
        "deflated.pth", "tied.pth", "shapes.pth", "oldest-tar.pth", "old-zip.pth", "module.pth",
        "parameters.pth",
    ]

    private func tensors(_ name: String) throws -> [CheckpointTensor] {
        try CheckpointReader.read(path: TestFiles.path("tools/goldens/formats/\(name)")).tensors
            .filter { $0.typeName == nil }
    }

    private func pieces(_ tensor: CheckpointTensor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try unsafe tensor.forEachPiece { (piece) throws(ZooError) in unsafe bytes.append(contentsOf: piece) }
        return bytes
    }

    @Test(arguments: formats) func piecesAreTheLoadedBytes(name: String) throws {
        let tensors = try tensors(name)
        #expect(!tensors.isEmpty)
        for tensor in tensors {
            #expect(try pieces(tensor) == tensor.load().bytes(), "\(name): \(tensor.name)")
        }
    }

    @Test(arguments: formats) func copiesHoldTheSame(name: String) throws {
        let tensors = try tensors(name)
        let nameless: Set<ElementType> = [.c128, .c32]
        let inSafetensors = tensors.filter { !nameless.contains($0.elementType) }
        let inArrays = tensors.filter { tensor in
            (try? NPYHeader(tensor.elementType, tensor.shape).bytes()) != nil
        }
        try PyTorchWriter.write(tensors, to: folder.file("a.pth"))
        try SafetensorsWriter.write(inSafetensors, to: folder.file("a.safetensors"))
        try NPZWriter.write(inArrays, to: folder.file("a.npz"))
        for (path, wanted) in [("a.pth", tensors), ("a.safetensors", inSafetensors), ("a.npz", inArrays)] {
            let copy = try CheckpointReader.read(
                path: folder.file(path), options: CheckpointReadOptions(keepPrefixes: true))
            #expect(copy.tensors.count == wanted.count)
            for tensor in wanted {
                let other = try #require(copy[tensor.name])
                #expect(other.elementType == tensor.elementType && other.shape == tensor.shape)
                #expect(
                    try other.load().bytes() == tensor.load().bytes(), "\(name) as \(path): \(tensor.name)")
            }
        }
    }

    /// Views of one storage, some overlapping, others apart, and the same views converted.
    @Test func whatIsTiedStaysTied() throws {
        let shared = try Tensor((0..<40).map { Float($0) }, shape: [40]).storage
        func view(_ shape: TensorShape, _ strides: [Int]? = nil, _ offset: Int = 0) throws -> Tensor {
            try Tensor(storage: shared, elementType: .f32, shape: shape, strides: strides, offset: offset)
        }
        let named = [
            NamedTensor("all", try view([4, 5])), NamedTensor("row", try view([5], nil, 5)),
            NamedTensor("turned", try view([5, 4], [1, 5])), NamedTensor("apart", try view([10], nil, 30)),
        ]
        try PyTorchWriter.write(named, to: folder.file("a.pth"))
        let read = try CheckpointReader.read(path: folder.file("a.pth")).tensors
        try PyTorchWriter.write(read, to: folder.file("b.pth"))
        try PyTorchWriter.write(
            read.map { (tensor) throws(ZooError) in try tensor.converted(to: .bf16) },
            to: folder.file("c.pth"))
        for (file, type) in [("b", ElementType.f32), ("c", .bf16)] {
            let again = try CheckpointReader.read(path: folder.file("\(file).pth"))
            #expect(again["all"]?.storageKey == again["row"]?.storageKey)
            #expect(again["all"]?.storageKey == again["turned"]?.storageKey)
            #expect(again["all"]?.storageKey != again["apart"]?.storageKey)
            let archive = try ZipArchive(try ByteSource(path: folder.file("\(file).pth")))
            #expect(archive.members.count { $0.name.hasPrefix("\(file)/data/") } == 2)
            for tensor in named {
                #expect(try again[tensor.name]?.load().bytes() == tensor.tensor.converted(to: type).bytes())
            }
        }
        // Of two that are converted to different types, each gets a storage of its own.
        try PyTorchWriter.write([read[0], try read[1].converted(to: .f16)], to: folder.file("d.pth"))
        let apart = try CheckpointReader.read(path: folder.file("d.pth"))
        #expect(apart["row"]?.elementType == .f16 && apart["row"]?.storageKey != apart["all"]?.storageKey)
    }

    @Test func conversionsHappenOnTheWay() throws {
        let numbers = try Tensor((0..<300_000).map { Float($0) * 0.37 }, shape: [300, 1_000])
        try PyTorchWriter.write(
            [NamedTensor("a", numbers), NamedTensor("b", try numbers.permuted([1, 0]))],
            to: folder.file("a.pth"))
        for tensor in try CheckpointReader.read(path: folder.file("a.pth")).tensors {
            for type in [ElementType.f16, .bf16, .f64] {
                let converted = try tensor.converted(to: type)
                #expect(converted.elementType == type)
                let wanted = try tensor.load().converted(to: type).bytes()
                #expect(try converted.load().bytes() == wanted)
                #expect(try pieces(converted) == wanted)
                #expect(try pieces(converted.renamed("c").converted(to: .f32)) == tensor.load().bytes())
            }
        }
        let whole = try CheckpointTensor(name: "i", tensor: Tensor([Int64(1)], shape: [])).converted(to: .f16)
        #expect(try whole.load().floats() == [1])
        #expect(throws: ZooError.self) {
            try CheckpointTensor(name: "c", tensor: Tensor(zeros: [1], elementType: .c64)).converted(to: .f16)
        }
    }

    /// A storage that doesn't have its checksum is found out while it is copied, and nothing is left.
    @Test func damageIsFoundOnTheWay() throws {
        let numbers = try Tensor((0..<1_000).map { Float($0) }, shape: [1_000])
        try PyTorchWriter.write([NamedTensor("a", numbers)], to: folder.file("a.pth"))
        try NPZWriter.write([NamedTensor("a", numbers)], to: folder.file("a.npz"))
        for name in ["a.pth", "a.npz"] {
            var bytes = try TestFiles.read(folder.file(name))
            // In the middle of the numbers.
            bytes[2_400] ^= 1
            try TestFiles.write(bytes, to: folder.file("damaged-\(name)"))
            let checkpoint = try CheckpointReader.read(path: folder.file("damaged-\(name)"))
            let error = #expect(throws: ZooError.self) {
                try SafetensorsWriter.write(checkpoint.tensors, to: folder.file("out.safetensors"))
            }
            #expect(error?.code == .checksum && error?.tensor == "a")
            #expect(!TestFiles.exists(folder.file("out.safetensors")))
        }
    }

    @Test func whatCantBeReadIsntCopied() throws {
        let error = #expect(throws: ZooError.self) {
            let all = try CheckpointReader.read(
                path: TestFiles.path("tools/goldens/formats/dtypes.pth"), options: CheckpointReadOptions())
            let odd =
                all.tensors + [
                    CheckpointTensor(name: "odd", elementType: .u8, shape: [1], typeName: "F4") {
                        () throws(ZooError) in
                        throw ZooError(.unsupported, "no")
                    }
                ]
            try PyTorchWriter.write(odd, to: folder.file("a.pth"))
        }
        #expect(error?.tensor == "odd")
        #expect(!TestFiles.exists(folder.file("a.pth")))
    }

    @Test func progressCountsEveryByte() throws {
        let numbers = try Tensor((0..<1_000_000).map { Float($0) }, shape: [1_000_000])
        let tensors = [
            CheckpointTensor(name: "a", tensor: numbers), CheckpointTensor(name: "b", tensor: numbers),
        ]
        var counts = [0, 0, 0]
        try SafetensorsWriter.write(tensors, to: folder.file("a.safetensors")) { counts[0] += $0 }
        try NPZWriter.write(tensors, to: folder.file("a.npz")) { counts[1] += $0 }
        try PyTorchWriter.write(tensors, to: folder.file("a.pth")) { counts[2] += $0 }
        // The two are tied in the PyTorch file.
        #expect(counts == [8_000_000, 8_000_000, 4_000_000])
    }
}
