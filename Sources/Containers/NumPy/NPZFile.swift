public import ZooTensors

/// Archives of NumPy arrays (`np.savez`, `np.savez_compressed`).
public struct NPZFile: Sendable {
    /// One array of the archive, its elements read on demand.
    public struct Entry: Sendable {
        /// The array's name, without `.npy`.
        public let name: String
        /// Type, order and shape.
        public let header: NPYHeader
        /// The member of the archive that it is.
        package let member: ZipMember

        /// Reads the array and checks it against the archive's checksum.
        public func load() throws(ZooError) -> Tensor {
            let count = try Checked.sum(member.byteCount, -header.dataOffset)
            return try header.tensor(try member.storage(at: header.dataOffset, byteCount: count))
        }
    }

    /// The arrays in the archive's order.
    public let entries: [Entry]

    /// Opens an archive; only the arrays' headers are read.
    /// - Throws: ``ZooError`` for a damaged archive or header, or a member that isn't an array.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        var entries: [Entry] = []
        for member in try ZipArchive(source, limits: limits).members where !member.isFolder {
            guard member.name.hasSuffix(".npy") else {
                throw ZooError(
                    .unsupported, "the archive has a member that isn't a NumPy array", file: source.path,
                    found: quoted(member.name))
            }
            // Nearly every header is 128 bytes long.
            var first = try member.prefix(256)
            let needed = first.count < 12 ? 0 : 12 + Int(first[8]) + Int(first[9]) << 8
            if needed > first.count || first.dropFirst(6).first != 1 {
                first = try member.prefix(NPYHeader.maximumByteCount)
            }
            let name = String(member.name.dropLast(4))
            do throws(ZooError) {
                let header = try NPYHeader(parsing: first, start: source.start, file: source.path)
                try header.check(byteCount: member.byteCount, start: source.start, file: source.path)
                entries.append(Entry(name: name, header: header, member: member))
            } catch {
                throw error.adding(tensor: name)
            }
        }
        self.entries = entries
    }

    /// Writes an archive that `np.load` reads: stored members, each array at a multiple of 64 bytes.
    /// - Throws: ``ZooError`` for `bf16`, a repeated name, or when the file can't be written.
    public static func write(_ arrays: [(name: String, tensor: Tensor)], to path: String) throws(ZooError) {
        let file = try AtomicFile(path: path)
        try write(arrays, into: file)
        try file.commit()
    }

    /// Writes everything of an archive; its name is given to it by someone else.
    package static func write(
        _ arrays: [(name: String, tensor: Tensor)], into file: AtomicFile
    ) throws(ZooError) {
        let writer = ZipWriter(file: file)
        for (name, tensor) in arrays {
            do throws(ZooError) {
                let header = try NPYHeader(tensor.elementType, tensor.shape).bytes()
                try writer.add("\(name).npy", header: header, tensor: tensor)
            } catch {
                throw error.adding(file: file.path, tensor: name)
            }
        }
        try writer.close()
    }
}
