internal import ZooContainers
public import ZooTensors

/// Writes state dicts that `torch.load(path, weights_only=True)` reads, with `mmap=True` too.
public enum PyTorchWriter {
    /// The version of a module in `state_dict()._metadata`.
    public struct ModuleVersion: Sendable, Hashable {
        /// Path of the module; empty for the network itself.
        public let module: String
        /// 2 for batch normalisation that counts its batches, 1 for everything else.
        public let version: Int

        /// Names a module's version.
        public init(module: String, version: Int) {
            self.module = module
            self.version = version
        }
    }

    /// Writes an `OrderedDict` of the tensors in the given order. Tensors that share memory share a storage.
    /// - Parameter moduleVersions: what goes into `_metadata`; none by default, and then PyTorch fills in a missing
    ///   `num_batches_tracked` by itself.
    /// - Throws: ``ZooError`` when two tensors have the same name or the file can't be written.
    public static func write(
        _ tensors: [NamedTensor], to path: String, moduleVersions: [ModuleVersion] = []
    ) throws(ZooError) {
        try write(
            tensors.map { CheckpointTensor(name: $0.name, tensor: $0.tensor) }, to: path,
            moduleVersions: moduleVersions)
    }

    /// Writes tensors of other files, or in memory, one after the other: of what is copied as it lies in its file
    /// hardly anything is in memory at any time. Tensors that share a storage in their file do so again.
    /// - Parameter progress: told the number of bytes after every piece.
    /// - Throws: ``ZooError`` when two tensors have the same name, when one can't be read, or when the file can't be
    ///   written.
    public static func write(
        _ tensors: [CheckpointTensor], to path: String, moduleVersions: [ModuleVersion] = [],
        progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        var names: Set<String> = []
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw ZooError(
                    .invalidArgument, "a tensor's name is taken already", file: path, tensor: tensor.name,
                    remedy: "Give every tensor a name of its own.")
            }
            // What can't be read isn't copied either, and says why.
            if tensor.typeName != nil { _ = try tensor.load() }
        }
        let plan = try PyTorchStoragePlan(tensors)
        let root = archiveName(for: path)
        let writer = try ZipWriter(path: path)
        try writer.add("\(root)/data.pkl", try pickle(tensors, plan: plan, moduleVersions: moduleVersions))
        try writer.add("\(root)/byteorder", Array("little".utf8))
        for (number, storage) in plan.storages.enumerated() {
            try unsafe writer.add("\(root)/data/\(number)", byteCount: try storage.byteCount()) {
                (sink) throws(ZooError) in
                try unsafe storage.forEachPiece { (piece) throws(ZooError) in
                    try unsafe sink(piece)
                    progress(piece.count)
                }
            }
        }
        try writer.add("\(root)/version", Array("3\n".utf8))
        try writer.finish()
    }

    /// The file's name without its last extension, as PyTorch names the one folder in the archive.
    private static func archiveName(for path: String) -> String {
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
        let isPlain =
            !stem.isEmpty && stem.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5C && $0 != 0x3A }
        return isPlain && !stem.hasPrefix("..") && stem != "." ? stem : "archive"
    }

    private static func pickle(
        _ tensors: [CheckpointTensor], plan: PyTorchStoragePlan, moduleVersions: [ModuleVersion]
    ) throws(ZooError) -> [UInt8] {
        var pickle = PickleWriter()
        pickle.orderedDictionary()
        pickle.beginItems()
        for (named, placement) in zip(tensors, plan.placements) {
            try pickle.text(named.name)
            try append(named, placement, storage: plan.storages[placement.storage], to: &pickle)
        }
        pickle.endItems()
        if !moduleVersions.isEmpty {
            pickle.emptyDictionary()
            pickle.beginItems()
            try pickle.text("_metadata")
            pickle.orderedDictionary()
            pickle.beginItems()
            for entry in moduleVersions {
                try pickle.text(entry.module)
                pickle.emptyDictionary()
                pickle.beginItems()
                try pickle.text("version")
                pickle.integer(entry.version)
                pickle.endItems()
            }
            pickle.endItems()
            pickle.endItems()
            pickle.build()
        }
        pickle.stop()
        return pickle.bytes
    }

    /// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)`; types that came without
    /// a storage class of their own take `_rebuild_tensor_v3`, bytes, and the type's name at the end.
    private static func append(
        _ tensor: CheckpointTensor, _ placement: PyTorchStoragePlan.Placement, storage: CheckpointTensor,
        to pickle: inout PickleWriter
    ) throws(ZooError) {
        let storageClass = storageClass(of: tensor.elementType)
        pickle.global("torch._utils", storageClass == nil ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2")
        pickle.mark()
        pickle.mark()
        try pickle.text("storage")
        if let storageClass {
            pickle.global("torch", storageClass)
        } else {
            pickle.global("torch.storage", "UntypedStorage")
        }
        try pickle.text(String(placement.storage))
        try pickle.text("cpu")
        pickle.integer(storageClass == nil ? try storage.byteCount() : storage.shape.elementCount)
        pickle.tuple()
        pickle.persistentID()
        pickle.integer(placement.offset)
        pickle.integers(tensor.shape.dimensions)
        pickle.integers(placement.strides)
        pickle.boolean(false)
        pickle.orderedDictionary()
        if storageClass == nil { pickle.global("torch", PyTorchType.name(of: tensor.elementType)) }
        pickle.tuple()
        pickle.call()
    }

    private static func storageClass(of type: ElementType) -> String? {
        switch type {
        case .f64: "DoubleStorage"
        case .f32: "FloatStorage"
        case .f16: "HalfStorage"
        case .bf16: "BFloat16Storage"
        case .i64: "LongStorage"
        case .i32: "IntStorage"
        case .i16: "ShortStorage"
        case .i8: "CharStorage"
        case .u8: "ByteStorage"
        case .bool: "BoolStorage"
        case .c128: "ComplexDoubleStorage"
        case .c64: "ComplexFloatStorage"
        case .u64, .u32, .u16, .c32, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0: nil
        }
    }
}
