import ZooCheckpoints
import ZooContainers
import ZooTensors
import ZooTestSupport

/// PyTorch archives put together by hand: a pickle of any value, and storages.
struct HandMadeArchive {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The bytes of an archive whose storages hold the given numbers as 32-bit floats.
    func bytes(
        _ value: PythonValue, storages: [String: [Float]] = [:], raw: [String: [UInt8]] = [:],
        more: [(String, [UInt8])] = []
    ) throws -> [UInt8] {
        try bytes(pickle: value.pickled(), storages: storages, raw: raw, more: more)
    }

    private func bytes(
        pickle: [UInt8], storages: [String: [Float]], raw: [String: [UInt8]] = [:],
        more: [(String, [UInt8])] = []
    ) throws -> [UInt8] {
        let path = folder.file("archive.pth")
        let writer = try ZipWriter(path: path)
        try writer.add("archive/data.pkl", pickle)
        for (key, numbers) in storages.sorted(by: { $0.key < $1.key }) {
            try writer.add("archive/data/\(key)", tensor: try Tensor(numbers, shape: [numbers.count]))
        }
        for (key, bytes) in raw.sorted(by: { $0.key < $1.key }) {
            try writer.add("archive/data/\(key)", bytes)
        }
        try writer.add("archive/version", Array("3\n".utf8))
        for (name, bytes) in more { try writer.add("archive/\(name)", bytes) }
        try writer.finish()
        return try TestFiles.read(path)
    }

    /// Reads an archive with a pickle that no value stands for.
    func readPickle(
        _ pickle: [UInt8], storages: [String: [Float]], options: CheckpointReadOptions
    ) throws -> Checkpoint {
        try CheckpointReader.read(
            ByteSource(bytes: try bytes(pickle: pickle, storages: storages), path: "archive.pth"),
            options: options)
    }

    /// Reads such an archive.
    func read(
        _ value: PythonValue, storages: [String: [Float]] = [:], raw: [String: [UInt8]] = [:],
        options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws -> Checkpoint {
        try CheckpointReader.read(
            ByteSource(bytes: try bytes(value, storages: storages, raw: raw), path: "archive.pth"),
            options: options)
    }
}

/// A state dict of one weight of two elements in the storage `key`.
func oneWeight(_ key: String, name: String = "fc.weight") -> PythonValue {
    .ordered([(name, .tensor(key, shape: [2]))])
}
