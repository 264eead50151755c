internal import ZooContainers
public import ZooTensors

/// Reads NumPy archives, and single arrays, as checkpoints.
public enum NPZReader {
    /// The name of an array that has none: the one in an `.npy` file.
    public static let namelessArray = "arr_0"

    /// Lists the arrays of an archive under their names; a single array is `arr_0`, as `np.savez` would call it.
    public static func read(
        _ source: ByteSource, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        let first = try source.bytes(at: 0, count: min(source.count, NPYHeader.maximumByteCount))
        if first.starts(with: NPYHeader.magic) {
            let header = try NPYHeader(parsing: first, start: source.start, file: source.path)
            let tensor = CheckpointTensor(
                name: namelessArray, elementType: header.elementType, shape: header.shape
            ) {
                () throws(ZooError) in try NPYFile.read(source)
            }
            return try Checkpoint(format: .npz, path: source.path, tensors: [tensor])
        }
        var tensors: [CheckpointTensor] = []
        for entry in try NPZFile(source, limits: options.limits).entries {
            let path = source.path
            let header = entry.header
            let bytes = try StoredBytes(
                entry.member, start: header.dataOffset,
                swappedUnit: header.isBigEndian ? header.elementType.byteOrderUnit : 1)
            tensors.append(
                CheckpointTensor(
                    name: entry.name, elementType: header.elementType, shape: header.shape,
                    location: entry.name + ".npy", stored: StoredTensor(bytes: bytes, strides: header.strides)
                ) { () throws(ZooError) in
                    do throws(ZooError) {
                        return try entry.load()
                    } catch {
                        throw error.adding(file: path)
                    }
                })
        }
        return try Checkpoint(format: .npz, path: source.path, tensors: tensors)
    }
}
