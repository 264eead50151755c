public import ZooTensors

/// The header of a NumPy array file: type, byte order, axis order and shape.
public struct NPYHeader: Sendable, Hashable {
    /// Type of the elements.
    public let elementType: ElementType
    /// Whether elements are stored with their highest byte first.
    public let isBigEndian: Bool
    /// Whether the first axis is the one whose neighbours lie side by side.
    public let isColumnMajor: Bool
    /// Extents.
    public let shape: TensorShape
    /// Offset of the first element in the file.
    public let dataOffset: Int

    /// `\x93NUMPY`.
    public static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    /// How many bytes from the beginning of a file are enough for any header that is accepted.
    public static let maximumByteCount = 1 << 16

    /// Describes an array that is written: little-endian, row-major.
    public init(_ elementType: ElementType, _ shape: TensorShape) {
        self.elementType = elementType
        self.shape = shape
        self.isBigEndian = false
        self.isColumnMajor = false
        self.dataOffset = 0
    }

    /// Reads the header at the beginning of a file, of format version 1, 2 or 3.
    /// - Parameters:
    ///   - bytes: the first ``maximumByteCount`` bytes of the file, or all of it.
    ///   - start: where they begin in the file, for errors.
    /// - Throws: ``ZooError`` for a damaged header or a type that isn't a plain number.
    public init(parsing bytes: [UInt8], start: Int = 0, file: String? = nil) throws(ZooError) {
        guard bytes.starts(with: NPYHeader.magic), bytes.count >= 10 else {
            throw ZooError(.corrupt, "this isn't a NumPy array", file: file, byteOffset: start)
        }
        let isShort = bytes[6] == 1
        guard (1...3).contains(bytes[6]), bytes[7] == 0, isShort || bytes.count >= 12 else {
            throw ZooError(
                .unsupported, "the NPY format version is unknown", file: file, byteOffset: start,
                expected: "1 to 3",
                found: "\(bytes[6]).\(bytes[7])")
        }
        let textStart = isShort ? 10 : 12
        let length = bytes[8..<textStart].reversed().reduce(0) { $0 << 8 | Int($1) }
        let textEnd = try Checked.sum(textStart, length)
        guard textEnd <= NPYHeader.maximumByteCount else {
            throw ZooError(
                .limitExceeded, "the NumPy array's header is too long", file: file, byteOffset: start,
                expected: "at most \(NPYHeader.maximumByteCount) bytes", found: "\(textEnd)")
        }
        guard textEnd <= bytes.count else {
            throw ZooError(
                .truncated, "the NumPy array's header is cut short", file: file, byteOffset: start,
                expected: "\(textEnd) bytes", found: "\(bytes.count)")
        }
        var literal = PythonLiteral(Array(bytes[textStart..<textEnd]), start: start, file: file)
        let fields = try literal.arrayDescription()
        let type = try NPYHeader.type(fields.descr, start: start, file: file)
        self.elementType = type.elementType
        self.isBigEndian = type.isBigEndian
        self.isColumnMajor = fields.isColumnMajor
        self.shape = try TensorShape(checking: fields.shape)
        self.dataOffset = textEnd
    }

    /// The header's bytes, format version 1.0, padded so that the elements begin at a multiple of 64.
    /// - Throws: ``ZooError`` for types that NumPy doesn't have, such as `bf16`.
    public func bytes() throws(ZooError) -> [UInt8] {
        let axes = shape.dimensions.map(String.init).joined(separator: ", ") + (shape.rank == 1 ? "," : "")
        let text = "{'descr': '\(try description())', 'fortran_order': False, 'shape': (\(axes)), }"
        let unpadded = 10 + text.utf8.count + 1
        let padding = (64 - unpadded % 64) % 64
        let length = text.utf8.count + 1 + padding
        guard let count = UInt16(exactly: length) else {
            throw ZooError(.invalidArgument, "a shape of \(shape.rank) axes is too long for an NPY file")
        }
        var result = NPYHeader.magic + [1, 0]
        result.appendLittleEndian(count)
        result.appendASCII(text + String(repeating: " ", count: padding) + "\n")
        return result
    }

    private func description() throws(ZooError) -> String {
        switch elementType {
        case .f64: return "<f8"
        case .f32: return "<f4"
        case .f16: return "<f2"
        case .i64: return "<i8"
        case .i32: return "<i4"
        case .i16: return "<i2"
        case .i8: return "|i1"
        case .u8: return "|u1"
        case .bool: return "|b1"
        case .u64: return "<u8"
        case .u32: return "<u4"
        case .u16: return "<u2"
        case .c128: return "<c16"
        case .c64: return "<c8"
        case .bf16, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .c32:
            throw ZooError(
                .unsupported, "NumPy has no numbers of this type", found: elementType.rawValue,
                remedy: "Convert the tensor to f32 first.")
        }
    }

    private static func type(
        _ descr: String, start: Int, file: String?
    ) throws(ZooError) -> (elementType: ElementType, isBigEndian: Bool) {
        let types: [String: ElementType] = [
            "f8": .f64, "f4": .f32, "f2": .f16, "i8": .i64, "i4": .i32, "i2": .i16, "i1": .i8, "u8": .u64,
            "u4": .u32, "u2": .u16, "u1": .u8, "b1": .bool, "c16": .c128, "c8": .c64,
        ]
        guard let order = descr.first, let type = types[String(descr.dropFirst())],
            order == "<" || order == ">" || order == "=" || (order == "|" && type.byteCount == 1)
        else {
            throw ZooError(
                .unsupported, "the NumPy type \(quoted(descr)) isn't supported", file: file,
                byteOffset: start,
                expected: "a plain number",
                remedy: "Convert the array in NumPy, to float32 say.")
        }
        return (type, order == ">" && type.byteCount > 1)
    }
}
