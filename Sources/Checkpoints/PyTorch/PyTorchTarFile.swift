internal import ZooContainers
internal import ZooTensors

/// The format of `torch.save` in 2016 and early 2017: a tar archive of three files. `storages` holds the
/// storages, each behind a pickle that names it, and views of them; `tensors` holds each tensor's shape and strides behind
/// a pickle that names its storage; `pickle` is the object, which refers to tensors by their keys.
struct PyTorchTarFile {
    let document: PickleDocument
    let table: PyTorchStorageTable
    /// The tensors that `pickle` refers to by persistent ids.
    let tensors: [String: PyTorchTensor]

    init(_ source: ByteSource, limits: ReadLimits) throws(ZooError) {
        let archive = try TarArchive(source, limits: limits)
        guard let storages = archive.files["storages"], let tensors = archive.files["tensors"],
            let pickle = archive.files["pickle"]
        else {
            throw ZooError(
                .unknownFormat, "this tar archive isn't a PyTorch checkpoint",
                expected: "storages, tensors and pickle in it", remedy: "Unpack it and name one file.")
        }
        var reader = PyTorchTarReader(limits: limits)
        try reader.readStorages(storages)
        try reader.readTensors(tensors)
        self.table = PyTorchStorageTable(places: reader.places, isBigEndian: false, prefix: "storages/")
        self.tensors = reader.tensors
        self.document = try PickleMachine.read(pickle, limits: limits)
    }
}

/// Walks the two binary files of the archive.
private struct PyTorchTarReader {
    let limits: ReadLimits
    var places: [String: PyTorchStorageTable.Place] = [:]
    var tensors: [String: PyTorchTensor] = [:]
    private var storages: [String: PyTorchStorage] = [:]

    init(limits: ReadLimits) { self.limits = limits }

    /// A count; then for each storage the tuple (key, location, class), its number of elements and the elements;
    /// then the list of views: (key, key of the whole, first element, number of elements).
    mutating func readStorages(_ source: ByteSource) throws(ZooError) {
        var position = 0
        let count = try readCount(source, &position)
        for _ in 0..<count {
            let document = try PickleMachine.read(source, at: position, limits: limits)
            guard let fields = document.elements(document.root), fields.count == 3,
                let key = key(document, fields[0]), let storageClass = document.global(fields[2]),
                let type = PyTorchType(storageClass: storageClass)
            else { throw malformed(source, position) }
            let elements = try Checked.int(try source.littleEndian(Int64.self, at: document.end))
            guard elements >= 0 else { throw malformed(source, document.end) }
            let storage = PyTorchStorage(key: key, type: type, elementCount: elements)
            let start = try Checked.sum(document.end, 8)
            let run = try source.slice(at: start, count: try storage.byteCount())
            guard storages.updateValue(storage, forKey: key) == nil else { throw malformed(source, position) }
            places[key] = .run(run)
            position = try Checked.sum(start, run.count)
        }
        let views = try PickleMachine.read(source, at: position, limits: limits)
        for view in views.elements(views.root) ?? [] {
            guard let fields = views.elements(view), fields.count == 4, let key = key(views, fields[0]),
                let whole = self.key(views, fields[1]).flatMap({ storages[$0] }),
                let first = views.integer(fields[2]), let elements = views.integer(fields[3]), first >= 0,
                elements >= 0, try Checked.sum(first, elements) <= whole.elementCount,
                storages.updateValue(
                    PyTorchStorage(viewing: whole, from: first, count: elements), forKey: key) == nil
            else { throw malformed(source, position) }
        }
    }

    /// A count; then for each tensor the tuple (key, storage key, class), the number of dimensions in eight bytes of
    /// which four count, extents, strides and offset.
    mutating func readTensors(_ source: ByteSource) throws(ZooError) {
        var position = 0
        let count = try readCount(source, &position)
        for _ in 0..<count {
            let document = try PickleMachine.read(source, at: position, limits: limits)
            guard let fields = document.elements(document.root), fields.count == 3,
                let key = key(document, fields[0]),
                let storage = self.key(document, fields[1]).flatMap({ storages[$0] })
            else { throw malformed(source, position) }
            let rank = Int(try source.littleEndian(Int32.self, at: document.end))
            guard (0...64).contains(rank) else { throw malformed(source, document.end) }
            let start = document.end + 8
            var numbers: [Int] = []
            for index in 0..<(2 * rank + 1) {
                numbers.append(Int(try source.littleEndian(Int64.self, at: start + 8 * index)))
            }
            let shape = try TensorShape(checking: Array(numbers[..<rank]))
            let strides = Array(numbers[rank..<(2 * rank)])
            let offset = numbers[2 * rank]
            try Tensor.checkView(
                elementCount: storage.viewCount, shape: shape, strides: strides, offset: offset)
            let tensor = PyTorchTensor(
                storage: storage, type: storage.type, offset: offset, shape: shape, strides: strides,
                problem: PyTorchTensor.unsupported(storage.type, at: source.start + position),
                byteOffset: source.start + position)
            guard tensors.updateValue(tensor, forKey: key) == nil else { throw malformed(source, position) }
            position = start + 8 * numbers.count
        }
    }

    private func readCount(_ source: ByteSource, _ position: inout Int) throws(ZooError) -> Int {
        let document = try PickleMachine.read(source, limits: limits)
        guard let count = document.integer(document.root), (0...limits.entryCount).contains(count) else {
            throw malformed(source, 0)
        }
        position = document.end
        return count
    }

    private func key(_ document: PickleDocument, _ reference: PickleReference) -> String? {
        document.text(reference) ?? document.integer(reference).map(String.init)
    }

    private func malformed(_ source: ByteSource, _ position: Int) -> ZooError {
        ZooError(
            .corrupt, "the old tar format's table is damaged", file: source.path,
            byteOffset: source.start + position, remedy: "Get the file again.")
    }
}
