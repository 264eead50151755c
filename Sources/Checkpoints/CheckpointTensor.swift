public import ZooTensors

/// One tensor of a checkpoint: known by name, type and shape, its bytes read on demand.
public struct CheckpointTensor: Sendable {
    /// The key that the file gives it, after shared prefixes were stripped.
    public let name: String
    /// Type of the elements. Where ``typeName`` is of a type that Menagerie doesn't have, this is some type of the
    /// same width, and loading throws.
    public let elementType: ElementType
    /// The file's own name for the type of the elements, when it is one that Menagerie doesn't have: `complex64`.
    public let typeName: String?
    /// Extents in the file's own layout.
    public let shape: TensorShape
    /// Where in the file it comes from, for reports: a member, a dataset path.
    public let location: String?
    /// Equal for tensors that share a storage in the file (tied weights, views); `nil` when the format has no such
    /// notion.
    public let storageKey: String?
    /// Where its elements lie, where that allows copying them without loading.
    package let stored: StoredTensor?
    /// The tensor itself, where it is in memory.
    package let inMemory: Tensor?
    /// What makes the elements of those in the file, where these are of another type.
    package let conversion: ElementConversion?
    private let loader: @Sendable () throws(ZooError) -> Tensor

    /// Describes a tensor whose bytes `load` reads.
    public init(
        name: String, elementType: ElementType, shape: TensorShape, typeName: String? = nil,
        location: String? = nil, storageKey: String? = nil,
        load: @escaping @Sendable () throws(ZooError) -> Tensor
    ) {
        self.init(
            name: name, elementType: elementType, shape: shape, typeName: typeName, location: location,
            storageKey: storageKey, stored: nil, load: load)
    }

    /// Describes a tensor that `load` reads, or that can be copied from where it is stored.
    package init(
        name: String, elementType: ElementType, shape: TensorShape, typeName: String? = nil,
        location: String? = nil, storageKey: String? = nil, stored: StoredTensor?,
        load: @escaping @Sendable () throws(ZooError) -> Tensor
    ) {
        self.init(
            name: name, elementType: elementType, shape: shape, typeName: typeName, location: location,
            storageKey: storageKey, stored: stored, inMemory: nil, conversion: nil, loader: load)
    }

    /// Describes a tensor that is in memory already.
    public init(name: String, tensor: Tensor) {
        self.init(
            name: name, elementType: tensor.elementType, shape: tensor.shape, typeName: nil, location: nil,
            storageKey: nil, stored: nil, inMemory: tensor, conversion: nil
        ) { () throws(ZooError) in tensor }
    }

    private init(
        name: String, elementType: ElementType, shape: TensorShape, typeName: String?, location: String?,
        storageKey: String?, stored: StoredTensor?, inMemory: Tensor?, conversion: ElementConversion?,
        loader: @escaping @Sendable () throws(ZooError) -> Tensor
    ) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
        self.typeName = typeName
        self.location = location
        self.storageKey = storageKey
        self.stored = stored
        self.inMemory = inMemory
        self.conversion = conversion
        self.loader = loader
    }

    /// Bytes that the elements take side by side.
    /// - Throws: ``ZooError`` when there are more than any memory holds.
    public func byteCount() throws(ZooError) -> Int {
        try Checked.product(shape.elementCount, elementType.byteCount)
    }

    /// Reads the tensor.
    /// - Throws: ``ZooError`` that names the tensor.
    public func load() throws(ZooError) -> Tensor {
        do {
            let tensor = try loader()
            return try conversion.map { (conversion) throws(ZooError) in
                try tensor.converted(to: conversion.target)
            }
                ?? tensor
        } catch {
            throw error.adding(tensor: name)
        }
    }

    /// The same tensor under another key.
    public func renamed(_ name: String) -> CheckpointTensor {
        CheckpointTensor(
            name: name, elementType: elementType, shape: shape, typeName: typeName, location: location,
            storageKey: storageKey, stored: stored, inMemory: inMemory, conversion: conversion, loader: loader
        )
    }

    /// The same tensor of a file that is one of several, whose storages have keys of their own.
    func inPart(_ part: String) -> CheckpointTensor {
        CheckpointTensor(
            name: name, elementType: elementType, shape: shape, typeName: typeName,
            location: location.map { "\(part): \($0)" } ?? part,
            storageKey: storageKey.map { "\(part)/\($0)" },
            stored: stored, inMemory: inMemory, conversion: conversion, loader: loader)
    }

    /// The same numbers as another type, converted when they are read.
    /// - Throws: ``ZooError`` for types between which numbers aren't converted.
    public func converted(to type: ElementType) throws(ZooError) -> CheckpointTensor {
        if type == elementType { return self }
        guard typeName == nil else {
            throw ZooError(
                .unsupported, "numbers of the type \(typeName ?? "") aren't converted", tensor: name,
                expected: type.rawValue)
        }
        do throws(ZooError) {
            let source = conversion?.source ?? elementType
            return CheckpointTensor(
                name: name, elementType: type, shape: shape, typeName: nil, location: location,
                storageKey: storageKey, stored: stored, inMemory: inMemory,
                conversion: source == type ? nil : try ElementConversion(from: source, to: type),
                loader: loader)
        } catch {
            throw error.adding(tensor: name)
        }
    }

    /// The elements of the storage that this tensor and others lie in, a run of them, as a flat tensor.
    func storageRun(first: Int, count: Int) throws(ZooError) -> CheckpointTensor? {
        if let inMemory {
            let run = try Tensor(
                storage: inMemory.storage, elementType: inMemory.elementType, shape: TensorShape([count]),
                offset: first)
            return CheckpointTensor(name: name, tensor: run)
        }
        guard let stored else { return nil }
        let run = StoredTensor(bytes: stored.bytes, offset: first, strides: [1])
        let type = conversion?.source ?? elementType
        return CheckpointTensor(
            name: name, elementType: elementType, shape: TensorShape([count]), typeName: nil,
            location: location,
            storageKey: storageKey, stored: run, inMemory: nil, conversion: conversion
        ) { () throws(ZooError) in try run.load(type, TensorShape([count])) }
    }
}

extension CheckpointTensor {
    /// Lends the elements' bytes in row-major order, little-endian, piece by piece. Elements that lie side by side in
    /// the file pass through a small buffer; others are loaded, and let go of at the end.
    /// - Parameter lead: about how many bytes the first of many pieces is to have.
    package func forEachPiece(
        lead: Int = Pieces.byteCount,
        _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        do throws(ZooError) {
            guard let conversion else { return try unsafe forEachStoredPiece(lead: lead, body) }
            try unsafe forEachStoredPiece(lead: lead) { (piece) throws(ZooError) in
                try unsafe conversion.convert(piece, body)
            }
        } catch {
            throw error.adding(tensor: name)
        }
    }

    private func forEachStoredPiece(
        lead: Int, _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let type = conversion?.source ?? elementType
        guard let stored, typeName == nil, shape.isRowMajor(stored.strides) else {
            return try unsafe loader().forEachPiece(body)
        }
        try unsafe stored.forEachPiece(count: shape.elementCount, of: type, lead: lead, body)
    }
}

extension TensorShape {
    /// Whether elements with these strides lie side by side in row-major order.
    fileprivate func isRowMajor(_ strides: [Int]) -> Bool {
        elementCount == 0
            || zip(zip(dimensions, strides), contiguousStrides).allSatisfy { $0.0 == 1 || $0.1 == $1 }
    }
}
