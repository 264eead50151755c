internal import ZooContainers
public import ZooTensors

/// A file of bytes in the IDX format of the MNIST database, compressed with gzip or not.
///
/// Two zero bytes, the element type (8: unsigned bytes, the only one read here), the number of dimensions;
/// each dimension as a big-endian 32-bit number; the elements in row-major order. Source: LeCun, Cortes,
/// Burges, "The MNIST database of handwritten digits".
public struct IDXFile: Sendable {
    /// The file's path, when there is one.
    public let path: String?
    /// Extents, outermost axis first; at least one.
    public let dimensions: [Int]
    /// Bytes of one item along the first axis.
    public let itemByteCount: Int
    private let bytes: [UInt8]
    private let start: Int

    /// Reads a file.
    public init(path: String, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        try self.init(ByteSource(path: path), limits: limits)
    }

    /// Reads from a source.
    /// - Throws: ``ZooError`` when it isn't an IDX file of bytes, or its length isn't what its dimensions ask
    ///   for.
    public init(_ source: ByteSource, limits: ReadLimits = ReadLimits()) throws(ZooError) {
        let head = try source.bytes(at: 0, count: min(4, source.count))
        let isCompressed = Gzip.matches(head)
        let bytes = isCompressed ? try Gzip.decompress(source, limits: limits) : try source.allBytes()
        let file = source.path
        guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else {
            throw ZooError(
                .unknownFormat, "this isn't an IDX file", file: file, byteOffset: 0,
                expected: "two zero bytes, an element type, a number of dimensions",
                found: "the bytes \(bytes.prefix(4))",
                remedy: "Files of the MNIST kind are named like train-images-idx3-ubyte or end in .gz.")
        }
        guard bytes[2] == 8 else {
            throw ZooError(
                .unsupported, "the IDX file's elements aren't unsigned bytes", file: file, byteOffset: 2,
                expected: "element type 8", found: "\(bytes[2])")
        }
        let rank = Int(bytes[3])
        guard (1...4).contains(rank) else {
            throw ZooError(
                .corrupt, "the IDX file has an impossible number of dimensions", file: file, byteOffset: 3,
                expected: "1 to 4", found: "\(rank)")
        }
        let start = 4 + 4 * rank
        guard bytes.count >= start else {
            throw ZooError(
                .truncated, "the IDX file ends within its header", file: file, byteOffset: bytes.count)
        }
        let dimensions = (0..<rank).map { axis in
            bytes[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
        }
        let shape = try TensorShape(checking: dimensions)
        guard shape.elementCount == bytes.count - start else {
            throw ZooError(
                shape.elementCount > bytes.count - start ? .truncated : .corrupt,
                "the IDX file isn't as long as its dimensions \(shape) ask for", file: file,
                byteOffset: isCompressed ? nil : bytes.count,
                expected: "\(shape.elementCount) bytes after the header", found: "\(bytes.count - start)",
                remedy: "The file is cut short or damaged; get it again.")
        }
        self.path = file
        self.dimensions = dimensions
        self.itemByteCount = try TensorShape(checking: Array(dimensions.dropFirst())).elementCount
        self.bytes = bytes
        self.start = start
    }

    /// Items along the first axis.
    public var count: Int { dimensions.first ?? 0 }

    /// All elements in row-major order.
    public var elements: ArraySlice<UInt8> { bytes[start...] }

    /// The elements of one item along the first axis.
    /// - Throws: ``ZooError`` when there is no such item.
    public func item(_ index: Int) throws(ZooError) -> ArraySlice<UInt8> {
        guard index >= 0, index < count else {
            throw ZooError(
                .invalidArgument, "the IDX file has no item of this number", file: path,
                expected: "below \(count)", found: "\(index)")
        }
        // Inside: all `count` items together were checked against the file's length.
        let first = start + index * itemByteCount
        return bytes[first..<(first + itemByteCount)]
    }
}
