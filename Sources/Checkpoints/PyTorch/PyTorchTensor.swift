internal import ZooContainers
internal import ZooTensors

/// A tensor as its pickle describes it; nothing of it is read yet.
struct PyTorchTensor: Sendable {
    let storage: PyTorchStorage
    let type: PyTorchType
    /// Index of the first element in the (viewed) storage.
    let offset: Int
    let shape: TensorShape
    let strides: [Int]
    /// Why its numbers can't be read, when they can't.
    let problem: ZooError?
    /// What a quantized tensor's whole numbers stand for.
    var quantizer: PyTorchQuantizer?
    /// Where in the file its description stands, if that is known.
    let byteOffset: Int?
}

extension PyTorchTensor {
    private static let maximumDepth = 8

    /// Whether a value is a tensor, of whatever kind. The tar format refers to tensors by persistent ids.
    static func isTensor(_ document: PickleDocument, _ reference: PickleReference) -> Bool {
        if tarKey(document, reference) != nil { return true }
        guard let object = document.object(reference), let function = document.global(object.callable) else {
            return false
        }
        return isRebuild(function)
    }

    /// The key by which the tar format's object refers to a tensor.
    static func tarKey(_ document: PickleDocument, _ reference: PickleReference) -> String? {
        guard case .persistent(let id) = document.value(reference) else { return nil }
        return document.text(id) ?? document.integer(id).map(String.init)
    }

    /// Whether a value is a tensor of PyTorch's of a kind that isn't read: sparse, nested, on the meta device.
    static func isOfUnreadKind(_ document: PickleDocument, _ reference: PickleReference) -> Bool {
        guard let object = document.object(reference), let function = document.global(object.callable) else {
            return false
        }
        let readKinds: Set = [
            "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor",
            "_rebuild_parameter",
            "_rebuild_parameter_with_state", "_rebuild_from_type_v2",
        ]
        return function.module == "torch._utils" && isRebuild(function) && !readKinds.contains(function.name)
    }

    private static func isRebuild(_ function: PickleGlobal) -> Bool {
        switch (function.module, function.name) {
        case ("torch._utils", let name), ("torch._tensor", let name): name.hasPrefix("_rebuild")
        case ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"), ("torch", "Tensor"): true
        default: false
        }
    }

    /// Reads a tensor's description.
    /// - Throws: ``ZooError`` with the byte of a call that isn't a known way to make a tensor.
    init(_ document: PickleDocument, _ reference: PickleReference) throws(ZooError) {
        guard let object = document.object(reference), let function = document.global(object.callable),
            let arguments = document.elements(object.arguments)
        else { throw PyTorchTensor.malformed(document, reference) }
        do throws(ZooError) {
            self = try PyTorchTensor.rebuild(document, reference, function, arguments, depth: 0)
        } catch {
            throw error.adding(byteOffset: document.byteOffset(reference))
        }
    }

    private static func malformed(_ document: PickleDocument, _ reference: PickleReference) -> ZooError {
        ZooError(
            .corrupt, "a tensor isn't described in the known form", byteOffset: document.byteOffset(reference)
        )
    }

    private static func rebuild(
        _ document: PickleDocument, _ reference: PickleReference, _ function: PickleGlobal,
        _ arguments: [PickleReference], depth: Int
    ) throws(ZooError) -> PyTorchTensor {
        guard depth < maximumDepth else { throw malformed(document, reference) }
        switch (function.module, function.name) {
        case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
            let problem = try lazyMathematics(document, arguments.dropFirst(6).first)
            return try plain(document, reference, arguments, type: nil, problem: problem)
        case ("torch._utils", "_rebuild_tensor_v3"):
            guard arguments.count >= 7, let dtype = document.global(arguments[6]) else {
                throw malformed(document, reference)
            }
            guard let type = PyTorchType(dtype: dtype) else {
                throw ZooError(.unsupported, "the dtype \(quoted(dtype.description)) is unknown")
            }
            let problem = try lazyMathematics(document, arguments.dropFirst(7).first)
            return try plain(document, reference, arguments, type: type, problem: problem)
        case ("torch._utils", "_rebuild_qtensor"):
            var tensor = try plain(document, reference, arguments, type: nil, problem: nil)
            guard arguments.count >= 5 else { throw malformed(document, reference) }
            tensor.quantizer = try PyTorchQuantizer(document, arguments[4], shape: tensor.shape)
            return tensor
        case ("torch._utils", "_rebuild_parameter"), ("torch._utils", "_rebuild_parameter_with_state"),
            ("torch.nn.parameter", "Parameter"), ("torch.nn.parameter", "Buffer"):
            guard let inner = arguments.first, let object = document.object(inner),
                let innerFunction = document.global(object.callable),
                let innerArguments = document.elements(object.arguments)
            else { throw malformed(document, reference) }
            return try rebuild(document, inner, innerFunction, innerArguments, depth: depth + 1)
        case ("torch._tensor", "_rebuild_from_type_v2"):
            guard arguments.count >= 3, let innerFunction = document.global(arguments[0]),
                let innerArguments = document.elements(arguments[2])
            else { throw malformed(document, reference) }
            return try rebuild(document, reference, innerFunction, innerArguments, depth: depth + 1)
        default:
            throw ZooError(
                .unsupported, "a tensor is made by \(quoted(function.description)), which isn't supported",
                byteOffset: document.byteOffset(reference),
                remedy: "Save the state dict of a plain, dense network in PyTorch.")
        }
    }

    /// `(storage, offset, size, stride, …)`.
    private static func plain(
        _ document: PickleDocument, _ reference: PickleReference, _ arguments: [PickleReference],
        type declared: PyTorchType?, problem: ZooError?
    ) throws(ZooError) -> PyTorchTensor {
        guard arguments.count >= 4, case .persistent(let id) = document.value(arguments[0]),
            let offset = document.integer(arguments[1]), let size = integers(document, arguments[2]),
            let strides = integers(document, arguments[3])
        else { throw malformed(document, reference) }
        let storage = try PyTorchStorage(document, id)
        let type = declared ?? storage.type
        guard storage.isUntyped || type.byteCount == storage.type.byteCount else {
            throw malformed(document, reference)
        }
        let shape = try TensorShape(checking: size)
        let capacity = try Checked.product(storage.viewCount, storage.type.byteCount) / type.byteCount
        try Tensor.checkView(elementCount: capacity, shape: shape, strides: strides, offset: offset)
        return PyTorchTensor(
            storage: storage, type: type, offset: offset, shape: shape, strides: strides,
            problem: unsupported(type, at: document.byteOffset(reference)) ?? problem,
            byteOffset: document.byteOffset(reference))
    }

    /// Why numbers of a type can't be read; `nil` for those that can.
    static func unsupported(_ type: PyTorchType, at byteOffset: Int?) -> ZooError? {
        if type.elementType != nil { return nil }
        return ZooError(
            .unsupported, "the dtype torch.\(type.name) isn't supported", byteOffset: byteOffset,
            expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "),
            remedy: type.integerType == nil
                ? "Convert the tensor in PyTorch." : "Read the file with --dequantize.")
    }

    /// The shape of `_rebuild_sparse_tensor(layout, (indices, values, size, …))`.
    static func sparseShape(_ document: PickleDocument, _ reference: PickleReference) -> TensorShape? {
        guard let object = document.object(reference),
            document.global(object.callable)?.name == "_rebuild_sparse_tensor",
            let data = document.elements(object.arguments)?.dropFirst().first,
            let fields = document.elements(data), fields.count >= 3,
            let size = integers(document, fields[2])
        else { return nil }
        return try? TensorShape(checking: size)
    }

    /// A tuple, list, `torch.Size` or TorchScript list of whole numbers.
    private static func integers(_ document: PickleDocument, _ reference: PickleReference) -> [Int]? {
        var elements = document.elements(reference)
        if let object = document.object(reference), let function = document.global(object.callable),
            function == PickleGlobal(module: "torch", name: "Size")
                || function == PickleGlobal(module: "torch.jit._pickle", name: "build_intlist")
        {
            elements = document.elements(object.arguments)?.first.flatMap { document.elements($0) }
        }
        // PyTorch's tensors have at most 64 axes.
        guard let elements, elements.count <= 64 else { return nil }
        let numbers = elements.compactMap { document.integer($0) }
        return numbers.count == elements.count ? numbers : nil
    }

    /// A tensor whose negation or conjugation PyTorch postponed can't be read as it stands.
    private static func lazyMathematics(
        _ document: PickleDocument, _ metadata: PickleReference?
    ) throws(ZooError) -> ZooError? {
        guard let metadata, case .dictionary(let entries) = document.value(metadata) else { return nil }
        for entry in entries {
            if let bit = document.text(entry.key), case .boolean(true) = document.value(entry.value),
                bit == "neg" || bit == "conj"
            {
                return ZooError(
                    .unsupported, "the tensor has a postponed \(bit == "neg" ? "negation" : "conjugation")",
                    byteOffset: document.byteOffset(metadata), remedy: "Save tensor.clone() in PyTorch.")
            }
        }
        return nil
    }
}
