internal import ZooTensors

/// Holds the indexer's table against the file and the limits, so that reading a dataset later can't reach outside
/// the file, ask for absurd memory, or trap.
enum HDF5TableCheck {
    /// - Throws: ``ZooError`` that names the dataset.
    static func check(_ objects: [HDF5Object], fileBytes: Int, limits: ReadLimits) throws(ZooError) {
        var total = 0
        for object in objects {
            // What can't become a tensor is never read.
            guard let dataset = object.dataset, let encoding = object.encoding, let shape = dataset.shape
            else {
                continue
            }
            do {
                let declared = try Checked.product(shape.elementCount, encoding.elementType.byteCount)
                let stored = try check(dataset, shape, encoding, declared: declared, fileBytes: fileBytes)
                try checkExpansion(declared: declared, stored: stored, limits: limits)
                total = try Checked.sum(total, declared)
            } catch {
                throw error.adding(tensor: object.path)
            }
            guard total <= limits.tensorBytes else {
                throw ZooError(
                    .limitExceeded, "the datasets are larger than allowed",
                    expected: "at most \(limits.tensorBytes) bytes", found: "more")
            }
        }
    }

    /// Checks one dataset and returns how many bytes of the file it takes.
    private static func check(
        _ dataset: HDF5Dataset, _ shape: TensorShape, _ encoding: HDF5Encoding, declared: Int, fileBytes: Int
    ) throws(ZooError) -> Int {
        switch dataset.storage {
        case .none: throw ZooError(.corrupt, "the indexer left out a dataset's storage")
        case .compact(let bytes):
            try checkSize(bytes.count, declared)
            return bytes.count
        case .contiguous(nil, let fill):
            try check(fill: fill, encoding)
            return 0
        case .contiguous(let block?, _):
            try check(block, fileBytes: fileBytes)
            try checkSize(block.byteCount, declared)
            return block.byteCount
        case .chunked(let chunks):
            try check(fill: chunks.fill, encoding)
            return try check(
                chunks, shape, elementBytes: encoding.elementType.byteCount, declared: declared,
                fileBytes: fileBytes)
        }
    }

    private static func checkSize(_ found: Int, _ expected: Int) throws(ZooError) {
        guard found == expected else {
            throw ZooError(
                .corrupt, "a dataset's size doesn't fit its shape", expected: "\(expected) bytes",
                found: "\(found)")
        }
    }

    private static func check(_ block: HDF5Block, fileBytes: Int) throws(ZooError) {
        let end = try Checked.sum(block.offset, block.byteCount)
        guard end <= fileBytes else {
            throw ZooError(
                .truncated, "a dataset reaches beyond the end of the file", byteOffset: block.offset,
                expected: "\(end) bytes", found: "\(fileBytes)")
        }
    }

    private static func check(fill: [UInt8], _ encoding: HDF5Encoding) throws(ZooError) {
        guard fill.isEmpty || fill.count == encoding.elementType.byteCount else {
            throw ZooError(.corrupt, "a dataset's fill value has the wrong size")
        }
    }

    private static func check(
        _ chunks: HDF5Chunks, _ shape: TensorShape, elementBytes: Int, declared: Int, fileBytes: Int
    ) throws(ZooError) -> Int {
        guard chunks.extents.count == shape.rank, shape.rank > 0, !chunks.extents.contains(where: { $0 < 1 })
        else { throw ZooError(.corrupt, "a dataset's chunks don't fit its shape") }
        try HDF5ChunkReader.checkFilters(chunks.filters)
        let chunkBytes = try Checked.product(
            try TensorShape(checking: chunks.extents).elementCount, elementBytes)
        // A whole chunk is in memory while it is read, also what reaches over the edge; the format's own bound is 4 GiB.
        guard chunkBytes <= 16 << 20 || (chunkBytes < 4 << 30 && chunkBytes <= declared) else {
            throw ZooError(
                .limitExceeded, "a dataset's chunks are far larger than the dataset",
                found: "\(chunkBytes) bytes")
        }
        var stored = 0
        var seen: Set<[Int]> = []
        for chunk in chunks.chunks {
            try check(chunk.block, fileBytes: fileBytes)
            stored = try Checked.sum(stored, chunk.block.byteCount)
            for (axis, start) in chunk.position.enumerated() {
                guard start >= 0, start < shape[axis], start % chunks.extents[axis] == 0 else {
                    throw ZooError(
                        .corrupt, "a chunk lies outside its dataset", byteOffset: chunk.block.offset)
                }
                // So that first + extent, which reading computes, can't overflow.
                _ = try Checked.sum(start, chunks.extents[axis])
            }
            guard seen.insert(chunk.position).inserted else {
                throw ZooError(.corrupt, "two chunks have the same place", byteOffset: chunk.block.offset)
            }
            if chunks.filters.isEmpty { try checkSize(chunk.block.byteCount, chunkBytes) }
        }
        return stored
    }

    private static func checkExpansion(declared: Int, stored: Int, limits: ReadLimits) throws(ZooError) {
        guard declared > 16 << 20 else { return }
        let allowed = stored.multipliedReportingOverflow(by: limits.expansionRatio)
        guard allowed.overflow || declared <= allowed.partialValue else {
            throw ZooError(
                .limitExceeded, "a dataset is far larger than what the file stores for it",
                expected: "at most \(limits.expansionRatio) times \(stored) bytes", found: "\(declared) bytes"
            )
        }
    }
}
