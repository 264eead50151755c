public import ZooCheckpoints
public import ZooTensors

/// Reads what Keras saves: `.h5` of all versions, with or without the model's configuration, Keras 3's `.weights.h5`,
/// also in shards with their index, and `.keras` archives.
///
/// All kinds come out as a ``Checkpoint`` with one ``CheckpointLayer`` per layer in the file's order, also for
/// layers without weights:
///
/// | | `.h5` (`kerasHDF5`) | `.weights.h5` (`kerasWeights`) |
/// |---|---|---|
/// | layer | its name, in the order of `layer_names` | its path, as `layers/conv2d_1`, in natural order |
/// | key | `conv1/kernel` | `layers/conv2d_1/vars/0` |
/// | extras | `keras_version`, `backend`, `model_config`, `training_config` | `layer_names`: path → layer's name |
///
/// An archive (`kerasArchive`) has the layers and keys of the latter, and `keras_version` and `model_config` beside.
///
/// An optimizer's variables are left out, which a note says.
public enum KerasHDF5Reader {
    /// Lists the tensors of a file of any of these kinds; their bytes are read when they are asked for.
    /// - Parameters:
    ///   - path: The file.
    ///   - isolation: Where libhdf5 runs.
    ///   - limits: What the file may ask for.
    /// - Throws: ``ZooError``: `unknownFormat` for a file that isn't HDF5, `unsupported` for HDF5 that Keras didn't
    ///   write and for types and filters that aren't read, `refused` for links and data in other files, `corrupt`,
    ///   `truncated`, `limitExceeded`, and the file system's own.
    public static func read(
        path: String, isolation: HDF5Isolation, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> Checkpoint {
        do {
            let source = try ByteSource(path: path)
            let first = try source.bytes(at: 0, count: min(source.count, 4))
            if first.starts(with: [0x50, 0x4B]) {
                return try KerasArchive.read(source, path: path, isolation: isolation, limits: limits)
            }
            if KerasShards.isLike(first) {
                return try KerasShards.read(source, path: path, isolation: isolation, limits: limits)
            }
            let index = try HDF5Index.read(path: path, isolation: isolation, limits: limits)
            return try checkpoint(of: index, path: path, limits: limits)
        } catch {
            throw error.adding(file: path)
        }
    }

    /// What an indexed file holds.
    package static func checkpoint(
        of index: HDF5Index, path: String, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) -> Checkpoint {
        if let reader = KerasLegacyFile(index, path: path) { return try reader.checkpoint(limits: limits) }
        if let reader = KerasWeightsFile(index, path: path) { return try reader.checkpoint() }
        let found = index.children(of: "").map { $0.name }
        let names = found.prefix(8).joined(separator: ", ") + (found.count > 8 ? ", …" : "")
        throw ZooError(
            .unsupported, "this HDF5 file wasn't written by Keras",
            expected: "the attribute layer_names, or a group layers",
            found: found.isEmpty ? "an empty file" : "the groups and datasets \(names)")
    }
}

extension HDF5Index {
    /// What lies directly in a group, in the file's order.
    func children(of path: String) -> [(name: String, object: HDF5Object)] {
        let prefix = path + "/"
        return objects.compactMap { object in
            guard object.path.hasPrefix(prefix) else { return nil }
            let name = object.path.dropFirst(prefix.count)
            return name.isEmpty || name.contains("/") ? nil : (String(name), object)
        }
    }

    /// A dataset as a tensor of a checkpoint.
    /// - Throws: ``ZooError`` when nothing is at the path, or no dataset of numbers.
    func tensor(_ name: String, at path: String) throws(ZooError) -> CheckpointTensor {
        guard let object = self[path] else {
            throw ZooError(
                .missingTensor, "the file lists a weight that it doesn't hold", tensor: name, expected: path)
        }
        let reader = try HDF5DatasetReader(object, in: self)
        let file = source.path
        return CheckpointTensor(
            name: name, elementType: reader.elementType, shape: reader.shape, location: path
        ) { () throws(ZooError) in
            do throws(ZooError) {
                return try reader.load()
            } catch {
                throw error.adding(file: file)
            }
        }
    }
}
