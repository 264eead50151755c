internal import ZooCheckpoints
internal import ZooContainers
internal import ZooTensors

/// Keras 3's sharded weights (`save_weights("x.weights.json", max_shard_size=…)`): an index whose `weight_map` says
/// for each object with variables which files hold them, `x_00000.weights.h5`, … beside the index. An object's
/// variables may be spread over several files.
enum KerasShards {
    /// Most files that an index may name.
    private static let mostFiles = 10_000

    /// Whether a file begins as a JSON document does.
    static func isLike(_ first: [UInt8]) -> Bool {
        first.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    }

    static func read(
        _ source: ByteSource, path: String, isolation: HDF5Isolation, limits: ReadLimits
    ) throws(ZooError) -> Checkpoint {
        let map = try weightMap(source, limits: limits)
        var names: [String] = []
        var known = Set<String>()
        for (_, files) in map {
            for file in files where known.insert(file).inserted { names.append(file) }
        }
        guard !names.isEmpty, names.count <= mostFiles else {
            throw ZooError(
                .corrupt, "the index of shards names no files, or too many", found: "\(names.count)")
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        var parts: [HDF5Index] = []
        var bytesLeft = limits
        for name in names.sorted() {
            let part = try HDF5Index.read(path: folder + name, isolation: isolation, limits: bytesLeft)
            for object in part.objects {
                guard let shape = object.dataset?.shape, let type = object.encoding?.elementType else {
                    continue
                }
                let size = try Checked.product(shape.elementCount, type.byteCount)
                guard size <= bytesLeft.tensorBytes else {
                    throw ZooError(
                        .limitExceeded, "the shards are larger than allowed",
                        expected: "at most \(limits.tensorBytes) bytes", found: "more")
                }
                bytesLeft.tensorBytes -= size
            }
            parts.append(part)
        }
        let file = try KerasWeightsFile(parts: parts, path: path)
        let groups = file.groups
        for (group, files) in map where !groups.contains(group) {
            throw ZooError(
                .missingTensor, "the index lists variables that the shards don't hold", tensor: group,
                expected: "in \(files.joined(separator: ", "))")
        }
        let checkpoint = try file.checkpoint()
        let note = "put together from \(names.count) \(names.count == 1 ? "shard" : "shards")"
        return try Checkpoint(
            format: checkpoint.format, path: path, tensors: checkpoint.tensors, layers: checkpoint.layers,
            extras: checkpoint.extras, notes: [note] + checkpoint.notes)
    }

    /// The objects' paths and the files of each, in the index's order.
    private static func weightMap(
        _ source: ByteSource, limits: ReadLimits
    ) throws(ZooError) -> [(group: String, files: [String])] {
        guard source.count <= limits.headerBytes else {
            throw ZooError(
                .limitExceeded, "the index of shards is larger than allowed", found: "\(source.count)")
        }
        let json = try JSONParser.parse(source.allBytes(), options: JSONParser.Options(keras: limits))
        guard let members = json["weight_map"]?.objectValue?.members else {
            throw ZooError(
                .unknownFormat, "this JSON file is no index of Keras weights", expected: "a member weight_map"
            )
        }
        guard members.count <= limits.entryCount else {
            throw ZooError(.limitExceeded, "the index lists more than \(limits.entryCount) objects")
        }
        var result: [(group: String, files: [String])] = []
        for (group, value) in members {
            // One name, as Keras 3.10 wrote it, or a list.
            let entries = value.stringValue.map { [JSONValue.string($0)] } ?? value.arrayValue ?? []
            let files = entries.compactMap(\.stringValue)
            guard !files.isEmpty, files.count == entries.count else {
                throw ZooError(.corrupt, "the index doesn't say which file holds an object", tensor: group)
            }
            for file in files {
                guard file.hasSuffix(".weights.h5"), !file.hasPrefix("."), !file.contains("/"),
                    !file.contains("\\"), !file.utf8.contains(0)
                else {
                    throw ZooError(
                        .refused, "the index names something that isn't a weights file beside it",
                        tensor: group,
                        found: quoted(file))
                }
            }
            let older = "/_layer_checkpoint_dependencies/"
            result.append((group.replacing(older, with: "/layers/"), files))
        }
        return result
    }
}
