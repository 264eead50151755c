package import ZooContainers
package import ZooTensors

/// The bytes of a file in which tensors lie, opened on demand.
package struct StoredBytes: Sendable {
    /// Number of bytes.
    package let count: Int
    /// Where they begin in what `open` gives.
    private let start: Int
    /// How many bytes each stand in reverse order: 1 when none do.
    private let swappedUnit: Int
    private let open: @Sendable () throws(ZooError) -> ByteSource
    /// Checks the checksum of everything that `open` gives, if the format has one.
    private let check: (@Sendable (CRC32) throws(ZooError) -> Void)?

    package init(
        count: Int, start: Int = 0, swappedUnit: Int = 1,
        open: @escaping @Sendable () throws(ZooError) -> ByteSource,
        check: (@Sendable (CRC32) throws(ZooError) -> Void)? = nil
    ) {
        self.count = count
        self.start = start
        self.swappedUnit = swappedUnit
        self.open = open
        self.check = check
    }

    /// A run of a file that is as it is to be.
    package init(_ source: ByteSource) {
        self.init(count: source.count, open: { () throws(ZooError) in source })
    }

    /// A member of a zip archive, from a place in it on.
    package init(_ member: ZipMember, start: Int = 0, swappedUnit: Int = 1) throws(ZooError) {
        // What is decompressed is checked on the way.
        var check: (@Sendable (CRC32) throws(ZooError) -> Void)?
        if member.isStored { check = { (sum) throws(ZooError) in try member.check(sum) } }
        self.init(
            count: try Checked.sum(member.byteCount, -start), start: start, swappedUnit: swappedUnit,
            open: { () throws(ZooError) in try member.source() }, check: check)
    }

    /// Lends a run piece by piece, little-endian. A run that is all there is is checked at its end.
    /// - Parameters:
    ///   - unit: pieces are of a multiple of so many bytes, which elements are too.
    ///   - lead: about how many bytes the first of many pieces is to have.
    package func forEachPiece(
        at offset: Int, count wanted: Int, unit: Int = 16, lead: Int = Pieces.byteCount,
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let source = try open()
        let begin = try Checked.sum(start, offset)
        let swappedUnit = swappedUnit
        guard let check, offset == 0, wanted == count else {
            return try unsafe source.forEachPieceReadAhead(
                at: begin, count: wanted, unit: unit, lead: lead, inspect: { _ in }
            ) { (piece) throws(ZooError) in
                if swappedUnit > 1 { unsafe swapBytes(in: piece, unit: swappedUnit) }
                try unsafe body(UnsafeRawBufferPointer(piece))
            }
        }
        let sum = RunningSum()
        try sum.value.update(try source.bytes(at: 0, count: start))
        try unsafe source.forEachPieceReadAhead(
            at: begin, count: wanted, unit: unit, lead: lead, inspect: { unsafe sum.value.update($0) }
        ) { (piece) throws(ZooError) in
            if swappedUnit > 1 { unsafe swapBytes(in: piece, unit: swappedUnit) }
            try unsafe body(UnsafeRawBufferPointer(piece))
        }
        try check(sum.value)
    }
}

/// A checksum that the thread which reads carries on, and that is looked at when all is read.
private final class RunningSum: @unchecked Sendable {
    var value = CRC32()
}

/// Where a tensor's elements lie in its file.
package struct StoredTensor: Sendable {
    package let bytes: StoredBytes
    /// Place of the first element, in elements.
    package let offset: Int
    /// Distance between neighbours along each axis, in elements.
    package let strides: [Int]

    package init(bytes: StoredBytes, offset: Int = 0, strides: [Int]) {
        self.bytes = bytes
        self.offset = offset
        self.strides = strides
    }

    /// Lends `count` elements that lie side by side from the first one on.
    func forEachPiece(
        count: Int, of type: ElementType, lead: Int = Pieces.byteCount,
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        try unsafe bytes.forEachPiece(
            at: try Checked.product(offset, type.byteCount),
            count: try Checked.product(count, type.byteCount), unit: type.byteCount, lead: lead, body)
    }

    /// Reads elements that lie side by side.
    func load(_ type: ElementType, _ shape: TensorShape) throws(ZooError) -> Tensor {
        try unsafe Tensor(shape: shape, elementType: type) { (memory) throws(ZooError) in
            var done = 0
            try unsafe forEachPiece(count: shape.elementCount, of: type) { (piece) throws(ZooError) in
                unsafe UnsafeMutableRawBufferPointer(rebasing: memory[done...]).copyMemory(from: piece)
                done += piece.count
            }
        }
    }
}

private func swapBytes(in piece: UnsafeMutableRawBufferPointer, unit: Int) {
    for start in stride(from: 0, to: piece.count - piece.count % unit, by: unit) {
        for (left, right) in zip(start..<(start + unit / 2), (start..<(start + unit)).reversed()) {
            unsafe piece.swapAt(left, right)
        }
    }
}
