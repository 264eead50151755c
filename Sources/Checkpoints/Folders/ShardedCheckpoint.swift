internal import ZooContainers
internal import ZooTensors

/// Reads a checkpoint that lies in several files, by the index that Hugging Face's libraries write beside them
/// (`model.safetensors.index.json`, `pytorch_model.bin.index.json`).
enum ShardedCheckpoint {
    /// Every shard stays open while tensors may be read from it.
    private static let maximumShardCount = 512

    /// Reads the tables of all shards as one.
    /// - Throws: ``ZooError`` when this isn't an index, when a shard is missing or isn't beside it, when the shards don't
    ///   hold what the index says, or hold a tensor twice.
    static func read(index source: ByteSource, options: CheckpointReadOptions) throws(ZooError) -> Checkpoint
    {
        do throws(ZooError) {
            let index = try Index(source, limits: options.limits)
            return try checkpoint(index, options)
        } catch {
            throw error.adding(file: source.path)
        }
    }

    /// What an index says.
    private struct Index {
        let path: String
        /// Names of the tensors and of their shards, in the index's order.
        let places: [(tensor: String, shard: String)]
        /// Names of the shards, sorted as their numbers are.
        let shards: [String]
        let metadata: JSONValue?

        init(_ source: ByteSource, limits: ReadLimits) throws(ZooError) {
            let document = try FolderDocument.parse(source, limits: limits)
            guard let map = document["weight_map"]?.objectValue else { throw Index.refusal(document) }
            guard let path = source.path else {
                throw ZooError(.unsupported, "an index needs the files beside it, and this one has no place")
            }
            guard map.count <= limits.entryCount else {
                throw ZooError(.limitExceeded, "the index has more than \(limits.entryCount) tensors")
            }
            var places: [(tensor: String, shard: String)] = []
            for (tensor, value) in map.members {
                guard let shard = value.stringValue, !tensor.isEmpty else {
                    throw ZooError(
                        .corrupt, "the index gives no file for a tensor", tensor: tensor, found: value.text())
                }
                try Index.check(shard, tensor: tensor)
                places.append((tensor, shard))
            }
            shards = Set(places.map(\.shard)).sorted(by: FolderListing.precedes)
            guard !shards.isEmpty else { throw ZooError(.missingTensor, "the index lists no tensors") }
            guard shards.count <= ShardedCheckpoint.maximumShardCount else {
                throw ZooError(
                    .limitExceeded, "the index names too many files",
                    expected: "at most \(ShardedCheckpoint.maximumShardCount)", found: "\(shards.count)")
            }
            self.path = path
            self.places = places
            self.metadata = document["metadata"]
        }

        private static func refusal(_ document: JSONValue) -> ZooError {
            let isConfiguration = ["architecture", "architectures", "model_type"].contains {
                document[$0] != nil
            }
            return ZooError(
                .unknownFormat, "this JSON document isn't the index of a checkpoint",
                expected: "a weight_map",
                remedy: isConfiguration
                    ? "It describes a model; name the folder that it lies in."
                    : "Name the file with the weights.")
        }

        /// A shard is a file beside the index, whatever links may do there.
        private static func check(_ shard: String, tensor: String) throws(ZooError) {
            let isPlain =
                !shard.isEmpty && shard != "." && shard != ".." && shard.utf8.count <= 255
                && shard.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x2F && $0 != 0x5C }
            guard isPlain else {
                throw ZooError(
                    .refused, "the index names a file that isn't beside it", tensor: tensor,
                    expected: "a file's name alone", found: quoted(shard),
                    remedy: "Put all files into one folder, and only their names into the index.")
            }
        }
    }

    private static func checkpoint(
        _ index: Index, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let folder = index.path.lastIndex(of: "/").map { String(index.path[...$0]) } ?? ""
        var options = options
        let keepPrefixes = options.keepPrefixes
        options.keepPrefixes = true
        var shards: [(name: String, checkpoint: Checkpoint)] = []
        for name in index.shards {
            let shard = try read(shard: name, in: folder, of: index.shards.count, options)
            if let first = shards.first, first.checkpoint.format != shard.format {
                throw ZooError(
                    .corrupt, "the files of the checkpoint are of different formats",
                    expected: first.checkpoint.format.title,
                    found: "\(shard.format.title) in \(name)")
            }
            shards.append((name, shard))
        }
        let (tensors, unlisted) = try merge(shards, index)
        var notes = ["read \(shards.count) files as one checkpoint"]
        if let first = unlisted.first {
            notes.append(
                "the files hold \(unlisted.count) tensors that the index doesn't list, \(quoted(first)) first"
            )
        }
        for (name, shard) in shards { notes += shard.notes.map { "\(name): \($0)" } }
        let whole = try Checkpoint(
            format: shards.first?.checkpoint.format ?? .safetensors, path: index.path, tensors: tensors,
            extras: extras(shards, index), notes: notes, warnings: shards.flatMap { $0.checkpoint.warnings },
            files: [index.path] + index.shards.map { folder + $0 })
        return keepPrefixes ? whole : try whole.strippingPrefixes()
    }

    private static func read(
        shard name: String, in folder: String, of count: Int, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let source: ByteSource
        do throws(ZooError) {
            source = try ByteSource(path: folder + name)
        } catch {
            guard error.code == .fileNotFound else { throw error }
            throw ZooError(
                .fileNotFound, "a file that the index names is missing", file: folder + name,
                remedy: "Get all \(count) files of the checkpoint into one folder.")
        }
        let kind = try FileKind.detect(source)
        switch kind {
        case .safetensors, .pytorchZip, .pytorchLegacy:
            return try CheckpointReader.read(source, options: options)
        default:
            throw kind.refusal(path: source.path)
                ?? ZooError(
                    .unsupported, "a file that the index names is of a kind that isn't read here",
                    file: source.path,
                    expected: "safetensors or PyTorch", found: kind.rawValue)
        }
    }

    /// All tensors, and the names of those that the index doesn't list.
    private static func merge(
        _ shards: [(name: String, checkpoint: Checkpoint)], _ index: Index
    ) throws(ZooError) -> ([CheckpointTensor], unlisted: [String]) {
        var homes: [String: String] = [:]
        var tensors: [String: CheckpointTensor] = [:]
        var order: [String] = []
        for (name, checkpoint) in shards {
            for tensor in checkpoint.tensors {
                if let other = homes.updateValue(name, forKey: tensor.name) {
                    throw ZooError(
                        .corrupt, "two files of the checkpoint hold the same tensor", tensor: tensor.name,
                        found: "in \(other) and in \(name)",
                        remedy: "Get the files again, all of the same version.")
                }
                tensors[tensor.name] = tensor.inPart(name)
                order.append(tensor.name)
            }
        }
        for (name, shard) in index.places where homes[name] != shard {
            throw ZooError(
                .missingTensor, "a file of the checkpoint lacks a tensor that the index says it has",
                tensor: name,
                expected: "in \(shard)", found: homes[name].map { "in \($0)" } ?? "in none of the files",
                remedy: "Get the files again, all of the same version.")
        }
        let listed = Set(index.places.map(\.tensor))
        let unlisted = order.filter { !listed.contains($0) }
        // The tables of safetensors files are sorted by type and name; the index may be in the network's own order.
        if shards.first?.checkpoint.format == .safetensors {
            order = index.places.map(\.tensor) + unlisted
        }
        return (order.compactMap { tensors[$0] }, unlisted)
    }

    private static func extras(_ shards: [(name: String, checkpoint: Checkpoint)], _ index: Index)
        -> JSONObject
    {
        var extras = JSONObject()
        if let metadata = index.metadata { extras["index"] = metadata }
        for (_, checkpoint) in shards {
            for (key, value) in checkpoint.extras.members {
                guard let known = extras[key]?.objectValue, let more = value.objectValue else {
                    if extras[key] == nil { extras[key] = value }
                    continue
                }
                var merged = known
                for (name, value) in more.members where merged[name] == nil { merged[name] = value }
                extras[key] = .object(merged)
            }
        }
        return extras
    }
}

/// The JSON documents beside weights.
enum FolderDocument {
    /// Reads a document that Python may have written.
    static func parse(_ source: ByteSource, limits: ReadLimits) throws(ZooError) -> JSONValue {
        guard source.count <= limits.headerBytes else {
            throw ZooError(
                .limitExceeded, "the document is longer than \(limits.headerBytes) bytes", file: source.path,
                found: "\(source.count)")
        }
        var text = try source.allBytes()
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text.removeFirst(3) }
        var options = JSONParser.Options()
        options.acceptsNonFiniteNumbers = true
        do throws(ZooError) {
            return try JSONParser.parse(text, options: options)
        } catch {
            throw error.adding(file: source.path)
        }
    }
}
