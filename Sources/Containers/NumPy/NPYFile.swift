public import ZooTensors

/// NumPy array files (`np.save`).
public enum NPYFile {
    /// Reads an array. The result is a view with NumPy's own axis order; a column-major array isn't reordered.
    /// - Throws: ``ZooError`` for a damaged header, another length than the header says, or an unsupported type.
    public static func read(_ source: ByteSource) throws(ZooError) -> Tensor {
        let first = try source.bytes(at: 0, count: min(source.count, NPYHeader.maximumByteCount))
        let header = try NPYHeader(parsing: first, start: source.start, file: source.path)
        try header.check(byteCount: source.count, start: source.start, file: source.path)
        let storage = try TensorStorage(
            reading: source, at: header.dataOffset, byteCount: source.count - header.dataOffset)
        return try header.tensor(storage)
    }

    /// Writes an array: format version 1.0, little-endian, row-major.
    /// - Throws: ``ZooError`` for `bf16`, or when the file can't be written.
    public static func write(_ tensor: Tensor, to path: String) throws(ZooError) {
        let header = try NPYHeader(tensor.elementType, tensor.shape).bytes()
        let file = try AtomicFile(path: path)
        try file.write(header)
        try file.write(tensor)
        try file.commit()
    }

    /// Writes everything of a file; its name is given to it by someone else.
    package static func write(_ tensor: Tensor, into file: AtomicFile) throws(ZooError) {
        try file.write(NPYHeader(tensor.elementType, tensor.shape).bytes())
        try file.write(tensor)
    }
}

extension NPYHeader {
    /// Refuses a file whose length isn't what the header says.
    func check(byteCount: Int, start: Int, file: String?) throws(ZooError) {
        let wanted = try Checked.sum(
            dataOffset, try Checked.product(shape.elementCount, elementType.byteCount))
        guard byteCount == wanted else {
            throw ZooError(
                byteCount < wanted ? .truncated : .corrupt,
                "the NumPy array has another length than its header says",
                file: file, byteOffset: start, expected: "\(wanted) bytes", found: "\(byteCount)",
                remedy: "The file is cut short or damaged; get it again.")
        }
    }

    /// Distance between neighbours along each axis, in elements.
    package var strides: [Int] {
        isColumnMajor
            ? TensorShape(shape.dimensions.reversed()).contiguousStrides.reversed() : shape.contiguousStrides
    }

    /// The array over its elements' bytes.
    func tensor(_ storage: TensorStorage) throws(ZooError) -> Tensor {
        var elements = storage
        if isBigEndian {
            let flat = try Tensor(
                storage: storage, elementType: .u8, shape: TensorShape(checking: [storage.byteCount]))
            elements = try TensorStorage(
                bytes: swappingBytes(of: try flat.bytes(), elementSize: elementType.byteOrderUnit))
        }
        return try Tensor(storage: elements, elementType: elementType, shape: shape, strides: strides)
    }
}

/// The bytes with the order within each element turned round.
package func swappingBytes(of bytes: [UInt8], elementSize: Int) -> [UInt8] {
    guard elementSize > 1 else { return bytes }
    var result = bytes
    for start in stride(from: 0, to: bytes.count - bytes.count % elementSize, by: elementSize) {
        result[start..<(start + elementSize)].reverse()
    }
    return result
}
