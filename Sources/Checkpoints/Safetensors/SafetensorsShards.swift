public import ZooTensors

/// How tensors are split over several safetensors files, exactly as Hugging Face's libraries do it: in the given order,
/// a file is begun when the next tensor would make it longer than wanted; a tensor that is longer by itself gets a
/// file of its own.
public struct SafetensorsShards: Sendable {
    /// One of the files.
    public struct Shard: Sendable {
        /// Its path: `model-00001-of-00002.safetensors`.
        public let path: String
        /// What it holds.
        public let tensors: [CheckpointTensor]
    }

    /// The files in order; a single one has the path itself.
    public let shards: [Shard]
    /// Path of the index, when there are several.
    public let indexPath: String?
    /// The path for a single file.
    private let path: String
    private let byteCount: Int

    /// Splits tensors.
    /// - Parameters:
    ///   - path: where they would go as one file, `….safetensors`.
    ///   - maximumByteCount: how many bytes of tensors a file may hold.
    /// - Throws: ``ZooError`` when the tensors are larger than anything can hold.
    public init(
        _ tensors: [CheckpointTensor], path: String, maximumByteCount: Int
    ) throws(ZooError) {
        var groups: [[CheckpointTensor]] = []
        var current: [CheckpointTensor] = []
        var currentCount = 0
        var total = 0
        for tensor in tensors {
            let count = try tensor.byteCount()
            total = try Checked.sum(total, count)
            if count > maximumByteCount {
                groups.append([tensor])
                continue
            }
            if try Checked.sum(currentCount, count) > maximumByteCount {
                groups.append(current)
                current = []
                currentCount = 0
            }
            current.append(tensor)
            currentCount += count
        }
        if !current.isEmpty || groups.isEmpty { groups.append(current) }
        let ending = ".safetensors"
        let stem = path.hasSuffix(ending) ? String(path.dropLast(ending.count)) : path
        shards = groups.enumerated().map { number, tensors in
            guard groups.count > 1 else { return Shard(path: path, tensors: tensors) }
            let name = "\(stem)-\(fiveDigits(number + 1))-of-\(fiveDigits(groups.count))\(ending)"
            return Shard(path: name, tensors: tensors)
        }
        indexPath = groups.count > 1 ? path + ".index.json" : nil
        self.path = path
        self.byteCount = total
    }

    /// All files that will be written.
    public var paths: [String] { shards.map(\.path) + (indexPath.map { [$0] } ?? []) }

    /// Writes the files; only when all are whole, they get their names, and the index comes last. What was at the path
    /// for a single file gives way to several.
    /// - Parameters:
    ///   - metadata: goes into a single file; of several, into the index, but for `format`, which each file has.
    ///   - progress: told the number of bytes after every piece.
    /// - Throws: ``ZooError`` as ``SafetensorsWriter`` does.
    public func write(
        metadata: [String: String] = [:], progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        guard let indexPath else {
            for shard in shards {
                try SafetensorsWriter.write(
                    shard.tensors, metadata: metadata, to: shard.path, progress: progress)
            }
            return
        }
        try UnfinishedFile.refuseSpecialFile(path)
        var homes = JSONObject()
        for shard in shards {
            let name = shard.path.lastIndex(of: "/").map {
                String(shard.path[shard.path.index(after: $0)...])
            }
            for tensor in shard.tensors {
                guard homes[tensor.name] == nil else {
                    throw ZooError(
                        .invalidArgument, "a tensor's name is taken already", file: path, tensor: tensor.name,
                        remedy: "Give every tensor a name of its own.")
                }
                homes[tensor.name] = .string(name ?? shard.path)
            }
        }
        var about: JSONObject = ["total_size": .integer(byteCount)]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) where key != "format" {
            about[key] = .string(value)
        }
        let own = metadata.filter { $0.key == "format" }
        var files: [AtomicFile] = []
        for shard in shards {
            let file = try AtomicFile(path: shard.path)
            try SafetensorsWriter.write(shard.tensors, metadata: own, into: file, progress: progress)
            try file.finish()
            files.append(file)
        }
        let index = try AtomicFile(path: indexPath)
        try index.write(PythonJSON.text(["metadata": .object(about), "weight_map": .object(homes)]))
        try index.finish()
        for file in files { try file.commit() }
        try index.commit()
        TemporaryFiles.remove(path)
    }
}

private func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
}
