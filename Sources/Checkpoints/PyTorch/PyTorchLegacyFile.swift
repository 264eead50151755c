internal import ZooContainers
internal import ZooTensors

/// The format of `torch.save` before PyTorch 1.6: five pickles (magic number, protocol version, system, object,
/// storage keys), then each storage as a count and its elements.
struct PyTorchLegacyFile {
    /// The pickled magic number's ten bytes, lowest first.
    static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    let document: PickleDocument
    let table: PyTorchStorageTable
    /// The four pickles around the object.
    let otherDocuments: [PickleDocument]

    /// Whether a file that begins with a pickle begins with the magic number.
    static func matches(_ firstBytes: [UInt8]) -> Bool {
        guard firstBytes.first == 0x80 else { return false }
        let window = firstBytes.prefix(32)
        return window.indices.contains { window[$0...].starts(with: magic) }
    }

    init(_ source: ByteSource, limits: ReadLimits) throws(ZooError) {
        let first = try PickleMachine.read(source, limits: limits)
        guard case .largeInteger(let number) = first.value(first.root),
            number.count == PyTorchLegacyFile.magic.count,
            try number.allBytes() == PyTorchLegacyFile.magic
        else {
            throw ZooError(
                .unknownFormat, "this pickle isn't a PyTorch checkpoint", byteOffset: source.start,
                remedy: "Save it with torch.save.")
        }
        let version = try PickleMachine.read(source, at: first.end, limits: limits)
        guard version.integer(version.root) == 1001 else {
            throw ZooError(
                .unsupported, "the format's protocol version is unknown",
                byteOffset: source.start + first.end,
                expected: "1001")
        }
        // The third pickle tells the writer's byte order and the size of its integers. The storages are
        // little-endian whatever it says: PyTorch writes and reads them so on every machine.
        let system = try PickleMachine.read(source, at: version.end, limits: limits)
        document = try PickleMachine.read(source, at: system.end, limits: limits)
        let keys = try PickleMachine.read(source, at: document.end, limits: limits)
        otherDocuments = [first, version, system, keys]
        guard let list = keys.elements(keys.root) else {
            throw ZooError(
                .corrupt, "the list of storages isn't one", byteOffset: source.start + document.end)
        }
        var places: [String: PyTorchStorageTable.Place] = [:]
        let storages = try PyTorchLegacyFile.storages(of: document)
        var position = keys.end
        for reference in list {
            guard let key = keys.text(reference) ?? keys.integer(reference).map(String.init),
                let storage = storages[key]
            else {
                throw ZooError(
                    .corrupt, "the list of storages has one that no tensor uses",
                    byteOffset: keys.byteOffset(reference))
            }
            let count = try Checked.int(try source.littleEndian(Int64.self, at: position))
            guard count == storage.elementCount else {
                throw ZooError(
                    .corrupt,
                    "the storage \(quoted(key)) has another number of elements than its tensors say",
                    byteOffset: source.start + position, expected: "\(storage.elementCount)",
                    found: "\(count)",
                    remedy: "The file is damaged; get it again.")
            }
            let start = try Checked.sum(position, 8)
            let run = try source.slice(at: start, count: try storage.byteCount())
            guard places.updateValue(.run(run), forKey: key) == nil else {
                throw ZooError(
                    .corrupt, "the storage \(quoted(key)) stands twice", byteOffset: source.start + position)
            }
            position = try Checked.sum(start, run.count)
        }
        guard position == source.count else {
            throw ZooError(
                .corrupt, "bytes follow the last storage", byteOffset: source.start + position,
                expected: "the end of the file", found: "\(source.count - position) bytes",
                remedy: "The file is damaged; get it again.")
        }
        table = PyTorchStorageTable(places: places, isBigEndian: false, prefix: "storage ")
    }

    /// The storages that the pickle refers to, tensors of the optimizer included: the file has all of them.
    private static func storages(of document: PickleDocument) throws(ZooError) -> [String: PyTorchStorage] {
        var storages: [String: PyTorchStorage] = [:]
        for reference in document.references {
            guard case .persistent(let id) = document.value(reference), let fields = document.elements(id),
                let kind = fields.first, document.text(kind) == "storage"
            else { continue }
            let storage = try PyTorchStorage(document, id)
            if let known = storages[storage.key] {
                guard known.type.byteCount == storage.type.byteCount,
                    known.elementCount == storage.elementCount
                else {
                    throw ZooError(
                        .corrupt, "the storage \(quoted(storage.key)) is described in two ways",
                        byteOffset: document.byteOffset(id))
                }
            } else {
                storages[storage.key] = storage
            }
        }
        return storages
    }
}
