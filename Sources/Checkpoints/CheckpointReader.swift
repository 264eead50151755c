internal import ZooContainers
public import ZooTensors

/// Opens a checkpoint of any format but HDF5, which has a module of its own.
public enum CheckpointReader {
    /// Reads the table of tensors of a file, of a folder as Hugging Face lays it out, or of the index of several files;
    /// the tensors' numbers are read when asked for.
    /// - Throws: ``ZooError`` when the file isn't a checkpoint, is damaged, or is one of HDF5's.
    public static func read(
        path: String, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        do throws(ZooError) {
            if CheckpointFolder.isFolder(path) { return try CheckpointFolder.read(path, options: options) }
            return try read(try ByteSource(path: path), options: options)
        } catch {
            throw error.adding(file: path)
        }
    }

    /// Reads the table of tensors of a source.
    public static func read(
        _ source: ByteSource, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        try read(source, options: options, depth: 0)
    }

    private static func read(
        _ source: ByteSource, options: CheckpointReadOptions, depth: Int
    ) throws(ZooError) -> Checkpoint {
        guard depth < 3 else {
            throw ZooError(
                .limitExceeded, "the checkpoint is packed into itself more than twice", file: source.path)
        }
        let kind = try FileKind.detect(source)
        if kind.isFlat { try options.refuseKey(path: source.path) }
        switch kind {
        case .pytorchZip, .torchScript, .pytorchLegacy, .torchTar:
            return try PyTorchReader.read(source, options: options)
        case .safetensors:
            let checkpoint = try SafetensorsReader.read(source, options: options)
            return options.keepPrefixes ? checkpoint : try checkpoint.strippingPrefixes()
        case .json: return try ShardedCheckpoint.read(index: source, options: options)
        case .torchExport: return try TorchExportReader.read(source, options: options)
        case .npz, .npy: return try NPZReader.read(source, options: options)
        case .barePickle:
            throw ZooError(
                .unsupported, "this is a pickle, but not one of torch.save", file: source.path,
                remedy: "Save the tensors with torch.save, where you trust the file.",
                warning: PickleAudit.warning(source, limits: options.limits))
        case .zipOfOne:
            let archive = try ZipArchive(source, limits: options.limits)
            guard let member = archive.members.first(where: { !$0.isFolder }) else { break }
            let inner = try read(try member.file(), options: options, depth: depth + 1)
            return try inner.adding(
                note: "took \(quoted(member.name)) out of the zip around it", path: source.path)
        case .gzip:
            let plain = ByteSource(
                bytes: try Gzip.decompress(source, limits: options.limits), path: source.path)
            let inner = try read(plain, options: options, depth: depth + 1)
            return try inner.adding(note: "decompressed the gzip file around it", path: source.path)
        case .hdf5, .kerasArchive, .kerasShards:
            throw ZooError(
                .unsupported, "this is a Keras file, which the HDF5 reader opens", file: source.path,
                found: kind.rawValue)
        default: break
        }
        throw kind.refusal(path: source.path)
            ?? ZooError(
                .unsupported, "checkpoints of this kind aren't read", file: source.path, found: kind.rawValue)
    }
}

extension Checkpoint {
    /// The same checkpoint, with a sentence before its notes.
    func adding(note: String, path: String?) throws(ZooError) -> Checkpoint {
        try with(path: path, notes: [note] + notes)
    }

    /// The same checkpoint without the prefixes that all its keys share because a tool put them there.
    package func strippingPrefixes() throws(ZooError) -> Checkpoint {
        let stripping = PrefixStripping(tensors.map(\.name))
        guard let note = stripping.note else { return self }
        return try with(
            tensors: zip(tensors, stripping.names).map { $0.renamed($1) }, notes: notes + [note])
    }
}
