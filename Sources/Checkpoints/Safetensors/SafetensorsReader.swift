public import ZooTensors

/// Reads safetensors files: a JSON header that tells type, shape and place of each tensor, and the tensors.
///
/// As strict as the official reader: places must tile the data exactly, without holes, overlaps or a rest.
public enum SafetensorsReader {
    /// The longest header that the format allows.
    static let maximumHeaderByteCount = 100_000_000

    /// Lists the tensors; only the header is read. `__metadata__` becomes an extra.
    /// - Throws: ``ZooError`` for a header that breaks a rule of the format.
    public static func read(
        _ source: ByteSource, options: CheckpointReadOptions = CheckpointReadOptions()
    ) throws(ZooError) -> Checkpoint {
        do throws(ZooError) {
            return try checkpoint(source, options)
        } catch {
            throw error.adding(file: source.path)
        }
    }

    private static func checkpoint(
        _ source: ByteSource, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let headerCount = try Checked.int(try source.littleEndian(UInt64.self, at: 0))
        let most = min(options.limits.headerBytes, maximumHeaderByteCount)
        guard headerCount <= most else {
            throw ZooError(
                .limitExceeded, "the header is too long", byteOffset: source.start,
                expected: "at most \(most) bytes", found: "\(headerCount)")
        }
        let text = try source.bytes(at: 8, count: headerCount)
        guard text.first == UInt8(ascii: "{") else {
            throw ZooError(.corrupt, "the header doesn't begin with {", byteOffset: source.start + 8)
        }
        let data = try source.suffix(from: 8 + headerCount)
        let header: JSONValue
        do throws(ZooError) {
            var options = JSONParser.Options()
            options.fileByteCount = source.count
            header = try JSONParser.parse(text, options: options)
        } catch {
            throw error.moved(to: (error.byteOffset ?? 0) + source.start + 8)
        }
        guard let members = header.objectValue?.members, members.count <= options.limits.entryCount else {
            throw ZooError(.corrupt, "the header isn't a table of tensors", byteOffset: source.start + 8)
        }
        var extras = JSONObject()
        var entries: [SafetensorsEntry] = []
        entries.reserveCapacity(members.count)
        for (name, value) in members {
            do throws(ZooError) {
                if name == "__metadata__" {
                    extras[name] = try metadata(value)
                } else {
                    entries.append(try SafetensorsEntry(name: name, value: value))
                }
            } catch {
                throw error.adding(byteOffset: source.start + 8, tensor: name)
            }
        }
        try checkTiling(entries, byteCount: data.count, start: data.start)
        var tensors: [CheckpointTensor] = []
        tensors.reserveCapacity(entries.count)
        for entry in entries { tensors.append(try entry.tensor(in: data)) }
        return try Checkpoint(format: .safetensors, path: source.path, tensors: tensors, extras: extras)
    }

    private static func metadata(_ value: JSONValue) throws(ZooError) -> JSONValue {
        guard let members = value.objectValue?.members, members.allSatisfy({ $0.value.stringValue != nil })
        else {
            throw ZooError(.corrupt, "the metadata isn't a table of texts")
        }
        return value
    }

    private static func checkTiling(
        _ entries: [SafetensorsEntry], byteCount: Int, start: Int
    ) throws(ZooError) {
        var end = 0
        for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
            guard entry.begin == end else {
                throw ZooError(
                    .corrupt,
                    entry.begin < end ? "a tensor overlaps another one" : "there is a hole before a tensor",
                    byteOffset: start.addingReportingOverflow(end).partialValue, tensor: entry.name,
                    expected: "a beginning at \(end)", found: "\(entry.begin)")
            }
            end = entry.end
        }
        guard end == byteCount else {
            throw ZooError(
                end > byteCount ? .truncated : .corrupt,
                end > byteCount ? "the file ends before its last tensor" : "bytes follow the last tensor",
                byteOffset: start.addingReportingOverflow(min(end, byteCount)).partialValue,
                expected: "\(end) bytes of data", found: "\(byteCount)",
                remedy: "The file is cut short or damaged; get it again.")
        }
    }
}

/// One tensor of a safetensors header.
struct SafetensorsEntry {
    let name: String
    let type: SafetensorsType
    let shape: TensorShape
    let begin: Int
    let end: Int

    init(name: String, value: JSONValue) throws(ZooError) {
        guard let typeName = value["dtype"]?.stringValue, let dimensions = value["shape"]?.intArrayValue,
            let offsets = value["data_offsets"]?.intArrayValue, offsets.count == 2
        else {
            throw ZooError(.corrupt, "a tensor's entry lacks dtype, shape or data_offsets")
        }
        guard let type = SafetensorsType(name: typeName) else {
            throw ZooError(.unsupported, "the dtype \(typeName.prefix(40)) is unknown")
        }
        self.name = name
        self.type = type
        self.shape = try TensorShape(checking: dimensions)
        self.begin = offsets[0]
        self.end = offsets[1]
        let bitCount = try Checked.product(shape.elementCount, type.bitCount)
        guard begin >= 0, end >= begin, bitCount.isMultiple(of: 8), end - begin == bitCount / 8 else {
            throw ZooError(
                .corrupt, "a tensor's place in the file doesn't fit its shape \(shape)",
                expected: "\(bitCount / 8) bytes", found: "\(begin) to \(end)")
        }
    }

    func tensor(in data: ByteSource) throws(ZooError) -> CheckpointTensor {
        let part = try data.slice(at: begin, count: end - begin)
        let shape = shape
        guard let elementType = type.elementType else {
            let name = type.name
            return CheckpointTensor(
                name: self.name, elementType: type.placeholder, shape: shape, typeName: name
            ) { () throws(ZooError) in
                throw ZooError(
                    .unsupported, "the dtype \(name) isn't supported", file: part.path,
                    byteOffset: part.start,
                    expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
        let stored = StoredTensor(bytes: StoredBytes(part), strides: shape.contiguousStrides)
        return CheckpointTensor(name: name, elementType: elementType, shape: shape, stored: stored) {
            () throws(ZooError) in
            let storage = try TensorStorage(reading: part, at: 0, byteCount: part.count)
            return try Tensor(storage: storage, elementType: elementType, shape: shape)
        }
    }
}
