internal import ZooContainers
public import ZooTensors

/// Reads what `torch.save` wrote, in both of its formats, without executing anything: what the pickle would call
/// stays a record of names. Tensors are listed from the pickle alone; their numbers are read when asked for.
public enum PyTorchReader {
    /// Reads a checkpoint: a state dict, a training script's dictionary that wraps one, or a pickled network.
    /// - Throws: ``ZooError``: `ambiguous` with the candidates when several state dicts are inside and
    ///   ``CheckpointReadOptions/key`` doesn't choose one; `unsupported` with name and byte when a wanted entry
    ///   isn't a tensor but something that only running code could make.
    public static func read(
        _ source: ByteSource, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        do throws(ZooError) {
            let first = try source.bytes(at: 0, count: min(512, source.count))
            if first.starts(with: [0x50, 0x4B, 3, 4]) { return try readZip(source, options) }
            return FileKind.isTar(first) ? try readTar(source, options) : try readLegacy(source, options)
        } catch {
            throw error.adding(file: source.path)
        }
    }

    private static func readLegacy(
        _ source: ByteSource, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let file = try PyTorchLegacyFile(source, limits: options.limits)
        var assembly = PyTorchAssembly(
            document: file.document, table: file.table, format: .pytorchLegacy, path: source.path,
            options: options)
        assembly.otherDocuments = file.otherDocuments
        return try assembly.checkpoint()
    }

    private static func readTar(
        _ source: ByteSource, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let file = try PyTorchTarFile(source, limits: options.limits)
        var assembly = PyTorchAssembly(
            document: file.document, table: file.table, format: .pytorchTar, path: source.path,
            options: options)
        assembly.tensors = file.tensors
        return try assembly.checkpoint()
    }

    private static func readZip(
        _ source: ByteSource, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let archive = try ZipArchive(source, limits: options.limits)
        guard let root = PyTorchZip.root(of: archive), let pickle = archive[root + "data.pkl"] else {
            throw ZooError(
                .unknownFormat, "this zip isn't a PyTorch checkpoint",
                expected: "one folder with data.pkl in it")
        }
        try PyTorchZip.checkVersion(archive, root: root)
        guard pickle.byteCount <= options.limits.headerBytes else {
            throw ZooError(
                .limitExceeded, "the pickle is longer than \(options.limits.headerBytes) bytes",
                found: "\(pickle.byteCount)")
        }
        let document = try PickleMachine.read(try pickle.pickle(), limits: options.limits)
        var places: [String: PyTorchStorageTable.Place] = [:]
        let folder = root + "data/"
        for member in archive.members where member.name.hasPrefix(folder) && !member.isFolder {
            places[String(member.name.dropFirst(folder.count))] = .member(member)
        }
        let table = PyTorchStorageTable(
            places: places, isBigEndian: try PyTorchZip.isBigEndian(archive, root: root), prefix: folder)
        var assembly = PyTorchAssembly(
            document: document, table: table, format: .pytorchZip, path: source.path, options: options)
        if archive[root + "constants.pkl"] != nil {
            assembly.notes.append(
                "this is a TorchScript archive: the tensors are taken, the code isn't looked at")
        }
        if !archive.hasChecksums { assembly.notes.append("the file carries no checksums") }
        return try assembly.checkpoint()
    }
}

/// What the members of a PyTorch zip archive say about it.
enum PyTorchZip {
    /// The one folder that holds everything, with its slash; `nil` when this isn't such an archive.
    static func root(of archive: ZipArchive) -> String? {
        for member in archive.members where member.name.hasSuffix("/data.pkl") {
            let root = String(member.name.dropLast("data.pkl".count))
            let isTopLevel = !root.dropLast().contains("/")
            if isTopLevel { return root }
        }
        return nil
    }

    /// PyTorch wants a version from 1 to 10.
    static func checkVersion(_ archive: ZipArchive, root: String) throws(ZooError) {
        guard let member = archive[root + "version"] ?? archive[root + ".data/version"],
            member.byteCount <= 16
        else {
            throw ZooError(.corrupt, "the member \(quoted(root + "version")) is missing")
        }
        let text = String(decoding: try member.bytes(), as: UTF8.self)
        guard let version = Int(text.filter { $0 != "\n" }), (1...10).contains(version) else {
            throw ZooError(
                .unsupported, "the format version is unknown", expected: "1 to 10", found: quoted(text))
        }
    }

    static func isBigEndian(_ archive: ZipArchive, root: String) throws(ZooError) -> Bool {
        guard let member = archive[root + "byteorder"] else { return false }
        let text = member.byteCount <= 16 ? String(decoding: try member.bytes(), as: UTF8.self) : "…"
        switch text {
        case "little": return false
        case "big": return true
        default:
            throw ZooError(
                .corrupt, "the byte order is unknown", expected: "little or big", found: quoted(text))
        }
    }
}
