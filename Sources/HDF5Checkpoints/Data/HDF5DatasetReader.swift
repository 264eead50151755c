internal import ZooTensors

/// Reads a dataset's elements from the file, without libhdf5.
struct HDF5DatasetReader: Sendable {
    private let dataset: HDF5Dataset
    private let encoding: HDF5Encoding
    private let source: ByteSource
    /// The shape of the tensor.
    let shape: TensorShape

    /// Prepares reading an object of an index (which has checked all sizes).
    /// - Throws: ``ZooError`` when it isn't a dataset, or one whose type isn't supported.
    init(_ object: HDF5Object, in index: HDF5Index) throws(ZooError) {
        guard let dataset = object.dataset else {
            throw ZooError(.corrupt, "this is no dataset", tensor: object.path)
        }
        guard let encoding = object.encoding, let shape = dataset.shape else {
            throw ZooError(
                .unsupported, "a dataset's type isn't supported", tensor: object.path,
                expected: "integers, floating-point numbers, truth values",
                found: dataset.shape == nil ? "no value at all" : dataset.type.title)
        }
        self.dataset = dataset
        self.encoding = encoding
        self.shape = shape
        self.source = index.source
    }

    /// Type of the tensor's elements.
    var elementType: ElementType { encoding.elementType }

    /// Reads all elements.
    func load() throws(ZooError) -> Tensor {
        return try unsafe Tensor(shape: shape, elementType: encoding.elementType) {
            (memory) throws(ZooError) in
            try unsafe fill(memory)
            if encoding.isBigEndian { unsafe swapBytes(memory, elementBytes: encoding.elementType.byteCount) }
        }
    }

    private func fill(_ memory: UnsafeMutableRawBufferPointer) throws(ZooError) {
        switch dataset.storage {
        case .none: throw ZooError(.corrupt, "a dataset has no storage")
        case .compact(let bytes): unsafe memory.copyBytes(from: bytes.prefix(memory.count))
        case .contiguous(nil, let value): unsafe repeatFill(value, in: memory)
        case .contiguous(let block?, _):
            let part = try source.slice(at: block.offset, count: block.byteCount)
            try unsafe part.read(at: 0, into: memory)
        case .chunked(let chunks):
            // Where every chunk is there, nothing is left to fill.
            let places = zip(shape.dimensions, chunks.extents).reduce(1.0) { product, axis in
                product * (Double(axis.0) / Double(axis.1)).rounded(.up)
            }
            if Double(chunks.chunks.count) < places { unsafe repeatFill(chunks.fill, in: memory) }
            let reader = try HDF5ChunkReader(chunks, elementBytes: encoding.elementType.byteCount)
            for chunk in chunks.chunks {
                let isAtEdge = chunk.position.enumerated().contains { axis, start in
                    start + chunks.extents[axis] > shape[axis]
                }
                let bytes = try reader.bytes(of: chunk, from: source, isAtEdge: isAtEdge)
                unsafe place(bytes, of: chunk, extents: chunks.extents, in: memory)
            }
        }
    }

    /// Copies a chunk's rows to their places and leaves out what reaches over the edge.
    private func place(
        _ bytes: [UInt8], of chunk: HDF5Chunk, extents: [Int], in memory: UnsafeMutableRawBufferPointer
    ) {
        let elementBytes = encoding.elementType.byteCount
        let strides = shape.contiguousStrides
        let chunkStrides = TensorShape(extents).contiguousStrides
        let clipped = zip(chunk.position, extents).enumerated().map { axis, pair in
            min(pair.1, shape[axis] - pair.0)
        }
        guard let rowElements = clipped.last, !clipped.contains(where: { $0 < 1 }) else { return }
        let rowBytes = rowElements * elementBytes
        var index = [Int](repeating: 0, count: clipped.count)
        var axis = 0
        while axis >= 0 {
            var to = 0
            var from = 0
            for axis in index.indices {
                to += (chunk.position[axis] + index[axis]) * strides[axis]
                from += index[axis] * chunkStrides[axis]
            }
            unsafe copyRow(bytes, at: from * elementBytes, to: memory, at: to * elementBytes, count: rowBytes)
            // The next row: count up all axes but the last.
            axis = clipped.count - 2
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < clipped[axis] { break }
                index[axis] = 0
                axis -= 1
            }
        }
    }

    private func copyRow(
        _ bytes: [UInt8], at from: Int, to memory: UnsafeMutableRawBufferPointer, at to: Int, count: Int
    ) {
        guard from >= 0, to >= 0, from <= bytes.count - count, to <= memory.count - count else { return }
        unsafe bytes.withUnsafeBytes { source in
            let row = unsafe UnsafeRawBufferPointer(rebasing: source[from..<(from + count)])
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[to..<(to + count)]).copyMemory(from: row)
        }
    }

    private func repeatFill(_ value: [UInt8], in memory: UnsafeMutableRawBufferPointer) {
        // Fresh tensor memory is zero.
        guard value.contains(where: { $0 != 0 }) else { return }
        for position in 0..<memory.count { unsafe memory[position] = value[position % value.count] }
    }

    private func swapBytes(_ memory: UnsafeMutableRawBufferPointer, elementBytes: Int) {
        var start = 0
        while start <= memory.count - elementBytes {
            for byte in 0..<(elementBytes / 2) {
                unsafe memory.swapAt(start + byte, start + elementBytes - 1 - byte)
            }
            start += elementBytes
        }
    }
}
