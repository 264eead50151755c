internal import ZooContainers
public import ZooTensors

/// Reads a folder as Hugging Face's libraries lay it out: weights in one or several files, and `config.json`.
public enum CheckpointFolder {
    /// The entry of a checkpoint's extras that holds the folder's `config.json`.
    public static let configurationKey = "config.json"

    /// Whether a path is a folder's.
    public static func isFolder(_ path: String) -> Bool { FolderListing.isFolder(path) }

    /// Reads the table of the folder's tensors, and its `config.json` as an extra.
    /// - Throws: ``ZooError`` when the folder holds no weights, or several of which none is the usual one; and as for the
    ///   files themselves.
    public static func read(
        _ path: String, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        let folder = path.hasSuffix("/") ? path : path + "/"
        let names = try FolderListing(path: path).files
        let (weights, others) = try choose(names, path: path)
        let checkpoint = try CheckpointReader.read(path: folder + weights, options: options)
        var extras = checkpoint.extras
        var files = checkpoint.files.isEmpty ? [folder + weights] : checkpoint.files
        if names.contains(configurationKey) {
            let source = try ByteSource(path: folder + configurationKey)
            extras[configurationKey] = try FolderDocument.parse(source, limits: options.limits)
            files.append(folder + configurationKey)
        }
        var notes = checkpoint.notes
        if !others.isEmpty {
            notes.insert("took \(weights); the folder also holds \(others.joined(separator: ", "))", at: 0)
        }
        return try checkpoint.with(path: path, extras: extras, notes: notes, files: files)
    }

    /// Usual names, in the order in which Hugging Face's libraries look for them.
    private static let usualNames = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
        "pytorch_model.bin.index.json",
    ]

    /// Whether a name is that of a part: `model-00001-of-00002.safetensors`.
    private static func isShard(_ name: String) -> Bool {
        let words = name.split(separator: "-")
        guard words.count >= 4, words[words.count - 2] == "of" else { return false }
        return [words[words.count - 3], words[words.count - 1].prefix { $0 != "." }].allSatisfy { number in
            number.utf8.count == 5 && number.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
    }

    /// The file to read: one with a usual name, else the only one of the best kind.
    private static func choose(
        _ names: [String], path: String
    ) throws(ZooError) -> (name: String, others: [String]) {
        let indexed = names.filter { $0.hasSuffix(".index.json") }
        let whole = names.filter { !isShard($0) }
        let kinds: [[String]] =
            usualNames.map { usual in names.filter { $0 == usual } } + [
                whole.filter { $0.hasSuffix(".safetensors") }, indexed,
                whole.filter { name in [".bin", ".pth", ".pt"].contains { name.hasSuffix($0) } },
            ]
        let all = kinds.flatMap { $0 }
        for candidates in kinds {
            guard let name = candidates.first else { continue }
            guard candidates.count == 1 else {
                throw ZooError(
                    .ambiguous, "the folder holds several checkpoints", file: path,
                    found: candidates.prefix(10).joined(separator: ", "), remedy: "Name one of the files.")
            }
            return (name, Set(all).subtracting([name]).sorted())
        }
        if let shard = names.first(where: isShard) {
            throw ZooError(
                .fileNotFound, "the folder holds parts of a checkpoint without their index", file: path,
                found: shard, remedy: "Get the file that ends in .index.json, too.")
        }
        throw ZooError(
            .fileNotFound, "this folder holds no checkpoint", file: path,
            expected: "model.safetensors or pytorch_model.bin, whole or in parts with an index",
            remedy: "Name a file, or the folder that the weights are in.")
    }
}
