internal import ZooContainers
internal import ZooTensors

/// A tensor's storage as its pickle refers to it.
struct PyTorchStorage: Hashable {
    /// The key of the storage in the file.
    let key: String
    let type: PyTorchType
    /// Elements of the whole storage in the file.
    let elementCount: Int
    /// For a view of a storage (older files): its first element and its number of elements.
    let viewStart: Int
    let viewCount: Int
    let isUntyped: Bool

    /// Describes a storage that is used whole.
    init(key: String, type: PyTorchType, elementCount: Int) {
        self.key = key
        self.type = type
        self.elementCount = elementCount
        self.viewStart = 0
        self.viewCount = elementCount
        self.isUntyped = false
    }

    /// A run of another storage's elements, under a key of its own.
    init(viewing whole: PyTorchStorage, from first: Int, count: Int) {
        self.key = whole.key
        self.type = whole.type
        self.elementCount = whole.elementCount
        self.viewStart = whole.viewStart + first
        self.viewCount = count
        self.isUntyped = false
    }

    /// Reads `('storage', class, key, location, count[, view])`.
    init(_ document: PickleDocument, _ id: PickleReference) throws(ZooError) {
        let fields = document.elements(id) ?? []
        guard (5...6).contains(fields.count), document.text(fields[0]) == "storage",
            let key = document.text(fields[2]) ?? document.integer(fields[2]).map(String.init),
            let count = document.integer(fields[4]), count >= 0
        else {
            throw ZooError(
                .corrupt, "a reference to a storage isn't of the known form",
                byteOffset: document.byteOffset(id))
        }
        guard let storageClass = document.global(fields[1]),
            let type = PyTorchType(storageClass: storageClass)
        else {
            let name = document.global(fields[1])?.description ?? "something that isn't a class"
            throw ZooError(
                .unsupported, "the storage class \(name) is unknown", byteOffset: document.byteOffset(id))
        }
        self.key = key
        self.type = type
        self.elementCount = count
        self.isUntyped = storageClass.name == "UntypedStorage"
        guard fields.count == 6, let view = document.elements(fields[5]) else {
            viewStart = 0
            viewCount = count
            return
        }
        guard view.count == 3, let start = document.integer(view[1]),
            let viewCount = document.integer(view[2]),
            start >= 0, viewCount >= 0, try Checked.sum(start, viewCount) <= count
        else {
            throw ZooError(
                .corrupt, "a view of a storage reaches outside it", byteOffset: document.byteOffset(id))
        }
        self.viewStart = start
        self.viewCount = viewCount
    }

    /// Bytes of the whole storage.
    func byteCount() throws(ZooError) -> Int { try Checked.product(elementCount, type.byteCount) }
}

/// Where a file keeps the bytes of its storages.
struct PyTorchStorageTable: Sendable {
    enum Place: Sendable {
        case member(ZipMember)
        case run(ByteSource)

        var byteCount: Int {
            switch self {
            case .member(let member): member.byteCount
            case .run(let source): source.count
            }
        }
    }

    let places: [String: Place]
    let isBigEndian: Bool
    /// What precedes the key in reports: `archive/data/`.
    let prefix: String
    private let cache = PyTorchStorageCache()

    init(places: [String: Place], isBigEndian: Bool, prefix: String) {
        self.places = places
        self.isBigEndian = isBigEndian
        self.prefix = prefix
    }

    /// The bytes of a storage, whose size must be what the pickle says.
    func place(of storage: PyTorchStorage) throws(ZooError) -> Place {
        guard let place = places[storage.key] else {
            throw ZooError(
                .corrupt, "the storage \(quoted(prefix + storage.key)) isn't in the file",
                remedy: "The file is damaged; get it again.")
        }
        let wanted = try storage.byteCount()
        guard place.byteCount == wanted else {
            throw ZooError(
                .corrupt, "the storage \(quoted(prefix + storage.key)) has another size than its tensors say",
                expected: "\(wanted) bytes", found: "\(place.byteCount)",
                remedy: "The file is cut short or damaged; get it again.")
        }
        return place
    }

    /// The bytes of a storage, for copying them.
    /// - Parameter unit: bytes of an element, on which the order of bytes depends.
    func storedBytes(of storage: PyTorchStorage, unit: Int) throws(ZooError) -> StoredBytes {
        let swappedUnit = isBigEndian ? unit : 1
        switch try place(of: storage) {
        case .member(let member): return try StoredBytes(member, swappedUnit: swappedUnit)
        case .run(let source):
            return StoredBytes(count: source.count, swappedUnit: swappedUnit) { () throws(ZooError) in source
            }
        }
    }

    /// Reads a run of a storage, in this machine's byte order.
    func read(
        _ key: String, at offset: Int, byteCount: Int, elementSize: Int
    ) throws(ZooError) -> TensorStorage {
        let run = PyTorchStorageCache.Run(
            key: key, offset: offset, byteCount: byteCount, elementSize: elementSize)
        return try cache.storage(for: run) { () throws(ZooError) in
            try readAnew(run)
        }
    }

    private func readAnew(_ run: PyTorchStorageCache.Run) throws(ZooError) -> TensorStorage {
        let storage: TensorStorage
        switch places[run.key] {
        case .member(let member): storage = try member.storage(at: run.offset, byteCount: run.byteCount)
        case .run(let source):
            storage = try TensorStorage(reading: source, at: run.offset, byteCount: run.byteCount)
        case nil: throw ZooError(.corrupt, "the storage \(quoted(prefix + run.key)) isn't in the file")
        }
        guard isBigEndian, run.elementSize > 1 else { return storage }
        let view = try Tensor(
            storage: storage, elementType: .u8, shape: TensorShape(checking: [run.byteCount]))
        return try TensorStorage(bytes: swappingBytes(of: try view.bytes(), elementSize: run.elementSize))
    }
}
