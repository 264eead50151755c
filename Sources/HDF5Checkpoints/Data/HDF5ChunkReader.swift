internal import ZooTensors

/// Turns one stored chunk back into its elements by undoing the filters, last one first.
struct HDF5ChunkReader {
    private let chunks: HDF5Chunks
    private let elementBytes: Int
    /// Bytes of a whole chunk.
    private let chunkBytes: Int

    init(_ chunks: HDF5Chunks, elementBytes: Int) throws(ZooError) {
        self.chunks = chunks
        self.elementBytes = elementBytes
        self.chunkBytes = try Checked.product(
            try TensorShape(checking: chunks.extents).elementCount, elementBytes)
    }

    /// - Throws: ``ZooError`` with code `unsupported` that names the first filter that isn't one of ours.
    static func checkFilters(_ filters: [HDF5Filter]) throws(ZooError) {
        for filter in filters where Kind(rawValue: filter.identifier) == nil {
            let known = [
                4: "szip", 5: "n-bit", 6: "scale-offset", 32000: "lzf", 32001: "blosc", 32015: "zstd",
            ]
            let name = known[filter.identifier] ?? (filter.name.isEmpty ? "unnamed" : filter.name)
            throw ZooError(
                .unsupported, "a dataset is stored through a filter that isn't supported",
                expected: "gzip, shuffle, fletcher32", found: "number \(filter.identifier), \(name)",
                remedy: "Write the file again with gzip or without compression.")
        }
    }

    private enum Kind: Int { case deflate = 1, shuffle = 2, fletcher32 = 3 }

    /// The chunk's bytes, all of them, also those beyond the dataset's edge.
    func bytes(of chunk: HDF5Chunk, from source: ByteSource, isAtEdge: Bool) throws(ZooError) -> [UInt8] {
        var data = try source.bytes(at: chunk.block.offset, count: chunk.block.byteCount)
        do {
            if !(isAtEdge && chunks.skipsFiltersAtEdge) { try undoFilters(&data, mask: chunk.filterMask) }
        } catch {
            throw error.adding(byteOffset: chunk.block.offset)
        }
        guard data.count == chunkBytes else {
            throw ZooError(
                .corrupt, "a chunk has the wrong size", byteOffset: chunk.block.offset,
                expected: "\(chunkBytes) bytes", found: "\(data.count)")
        }
        return data
    }

    private func undoFilters(_ data: inout [UInt8], mask: UInt32) throws(ZooError) {
        let active = chunks.filters.enumerated().filter { position, _ in mask >> UInt32(position) & 1 == 0 }
            .map(\.element)
        // What went into each filter, as far as it is known: nothing about it after a compression.
        var sizes: [Int?] = []
        var size: Int? = chunkBytes
        for filter in active {
            sizes.append(size)
            switch Kind(rawValue: filter.identifier) {
            case .deflate: size = nil
            case .fletcher32: if let known = size { size = try Checked.sum(known, 4) }
            case .shuffle, nil: break
            }
        }
        for (filter, size) in zip(active, sizes).reversed() {
            switch Kind(rawValue: filter.identifier) {
            case .fletcher32: try Fletcher32.removeChecksum(from: &data)
            case .shuffle: data = Shuffle.undone(data, elementBytes: filter.parameters.first ?? elementBytes)
            case .deflate:
                guard let size else {
                    throw ZooError(.unsupported, "a dataset is compressed twice")
                }
                data = try Inflate.bytes(of: data, count: size)
            case nil: try HDF5ChunkReader.checkFilters([filter])
            }
        }
    }
}
