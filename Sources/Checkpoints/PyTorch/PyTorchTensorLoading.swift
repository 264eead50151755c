internal import ZooContainers
internal import ZooTensors

extension PyTorchTensor {
    /// The lazy entry of a checkpoint for this tensor. Sizes are checked now, numbers are read on demand: just the
    /// run of the storage that the tensor's elements span.
    func entry(
        named name: String, in table: PyTorchStorageTable, path: String?, options: CheckpointReadOptions
    ) throws(ZooError) -> CheckpointTensor {
        let location = table.prefix + storage.key
        let limits = options.limits
        let dequantizes = options.dequantizes && quantizer != nil && type.integerType != nil
        guard dequantizes || problem == nil, let elementType = dequantizes ? .f32 : type.elementType else {
            let reason = problem ?? ZooError(.unsupported, "the dtype torch.\(type.name) isn't supported")
            return CheckpointTensor(
                name: name, elementType: type.placeholder, shape: shape, typeName: type.name,
                location: location,
                storageKey: storage.key
            ) { () throws(ZooError) in throw reason.adding(file: path) }
        }
        do throws(ZooError) {
            let place = try table.place(of: storage)
            try checkExpansion(storageByteCount: place.byteCount, limits: limits)
        } catch {
            throw error.adding(file: path, byteOffset: byteOffset, tensor: name)
        }
        let tensor = self
        return CheckpointTensor(
            name: name, elementType: elementType, shape: shape, location: location, storageKey: storage.key,
            stored: dequantizes ? nil : try stored(elementType, in: table)
        ) { () throws(ZooError) in
            do throws(ZooError) {
                return try tensor.load(from: table, dequantizes: dequantizes)
            } catch {
                throw error.adding(file: path, byteOffset: tensor.byteOffset)
            }
        }
    }

    /// Where the elements lie, for copying them; `nil` where the storage's own elements are of another width than a
    /// view's beginning can be told in.
    private func stored(
        _ elementType: ElementType, in table: PyTorchStorageTable
    ) throws(ZooError) -> StoredTensor? {
        let start = try Checked.product(storage.viewStart, storage.type.byteCount)
        guard start.isMultiple(of: elementType.byteCount) else { return nil }
        let bytes = try table.storedBytes(of: storage, unit: elementType.byteOrderUnit)
        return StoredTensor(
            bytes: bytes, offset: try Checked.sum(start / elementType.byteCount, offset), strides: strides)
    }

    /// Reads the numbers.
    func load(from table: PyTorchStorageTable, dequantizes: Bool = false) throws(ZooError) -> Tensor {
        if dequantizes, let quantizer, let integers = type.integerType {
            return try quantizer.dequantize(try load(as: integers, from: table), from: table)
        }
        guard let elementType = type.elementType, problem == nil else {
            throw problem ?? ZooError(.unsupported, "the dtype torch.\(type.name) isn't supported")
        }
        return try load(as: elementType, from: table)
    }

    private func load(
        as elementType: ElementType, from table: PyTorchStorageTable
    ) throws(ZooError) -> Tensor {
        guard shape.elementCount > 0 else { return try Tensor(zeros: shape, elementType: elementType) }
        // The view was checked against its storage, so these sums are within it.
        var lowest = offset
        var highest = offset
        for (dimension, stride) in zip(shape.dimensions, strides) {
            let reach = try Checked.product(dimension - 1, stride)
            if reach < 0 {
                lowest = try Checked.sum(lowest, reach)
            } else {
                highest = try Checked.sum(highest, reach)
            }
        }
        let start = try Checked.sum(
            try Checked.product(storage.viewStart, storage.type.byteCount),
            try Checked.product(lowest, elementType.byteCount))
        let count = try Checked.product(try Checked.sum(highest - lowest, 1), elementType.byteCount)
        let bytes = try table.read(
            storage.key, at: start, byteCount: count, elementSize: elementType.byteOrderUnit)
        return try Tensor(
            storage: bytes, elementType: elementType, shape: shape, strides: strides, offset: offset - lowest)
    }

    /// A view may repeat elements (stride 0); how often is bounded, like any other decompression.
    private func checkExpansion(storageByteCount: Int, limits: ReadLimits) throws(ZooError) {
        let byteCount = try Checked.product(shape.elementCount, type.byteCount)
        let (bound, overflow) = storageByteCount.multipliedReportingOverflow(by: limits.expansionRatio)
        guard byteCount <= limits.tensorBytes, byteCount <= 16 << 20 || overflow || byteCount <= bound else {
            throw ZooError(
                .limitExceeded, "a tensor of shape \(shape) repeats its storage beyond the limits",
                expected: "at most \(limits.expansionRatio) times \(storageByteCount) bytes",
                found: "\(byteCount) bytes")
        }
    }
}
