internal import CZooHDF5Shim
internal import ZooTensors

/// Reads the indexer's table (`CHDF5Shim.h` states its form). The table may come from a process that a hostile
/// file has taken over, so nothing in it is believed: every number is range-checked here, and what the numbers
/// mean for the file in ``HDF5TableCheck``.
struct HDF5TableReader {
    private let bytes: [UInt8]
    private var position = 0
    private let limits: ReadLimits

    private init(bytes: [UInt8], limits: ReadLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The objects that a table lists.
    /// - Throws: ``ZooError`` when the table is incomplete or broken, when it reports a failure, and with code
    ///   `refused` when the file links to something that isn't followed.
    static func objects(in bytes: [UInt8], limits: ReadLimits) throws(ZooError) -> [HDF5Object] {
        var reader = HDF5TableReader(bytes: bytes, limits: limits)
        return try reader.objects()
    }

    private func broken(_ problem: String) -> ZooError {
        ZooError(.corrupt, "the indexer's table is broken: \(problem)")
    }

    private mutating func objects() throws(ZooError) -> [HDF5Object] {
        var objects: [HDF5Object] = []
        var records = 0
        while position < bytes.count {
            let kind = bytes[position]
            position += 1
            switch kind {
            case UInt8(ascii: "G"): objects.append(try object(.group))
            case UInt8(ascii: "T"): objects.append(try object(.namedType))
            case UInt8(ascii: "D"): objects.append(try dataset())
            case UInt8(ascii: "A"):
                let attribute = try attribute()
                guard let last = objects.indices.last else { throw broken("an attribute without an object") }
                objects[last].attributes.append(attribute)
            case UInt8(ascii: "L"): throw try refusal()
            case UInt8(ascii: "X"): throw try failure()
            case UInt8(ascii: "E"):
                guard try int() == records, position == bytes.count else { throw broken("it ends wrongly") }
                return objects
            default: throw broken("an unknown record")
            }
            records += 1
            guard records <= limits.entryCount else {
                throw ZooError(
                    .limitExceeded, "the file has more than \(limits.entryCount) objects and attributes")
            }
        }
        throw broken("it has no end")
    }

    // MARK: Words

    private mutating func number() throws(ZooError) -> UInt64 {
        guard bytes.count - position >= 8 else { throw broken("it is cut short") }
        var value: UInt64 = 0
        for place in 0..<8 { value |= UInt64(bytes[position + place]) << UInt64(8 * place) }
        position += 8
        return value
    }

    private mutating func int() throws(ZooError) -> Int { try Checked.int(try number()) }

    /// A number of things that take at least `size` bytes each in the rest of the table.
    private mutating func count(of size: Int) throws(ZooError) -> Int {
        let count = try int()
        guard count <= (bytes.count - position) / size else { throw broken("it is cut short") }
        return count
    }

    private mutating func ints(_ count: Int) throws(ZooError) -> [Int] {
        guard count <= (bytes.count - position) / 8 else { throw broken("it is cut short") }
        var values: [Int] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try int()) }
        return values
    }

    private mutating func rawBytes() throws(ZooError) -> [UInt8] {
        let count = try count(of: 1)
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    /// A name or path; those have to be valid UTF-8, because they are compared.
    private mutating func name() throws(ZooError) -> String {
        let raw = try rawBytes()
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw ZooError(
                .unsupported, "a name in the file isn't valid UTF-8",
                found: String(decoding: raw, as: UTF8.self))
        }
        return text
    }

    // MARK: Records

    private mutating func object(_ kind: HDF5Object.Kind) throws(ZooError) -> HDF5Object {
        HDF5Object(path: try name(), kind: kind, attributes: [])
    }

    private mutating func attribute() throws(ZooError) -> HDF5Attribute {
        let name = try name()
        let kind = try int()
        let rank = try int()
        let count = try count(of: 8)
        switch kind {
        case 0:
            guard count == 0 else { throw broken("values without a type") }
            return HDF5Attribute(name: name, rank: rank, value: .none)
        case 1:
            var values: [String] = []
            // Text, not names: a stray byte becomes U+FFFD.
            for _ in 0..<count { values.append(String(decoding: try rawBytes(), as: UTF8.self)) }
            return HDF5Attribute(name: name, rank: rank, value: .strings(values))
        case 2:
            var values: [Int64] = []
            for _ in 0..<count { values.append(Int64(bitPattern: try number())) }
            return HDF5Attribute(name: name, rank: rank, value: .integers(values))
        case 3:
            var values: [Double] = []
            for _ in 0..<count { values.append(Double(bitPattern: try number())) }
            return HDF5Attribute(name: name, rank: rank, value: .floats(values))
        default: throw broken("an unknown kind of attribute")
        }
    }

    private mutating func dataset() throws(ZooError) -> HDF5Object {
        let path = try name()
        let type = try type()
        let hasValues = try int()
        let rank = try int()
        let dimensions = try ints(rank)
        let shape = hasValues == 0 ? nil : try TensorShape(checking: dimensions)
        let storage = try storage(rank: rank)
        return HDF5Object(
            path: path, kind: .dataset(HDF5Dataset(type: type, shape: shape, storage: storage)),
            attributes: [])
    }

    private mutating func type() throws(ZooError) -> HDF5DatasetType {
        let kindNumber = try int()
        let classNumber = try int()
        let byteCount = try int()
        guard let order = HDF5DatasetType.ByteOrder(rawValue: try int()) else {
            throw broken("an unknown byte order")
        }
        let kind: HDF5DatasetType.Kind
        switch kindNumber {
        case 0:
            let facts = try ints(3)
            kind = .integer(isSigned: facts[0] != 0, bitOffset: facts[1], precision: facts[2])
        case 1:
            let facts = try ints(9)
            kind = .float(
                HDF5FloatLayout(
                    bitOffset: facts[0], precision: facts[1], sign: facts[2], exponent: facts[3],
                    exponentSize: facts[4], mantissa: facts[5], mantissaSize: facts[6], bias: facts[7],
                    normalization: facts[8]))
        case 2: kind = .boolean
        case 3: kind = .opaque
        case 4: kind = .other(HDF5TableReader.className(classNumber))
        default: throw broken("an unknown kind of type")
        }
        return HDF5DatasetType(kind: kind, byteCount: byteCount, byteOrder: order)
    }

    private static func className(_ number: Int) -> String {
        let names = [
            "integer", "float", "time", "string", "bit field", "opaque", "compound", "reference",
            "enumeration",
            "variable length", "array",
        ]
        return names.indices.contains(number) ? names[number] : "number \(number)"
    }

    private mutating func storage(rank: Int) throws(ZooError) -> HDF5Storage {
        switch try int() {
        case 0: return .none
        case 1: return .compact(try rawBytes())
        case 2:
            let fill = try rawBytes()
            let isWritten = try int() != 0
            let block = HDF5Block(offset: try int(), byteCount: try int())
            return .contiguous(isWritten ? block : nil, fill: fill)
        case 3: return .chunked(try chunks(rank: rank))
        default: throw broken("an unknown layout")
        }
    }

    private mutating func chunks(rank: Int) throws(ZooError) -> HDF5Chunks {
        let fill = try rawBytes()
        guard try int() == rank else { throw broken("chunks of another rank than their dataset") }
        let extents = try ints(rank)
        let skipsFiltersAtEdge = try int() != 0
        var filters: [HDF5Filter] = []
        for _ in 0..<(try count(of: 24)) {
            let identifier = try int()
            let parameters = try ints(try count(of: 8))
            let name = String(decoding: try rawBytes(), as: UTF8.self)
            filters.append(HDF5Filter(identifier: identifier, parameters: parameters, name: name))
        }
        guard filters.count <= 32 else { throw broken("more than 32 filters") }
        let chunkCount = try count(of: 24)
        var chunks: [HDF5Chunk] = []
        chunks.reserveCapacity(chunkCount)
        for _ in 0..<chunkCount {
            let position = try ints(rank)
            let block = HDF5Block(offset: try int(), byteCount: try int())
            guard let mask = UInt32(exactly: try number()) else { throw broken("a filter mask is too wide") }
            chunks.append(HDF5Chunk(position: position, block: block, filterMask: mask))
        }
        return HDF5Chunks(
            extents: extents, skipsFiltersAtEdge: skipsFiltersAtEdge, filters: filters, chunks: chunks,
            fill: fill)
    }

    // MARK: What ends the reading

    private mutating func refusal() throws(ZooError) -> ZooError {
        let names = [
            "a soft link", "a link to another file", "a user-defined link", "a second link to the same group",
            "a virtual dataset", "a dataset whose data is in another file",
        ]
        let number = try int()
        let path = try name()
        let what = names.indices.contains(number) ? names[number] : "a link of an unknown kind"
        return ZooError(
            .refused, "the file has \(what), which could lead anywhere; Keras never writes one", tensor: path,
            remedy: "Copy what you need into a plain file with h5py, if you trust this one.")
    }

    private mutating func failure() throws(ZooError) -> ZooError {
        let code: ZooError.Code =
            switch try int() {
            case Int(ZOO_HDF5_FAILURE_LIMIT): .limitExceeded
            case Int(ZOO_HDF5_FAILURE_UNSUPPORTED): .unsupported
            case Int(ZOO_HDF5_FAILURE_TRUNCATED): .truncated
            default: .corrupt
            }
        let text = String(decoding: try rawBytes().prefix(1024), as: UTF8.self)
        return ZooError(code, text)
    }
}
