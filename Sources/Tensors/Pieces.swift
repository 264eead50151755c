/// Tensors and files in pieces of bounded size, for work that is to take little memory whatever their length.
package enum Pieces {
    /// Bytes of a piece: little enough to stay in a processor's cache between two uses.
    package static let byteCount = 1 << 20
}

extension ByteSource {
    /// Reads a run of bytes piece by piece into one buffer, which is lent to `body` each time.
    /// - Parameter unit: pieces are of a multiple of so many bytes, but for the last one.
    package func forEachPiece(
        at offset: Int, count: Int, unit: Int = 1,
        _ body: (UnsafeMutableRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        guard count > 0 else { return }
        let size = min(count, max(Pieces.byteCount / max(unit, 1), 1) * max(unit, 1))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { unsafe buffer.deallocate() }
        var done = 0
        while done < count {
            let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[0..<min(size, count - done)])
            try unsafe read(at: try Checked.sum(offset, done), into: piece)
            try unsafe body(piece)
            done += piece.count
        }
    }
}

extension Tensor {
    /// Lends the elements' bytes in row-major order, piece by piece, each of whole elements. Elements that lie side
    /// by side are lent where they are; those of a strided view are gathered, a bounded number at a time.
    package func forEachPiece(
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        guard elementCount > 0 else { return }
        if byteCount <= Pieces.byteCount { return try unsafe withContiguousBytes(body) }
        if isContiguous {
            return try unsafe withContiguousBytes { (bytes) throws(ZooError) in
                for start in stride(from: 0, to: bytes.count, by: Pieces.byteCount) {
                    let end = min(bytes.count, start + Pieces.byteCount)
                    try unsafe body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                }
            }
        }
        // Not contiguous, so there is an axis.
        let rowByteCount = byteCount / max(shape[0], 1)
        let rows = max(1, Pieces.byteCount / max(rowByteCount, 1))
        for start in stride(from: 0, to: shape[0], by: rows) {
            let part = try sliced(axis: 0, start..<min(shape[0], start + rows))
            guard rows == 1, shape.rank > 1 else {
                try unsafe part.withContiguousBytes(body)
                continue
            }
            let row = Tensor(
                uncheckedStorage: storage, elementType: elementType,
                shape: TensorShape(Array(shape.dimensions.dropFirst())), strides: Array(strides.dropFirst()),
                offset: part.offset)
            try unsafe row.forEachPiece(body)
        }
    }
}
