internal import ZooCheckpoints
internal import ZooContainers
internal import ZooConversion
internal import ZooHDF5Checkpoints
internal import ZooTensors
internal import ZooTestSupport

/// The HDF5 reader in its two halves, the library in a process of its own and what believes nothing of its table, and
/// the reader of Keras' conventions.
extension FuzzTarget {
    /// All but those that take the library a second as they are.
    private static func hdf5Files() throws -> [[UInt8]] {
        try files(
            [goldens, kerasGoldens, "Tests/HDF5CheckpointsTests/Fixtures", corpus], [".h5"],
            except: ["occupies-libhdf5.h5"])
    }

    /// Files whose tables are damaged; a LeNet is among them.
    private static let tableFiles: [[UInt8]] = {
        guard let files = try? hdf5Files(),
            let lenet = try? TestFiles.read(TestFiles.path("zoo/weights/lenet-mnist.h5"))
        else { return [] }
        return files + [lenet]
    }()

    /// The tables that the indexer makes of whole files; the first byte says of which.
    private static func tables() throws -> [(number: UInt8, table: [UInt8])] {
        let folder = try TemporaryFolder()
        return try tableFiles.enumerated().compactMap { number, file in
            let path = folder.file("file.h5")
            try TestFiles.write(file, to: path)
            let table = try? HDF5Helper.table(
                executable: Zoo.executable, path: path, limits: ReadLimits())
            return table.map { (UInt8(number), $0) }
        }
    }

    /// Reads a table behind the number of its file.
    static func readTable(_ bytes: [UInt8]) throws(ZooError) {
        guard let number = bytes.first, !tableFiles.isEmpty else { return }
        let source = ByteSource(bytes: tableFiles[Int(number) % tableFiles.count], path: "mutated")
        let index = try HDF5Index(table: Array(bytes.dropFirst()), source: source, limits: ReadLimits())
        let checkpoint = try KerasHDF5Reader.checkpoint(of: index, path: "mutated")
        _ = try? Converter().convert(checkpoint)
        for tensor in checkpoint.tensors.prefix(100) { _ = try tensor.load() }
    }

    /// The indexer's tables as bytes that may be anything.
    static let hdf5Table = FuzzTarget("hdf5-table") {
        try tables().map { Seed([$0] + $1, TableMutator($1, prefix: [$0])) }
    } body: { (bytes) throws(ZooError) in
        try readTable(bytes)
    }

    /// Keras' conventions: tables that keep their form, with other names, attributes, links, types and shapes.
    static let keras = FuzzTarget("keras") {
        try tables().compactMap { number, table in
            KerasMutator(table, prefix: [number]).map { Seed([number] + table, $0) }
        }
    } body: { (bytes) throws(ZooError) in
        try readTable(bytes)
    }

    /// The descriptions of networks that Keras' files hold.
    static let kerasNetwork = FuzzTarget("keras-network") {
        let packed = try TestFiles.read(TestFiles.path(kerasGoldens + "/networks.json.gz"))
        let plain = try Gzip.decompress(ByteSource(bytes: packed), limits: ReadLimits())
        let networks = try JSONParser.parse(plain)["networks"]?.objectValue?.members ?? []
        return networks.compactMap { _, network in
            guard let configuration = network["config"] else { return nil }
            let bytes = Array(configuration.text(sortedKeys: false).utf8)
            return bytes.count <= 40 << 10 ? Seed(bytes, ConfigurationMutator(configuration)) : nil
        }
    } body: { (bytes) throws(ZooError) in
        let configuration = try JSONParser.parse(bytes)
        _ = try KerasNetwork(
            modelConfig: configuration, version: bytes.count.isMultiple(of: 2) ? "3.10.0" : nil,
            inputSize: bytes.count.isMultiple(of: 9) ? 32 : nil)
    }

    private static let kerasGoldens = "tools/goldens/keras"

    /// Reads a file or an index as the command does, and makes the network that it describes.
    private static func readKeras(_ path: String) throws(ZooError) {
        let checkpoint = try KerasHDF5Reader.read(path: path, isolation: .helper(executable: Zoo.executable))
        _ = try? Converter().convert(checkpoint)
        try load(checkpoint)
    }

    static let kerasArchive = FuzzTarget("keras-archive") {
        try files([kerasGoldens, goldens, corpus], [".keras"]).map { Seed($0, ZipMutator($0)) }
    } body: { (bytes) throws(ZooError) in
        _ = try? CheckpointScan(ByteSource(bytes: bytes, path: "mutated"))
        let path = Zoo.scratch.file("variant.keras")
        try TestFiles.overwrite(path, with: bytes)
        try readKeras(path)
    }

    static let kerasShards = FuzzTarget("keras-shards") {
        let names = ["nested.weights.json", "nested_00000.weights.h5", "nested_00001.weights.h5"]
        let files = try names.map { name in
            (name: name, bytes: try TestFiles.read(TestFiles.path(kerasGoldens + "/" + name)))
        }
        return [Seed(try Rebuilt.zip(files, deflated: false), FolderMutator(files))]
    } body: { (bytes) throws(ZooError) in
        try readKeras(try FolderMutator.unpack(bytes) + "/nested.weights.json")
    }

    static let hdf5 = FuzzTarget("hdf5") {
        try hdf5Files().map { Seed($0, HDF5Mutator($0)) }
    } body: { (bytes) throws(ZooError) in
        let path = Zoo.scratch.file("variant.h5")
        try TestFiles.overwrite(path, with: bytes)
        try readKeras(path)
    }
}
