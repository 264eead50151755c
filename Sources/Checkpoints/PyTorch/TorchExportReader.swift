internal import ZooContainers
internal import ZooTensors

/// Reads the weights of a `torch.export` archive (`.pt2`): a JSON table, and one member of plain bytes for each
/// storage. The exported program isn't looked at.
enum TorchExportReader {
    static func read(_ source: ByteSource, options: CheckpointReadOptions) throws(ZooError) -> Checkpoint {
        do throws(ZooError) {
            return try checkpoint(source, options)
        } catch {
            throw error.adding(file: source.path)
        }
    }

    private static func checkpoint(
        _ source: ByteSource, _ options: CheckpointReadOptions
    ) throws(ZooError) -> Checkpoint {
        let archive = try ZipArchive(source, limits: options.limits)
        let suffix = "data/weights/model_weights_config.json"
        guard
            let member = archive.members.first(where: { $0.name == suffix || $0.name.hasSuffix("/" + suffix) }
            ),
            member.byteCount <= options.limits.headerBytes
        else {
            throw ZooError(
                .unsupported, "the torch.export archive has no table of weights",
                remedy: "Save the state dict of the network instead.")
        }
        let root = String(member.name.dropLast(suffix.count))
        let folder = root + "data/weights/"
        var places: [String: PyTorchStorageTable.Place] = [:]
        for member in archive.members where member.name.hasPrefix(folder) {
            places[String(member.name.dropFirst(folder.count))] = .member(member)
        }
        let table = PyTorchStorageTable(
            places: places, isBigEndian: try PyTorchZip.isBigEndian(archive, root: root), prefix: folder)
        let config = try JSONParser.parse(try member.bytes())["config"]?.objectValue
        guard let entries = config?.members, entries.count <= options.limits.entryCount else {
            throw ZooError(.corrupt, "the torch.export archive's table of weights isn't one")
        }
        var tensors: [CheckpointTensor] = []
        for (name, value) in entries {
            do throws(ZooError) {
                let tensor = try tensor(value, places)
                tensors.append(
                    try tensor.entry(named: name, in: table, path: source.path, options: options))
            } catch {
                throw error.adding(tensor: name)
            }
        }
        let checkpoint = try Checkpoint(
            format: .pytorchZip, path: source.path, tensors: tensors,
            notes: ["this is a torch.export archive: the weights are taken, the program isn't looked at"])
        return options.keepPrefixes ? checkpoint : try checkpoint.strippingPrefixes()
    }

    /// `{"path_name": …, "use_pickle": …, "tensor_meta": {"dtype": …, "sizes": […], "strides": […], …}}`.
    private static func tensor(
        _ value: JSONValue, _ places: [String: PyTorchStorageTable.Place]
    ) throws(ZooError) -> PyTorchTensor {
        let meta = value["tensor_meta"]
        guard let key = value["path_name"]?.stringValue, let code = meta?["dtype"]?.intValue,
            let sizes = numbers(meta?["sizes"]), let strides = numbers(meta?["strides"]),
            let offset = meta?["storage_offset"]?["as_int"]?.intValue, value["use_pickle"] != true
        else {
            throw ZooError(.unsupported, "a weight isn't described in the known form")
        }
        guard let name = types[code],
            let type = PyTorchType(dtype: PickleGlobal(module: "torch", name: name))
        else {
            throw ZooError(.unsupported, "the dtype with the number \(code) is unknown")
        }
        let shape = try TensorShape(checking: sizes)
        let count = (places[key]?.byteCount ?? 0) / type.byteCount
        try Tensor.checkView(elementCount: count, shape: shape, strides: strides, offset: offset)
        var problem: ZooError?
        if type.elementType == nil {
            problem = ZooError(
                .unsupported, "the dtype torch.\(type.name) isn't supported",
                remedy: "Convert the tensor in PyTorch.")
        }
        return PyTorchTensor(
            storage: PyTorchStorage(key: key, type: type, elementCount: count), type: type, offset: offset,
            shape: shape, strides: strides, problem: problem, byteOffset: nil)
    }

    /// `[{"as_int": 3}, …]`.
    private static func numbers(_ value: JSONValue?) -> [Int]? {
        guard let elements = value?.arrayValue else { return nil }
        let numbers = elements.compactMap { $0["as_int"]?.intValue }
        return numbers.count == elements.count ? numbers : nil
    }

    /// `torch._export.serde.schema.ScalarType`.
    private static let types: [Int: String] = [
        1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
        9: "complex32", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16",
        29: "float8_e4m3fn", 30: "float8_e5m2", 31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz",
        33: "float8_e8m0fnu", 34: "uint32", 35: "uint64",
    ]
}
