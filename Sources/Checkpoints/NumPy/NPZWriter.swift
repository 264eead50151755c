internal import ZooContainers
public import ZooTensors

/// Writes NumPy archives.
public enum NPZWriter {
    /// Writes tensors so that `np.load(path)[name]` gives them.
    /// - Throws: ``ZooError`` for `bf16`, which NumPy doesn't have, or a repeated name.
    public static func write(_ tensors: [NamedTensor], to path: String) throws(ZooError) {
        try write(tensors.map { CheckpointTensor(name: $0.name, tensor: $0.tensor) }, to: path)
    }

    /// Writes tensors of other files, or in memory, one after the other: of what is copied as it lies in its file
    /// hardly anything is in memory at any time.
    /// - Parameter progress: told the number of bytes after every piece.
    /// - Throws: ``ZooError`` for types that NumPy doesn't have, for a repeated name, when a tensor can't be read, or
    ///   when the file can't be written.
    public static func write(
        _ tensors: [CheckpointTensor], to path: String, progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        let headers = try tensors.map { (tensor) throws(ZooError) in try header(of: tensor, path: path) }
        let writer = try ZipWriter(path: path)
        for (tensor, header) in zip(tensors, headers) {
            let byteCount = try Checked.sum(header.count, try tensor.byteCount())
            try unsafe writer.add("\(tensor.name).npy", byteCount: byteCount) { (sink) throws(ZooError) in
                try unsafe lendingBytes(of: header, sink)
                try unsafe tensor.forEachPiece { (piece) throws(ZooError) in
                    try unsafe sink(piece)
                    progress(piece.count)
                }
            }
        }
        try writer.finish()
    }

    static func header(of tensor: CheckpointTensor, path: String) throws(ZooError) -> [UInt8] {
        do throws(ZooError) {
            // What can't be read isn't copied either, and says why.
            if tensor.typeName != nil { _ = try tensor.load() }
            return try NPYHeader(tensor.elementType, tensor.shape).bytes()
        } catch {
            throw error.adding(file: path, tensor: tensor.name)
        }
    }
}
