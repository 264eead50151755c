internal import ZooCheckpoints
internal import ZooContainers
package import ZooTensors
internal import ZooTestSupport

/// What libFuzzer looks into: the parts that take a stranger's bytes apart.
package enum CoverageTarget: String, CaseIterable, Sendable {
    /// The pickle machine, as readers and as the scan use it.
    case pickle
    /// The zip reader, all members included.
    case zip
    /// The header of safetensors files.
    case safetensors
    /// The table that the HDF5 indexer gives, its check, and the datasets that it names.
    case hdf5Table = "hdf5-table"
    /// NumPy's headers.
    case npy
    /// The older stream and tar formats, and everything else that a checkpoint can be.
    case checkpoint

    /// Reads an input.
    package func read(_ bytes: [UInt8]) throws(ZooError) {
        let source = ByteSource(bytes: bytes, path: "fuzzed")
        switch self {
        case .pickle:
            let (part, _) = PickleMachine.readPart(source)
            _ = part.imports.count
            let document = try PickleMachine.read(source)
            for reference in document.references { _ = document.value(reference) }
        case .zip:
            let archive = try ZipArchive(source)
            _ = try? archive.unclaimedBytes()
            for member in archive.members where member.byteCount <= 1 << 16 {
                _ = try? member.prefix(32)
                _ = try? member.pickle()
                _ = try? member.bytes()
            }
        case .safetensors:
            for tensor in try SafetensorsReader.read(source).tensors { _ = try tensor.load() }
        case .hdf5Table: try FuzzTarget.readTable(bytes)
        case .npy: _ = try NPYFile.read(source)
        case .checkpoint:
            _ = try? CheckpointScan(source)
            for tensor in try CheckpointReader.read(source).tensors.prefix(50) { _ = try tensor.load() }
        }
    }

    /// Files to begin with.
    package func seeds() throws -> [[UInt8]] {
        let zips = try FuzzTarget.pytorchZip.loaded().files
        switch self {
        case .pickle:
            // What is inside the archives.
            let inside = zips.compactMap { bytes in
                (try? ZipArchive(ByteSource(bytes: bytes)))?.members.first { $0.name.hasSuffix(".pkl") }
            }
            return try inside.compactMap { try? $0.bytes() } + FuzzTarget.pytorchStream.loaded().files
        case .zip: return try zips + FuzzTarget.npz.loaded().files
        case .safetensors: return try FuzzTarget.safetensors.loaded().files
        case .hdf5Table: return try FuzzTarget.hdf5Table.loaded().files
        case .npy: return try FuzzTarget.npy.loaded().files
        case .checkpoint:
            return try FuzzTarget.pytorchStream.loaded().files + FuzzTarget.pytorchTar.loaded().files + zips
                + FuzzTarget.torchScript.loaded().files + FuzzTarget.torchExport.loaded().files
        }
    }
}
