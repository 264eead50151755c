internal import ZooCheckpoints
internal import ZooContainers
internal import ZooConversion
internal import ZooModels
internal import ZooTensors
internal import ZooTestSupport

/// The readers of everything but HDF5.
extension FuzzTarget {
    static let goldens = "tools/goldens/formats"
    static let corpus = "Tests/HostileTests/Corpus"

    /// Files of folders whose names end so and that aren't large.
    static func files(
        _ folders: [String], _ endings: [String], except: Set<String> = []
    ) throws -> [[UInt8]] {
        try folders.flatMap { folder in
            try TestFiles.names(in: folder).sorted().filter { name in
                endings.contains { name.hasSuffix($0) } && !except.contains(name)
            }.compactMap { name in
                let bytes = try TestFiles.read(TestFiles.path(folder + "/" + name))
                return bytes.count <= 80 << 10 ? bytes : nil
            }
        }
    }

    private static func kind(_ bytes: [UInt8]) -> FileKind? { try? FileKind.detect(ByteSource(bytes: bytes)) }

    /// Reads every number, and looks through what would be run.
    private static func readCheckpoint(_ bytes: [UInt8]) throws(ZooError) {
        let source = ByteSource(bytes: bytes, path: "mutated")
        _ = try? CheckpointScan(source)
        var options = CheckpointReadOptions()
        options.dequantizes = bytes.count.isMultiple(of: 2)
        try load(try CheckpointReader.read(source, options: options))
    }

    /// Reads every number of the first hundred tensors.
    static func load(_ checkpoint: Checkpoint) throws(ZooError) {
        var problem: ZooError?
        for tensor in checkpoint.tensors.prefix(100) {
            do throws(ZooError) {
                let loaded = try tensor.load()
                if loaded.elementCount <= 1 << 12 { _ = try loaded.bytes() }
            } catch {
                problem = error
            }
        }
        if let problem { throw problem }
    }

    private static func checkpoint(
        _ name: String, seeds: @escaping @Sendable () throws -> [Seed]
    ) -> FuzzTarget {
        FuzzTarget(name, seeds: seeds) { (bytes) throws(ZooError) in try readCheckpoint(bytes) }
    }

    // MARK: PyTorch

    static let pytorchZip = checkpoint("pytorch-zip") {
        try files([goldens, corpus], [".pth"]).filter { kind($0) == .pytorchZip }
            .map { Seed($0, ZipMutator($0)) }
    }

    static let torchScript = checkpoint("torchscript") {
        try files(["Tests/Fuzzing/Seeds", corpus], [".pt", ".pth"]).filter { kind($0) == .torchScript }
            .map { Seed($0, ZipMutator($0)) }
    }

    static let torchExport = checkpoint("torch-export") {
        try files(["Tests/Fuzzing/Seeds"], [".pt2"]).map { Seed($0, ZipMutator($0)) }
    }

    static let pytorchStream = checkpoint("pytorch-stream") {
        try files([goldens, corpus], [".pth", ".pkl"]).filter { bytes in
            bytes.first == 0x80 && [.pytorchLegacy, .barePickle].contains(kind(bytes))
        }.map { Seed($0, StreamMutator($0)) }
    }

    static let pytorchTar = checkpoint("pytorch-tar") {
        try files([goldens, corpus], ["-tar.pth", "oldest.pth"]).map { Seed($0, TarMutator($0)) }
    }

    // MARK: safetensors

    /// A file of every type of element.
    private static func everyType() throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let types = ElementType.allCases.filter { $0 != .c128 && $0 != .c32 }
        let tensors = try types.enumerated().map { index, type in
            let shape = try TensorShape(checking: [index % 3, 2, 1 + index % 2])
            return NamedTensor("layer\(index).weight", try Tensor(zeros: shape, elementType: type))
        }
        try SafetensorsWriter.write(tensors, to: folder.file("all.safetensors"))
        return try TestFiles.read(folder.file("all.safetensors"))
    }

    static let safetensors = checkpoint("safetensors") {
        try (files([corpus], [".safetensors"]) + [everyType()]).map { Seed($0, SafetensorsMutator($0)) }
    }

    /// Checkpoints in several files, and folders as Hugging Face's libraries lay them out; a variant holds all files.
    static let shards = FuzzTarget("shards") {
        let parts = try [[("a.weight", 3), ("a.bias", 1)], [("b.weight", 4)]].map { tensors in
            let folder = try TemporaryFolder()
            let named = try tensors.map { name, count in
                NamedTensor(name, try Tensor(zeros: TensorShape(checking: [count]), elementType: .f32))
            }
            try SafetensorsWriter.write(named, to: folder.file("part.safetensors"))
            return try TestFiles.read(folder.file("part.safetensors"))
        }
        let golden = try TestFiles.read(TestFiles.path(goldens + "/state-dict.pth"))
        let keys = try CheckpointReader.read(ByteSource(bytes: golden)).tensors.map(\.name)
        func index(_ map: [(String, String)]) -> [UInt8] {
            let map = map.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
            return Array("{\"metadata\": {\"total_size\": 32}, \"weight_map\": {\(map)}}".utf8)
        }
        let names = (1...2).map { "model-0000\($0)-of-00002.safetensors" }
        let configuration = Array("{\"architecture\": \"resnet18\", \"num_classes\": 3}".utf8)
        let folders: [[FolderMutator.File]] = [
            [
                (names[0], parts[0]), (names[1], parts[1]), ("config.json", configuration),
                (
                    "model.safetensors.index.json",
                    index([("a.weight", names[0]), ("a.bias", names[0]), ("b.weight", names[1])])
                ),
            ],
            [("model.safetensors", parts[0]), ("config.json", configuration)],
            [
                ("pytorch_model-00001-of-00001.bin", golden),
                (
                    "pytorch_model.bin.index.json",
                    index(keys.map { ($0, "pytorch_model-00001-of-00001.bin") })
                ),
            ],
        ]
        return try folders.map { files in
            let mutator = FolderMutator(files)
            return Seed(try Rebuilt.zip(files, deflated: false), mutator)
        }
    } body: { (bytes) throws(ZooError) in
        let folder = try FolderMutator.unpack(bytes)
        let index = ["/model.safetensors.index.json", "/pytorch_model.bin.index.json"].map { folder + $0 }
        if bytes.count.isMultiple(of: 2), let path = index.first(where: TestFiles.exists) {
            try load(try CheckpointReader.read(path: path))
        } else {
            try load(try CheckpointFolder.read(folder))
        }
    }

    static let native = FuzzTarget("native") {
        let folder = try TemporaryFolder()
        let checkpoint = try CheckpointReader.read(path: TestFiles.path("zoo/weights/lenet-mnist.pth"))
        let (model, _) = try Converter().convert(checkpoint)
        try ModelFile.write(model, to: folder.file("m.zoo.safetensors"))
        let bytes = try TestFiles.read(folder.file("m.zoo.safetensors"))
        return [Seed(bytes, SafetensorsMutator(bytes))]
    } body: { (bytes) throws(ZooError) in
        let checkpoint = try CheckpointReader.read(ByteSource(bytes: bytes, path: "mutated"))
        guard ModelFile.isNative(checkpoint) else {
            throw ZooError(.unknownFormat, "the file isn't native any more")
        }
        _ = try ModelFile.read(checkpoint)
    }

    // MARK: NumPy and gzip

    static let npz = checkpoint("npz") {
        let arrays = try files([corpus], [".npy"]).map { ("a.npy", $0) }
        let plain = try Rebuilt.zip(
            [("w.npy", array()), ("v/b.npy", array())] + arrays.prefix(1), deflated: false)
        let packed = try Rebuilt.zip([("w.npy", array()), ("b.npy", array())], deflated: true)
        return try (files([corpus], [".npz"]) + [plain, packed]).map { Seed($0, ZipMutator($0)) }
    }

    static let npy = checkpoint("npy") {
        try (files([corpus], [".npy"]) + [array()]).map { Seed($0, NPYMutator($0)) }
    }

    /// Twelve numbers.
    private static func array() -> [UInt8] {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"
        let header = Array((text + String(repeating: " ", count: 117 - text.utf8.count) + "\n").utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + [UInt8](UInt64(header.count), width: 2) + header
            + [UInt8](repeating: 0x3F, count: 48)
    }

    static let gzip = checkpoint("gzip") {
        let stream = try TestFiles.read(TestFiles.path(goldens + "/state-dict-legacy.pth"))
        let zip = try TestFiles.read(TestFiles.path(goldens + "/state-dict.pth"))
        let packed: [([UInt8], any Mutator)] = [
            (stream, StreamMutator(stream)), (zip, ZipMutator(zip)), (array(), NPYMutator(array())),
        ]
        return try packed.map { bytes, mutator in
            Seed(try Gzip.compress(bytes), GzipMutator(bytes, inner: mutator))
        }
    }
}
