internal import CZooHDF5Shim
internal import ZooTensors

/// Writes an HDF5 file so that its name never shows half of it, as ``AtomicFile`` does for other formats: libhdf5
/// fills an ``UnfinishedFile``.
@safe final class HDF5OutputFile {
    private let path: String
    private let file: UnfinishedFile
    private var writer: OpaquePointer?

    /// Begins writing the file at `path`.
    init(path: String) throws(ZooError) {
        self.path = path
        self.file = try UnfinishedFile(path: path)
        var message = [CChar](repeating: 0, count: HDF5OutputFile.messageBytes)
        unsafe self.writer = unsafe zoo_hdf5_create(file.temporaryPath, &message, message.count)
        if unsafe writer == nil { throw HDF5OutputFile.failure(message, path) }
    }

    deinit {
        var message = [CChar](repeating: 0, count: HDF5OutputFile.messageBytes)
        if let writer = unsafe writer { unsafe zoo_hdf5_close(writer, &message, message.count) }
    }

    /// Makes a group, and those it lies in; one that is there already is left as it is.
    func makeGroup(_ group: String) throws(ZooError) {
        try unsafe perform { unsafe zoo_hdf5_write_group($0, group, $1, $2) }
    }

    /// Writes a string as an attribute of an object.
    func write(_ text: String, attribute name: String, of object: String) throws(ZooError) {
        guard !text.utf8.contains(0) else {
            throw ZooError(
                .invalidArgument, "the text of the attribute \(name) contains a zero byte", file: path)
        }
        try unsafe perform { unsafe zoo_hdf5_write_string($0, object, name, text, $1, $2) }
    }

    /// The most bytes of one attribute's strings: `HDF5_OBJECT_HEADER_LIMIT` of Keras.
    static let attributeBytes = 64_512

    /// Writes a list of strings of equal width, cut into `name0`, `name1`, … where it is too long for one attribute
    /// (`save_attributes_to_hdf5_group` of Keras, which cuts like `numpy.array_split`).
    func write(_ strings: [String], attribute name: String, of object: String) throws(ZooError) {
        let width = strings.map(\.utf8.count).max() ?? 0
        guard width <= HDF5OutputFile.attributeBytes else {
            throw ZooError(.invalidArgument, "a name is too long for an HDF5 attribute", file: path)
        }
        let perPart = max(HDF5OutputFile.attributeBytes / max(width, 1), 1)
        let partCount = max((strings.count + perPart - 1) / perPart, 1)
        guard partCount > 1 else { return try writeWhole(strings, width, name, object) }
        let (least, larger) = strings.count.quotientAndRemainder(dividingBy: partCount)
        var start = 0
        for part in 0..<partCount {
            let end = start + least + (part < larger ? 1 : 0)
            let names = Array(strings[start..<end])
            try writeWhole(names, names.map(\.utf8.count).max() ?? 0, "\(name)\(part)", object)
            start = end
        }
    }

    private func writeWhole(
        _ strings: [String], _ width: Int, _ name: String, _ object: String
    ) throws(ZooError) {
        // HDF5 knows no strings of no width.
        let width = max(width, 1)
        var bytes: [UInt8] = []
        for string in strings {
            let text = Array(string.utf8)
            guard !text.contains(0) else {
                throw ZooError(.invalidArgument, "a name contains a zero byte", file: path)
            }
            bytes += text + [UInt8](repeating: 0, count: width - text.count)
        }
        try unsafe lendingBytes(of: bytes) { (buffer) throws(ZooError) in
            try unsafe perform {
                unsafe zoo_hdf5_write_strings(
                    $0, object, name, buffer.baseAddress, strings.count, width, $1, $2)
            }
        }
    }

    /// Writes a tensor as a contiguous dataset.
    func write(_ tensor: Tensor, to dataset: String) throws(ZooError) {
        let dimensions = try tensor.shape.dimensions.map { (dimension) throws(ZooError) in
            try UInt64(Checked.int(dimension))
        }
        let type = try HDF5OutputFile.typeNumber(tensor.elementType)
        try unsafe tensor.withContiguousBytes { (bytes) throws(ZooError) in
            try unsafe perform {
                unsafe zoo_hdf5_write_dataset(
                    $0, dataset, type, dimensions, dimensions.count, bytes.baseAddress, $1, $2)
            }
        }
    }

    private static func typeNumber(_ type: ElementType) throws(ZooError) -> Int32 {
        let number =
            switch type {
            case .f64: ZOO_HDF5_F64
            case .f32: ZOO_HDF5_F32
            case .f16: ZOO_HDF5_F16
            case .bf16: ZOO_HDF5_BF16
            case .i64: ZOO_HDF5_I64
            case .i32: ZOO_HDF5_I32
            case .i16: ZOO_HDF5_I16
            case .i8: ZOO_HDF5_I8
            case .u8: ZOO_HDF5_U8
            case .bool: ZOO_HDF5_BOOL
            case .u64: ZOO_HDF5_U64
            case .u32: ZOO_HDF5_U32
            case .u16: ZOO_HDF5_U16
            case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .c128, .c64, .c32:
                throw ZooError(
                    .unsupported, "Keras files don't hold numbers of this type", found: type.rawValue,
                    remedy: "Convert the tensor to f32 first.")
            }
        return Int32(number)
    }

    /// Makes what was written durable and gives it its name.
    func commit() throws(ZooError) {
        guard unsafe writer != nil else { return }
        try close()
        try file.commit()
    }

    /// Ends writing and gives what was written, which gets no name: it is there as long as this object.
    func contents() throws(ZooError) -> ByteSource {
        try close()
        return try ByteSource(path: file.temporaryPath)
    }

    private func close() throws(ZooError) {
        guard let writer = unsafe writer else { return }
        unsafe self.writer = nil
        var message = [CChar](repeating: 0, count: HDF5OutputFile.messageBytes)
        guard unsafe zoo_hdf5_close(writer, &message, message.count) == 0 else {
            throw HDF5OutputFile.failure(message, path)
        }
    }

    private static let messageBytes = 512

    private func perform(
        _ call: (OpaquePointer, UnsafeMutablePointer<CChar>, Int) -> Int32
    ) throws(ZooError) {
        guard let writer = unsafe writer else {
            throw ZooError(.invalidArgument, "the file is finished", file: path)
        }
        var message = [CChar](repeating: 0, count: HDF5OutputFile.messageBytes)
        guard unsafe call(writer, &message, message.count) == 0 else {
            throw HDF5OutputFile.failure(message, path)
        }
    }

    private static func failure(_ message: [CChar], _ path: String) -> ZooError {
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ZooError(
            .systemFailure, "cannot write the output: \(text)", file: path,
            remedy: "Check that there is room, or write to another place.")
    }
}
