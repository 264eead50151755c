internal import ZooContainers
internal import ZooTensors

/// A `torch.dtype`, also those that Menagerie has no element type for.
struct PyTorchType: Hashable {
    /// The dtype's name without `torch.`.
    let name: String
    /// Bytes of one element in a file.
    let byteCount: Int
    /// Our type, where there is one.
    let elementType: ElementType?
    /// The type of a quantized type's whole numbers.
    let integerType: ElementType?

    private init(
        _ name: String, _ byteCount: Int, _ elementType: ElementType? = nil, integers: ElementType? = nil
    ) {
        self.name = name
        self.byteCount = byteCount
        self.elementType = elementType
        self.integerType = integers
    }

    /// What stands for the type in a table of tensors: our type, or one of the same width.
    var placeholder: ElementType {
        if let elementType { return elementType }
        switch byteCount {
        case 1: return .u8
        case 2: return .i16
        case 4: return .i32
        default: return .i64
        }
    }

    /// The bytes of an untyped storage.
    static let byte = PyTorchType("uint8", 1, .u8)

    /// The type whose elements a storage class holds; `nil` for a class that isn't one.
    init?(storageClass: PickleGlobal) {
        guard ["torch", "torch.cuda", "torch.storage"].contains(storageClass.module),
            let type = PyTorchType.storageClasses[storageClass.name]
        else { return nil }
        self = type
    }

    /// The type that a global such as `torch.uint16` names.
    init?(dtype: PickleGlobal) {
        guard dtype.module == "torch", let type = PyTorchType.types[dtype.name] else { return nil }
        self = type
    }

    /// The dtype of one of our types, without `torch.`.
    static func name(of type: ElementType) -> String {
        types.values.first { $0.elementType == type }?.name ?? type.rawValue
    }

    private static let storageClasses: [String: PyTorchType] = [
        "FloatStorage": PyTorchType("float32", 4, .f32), "DoubleStorage": PyTorchType("float64", 8, .f64),
        "HalfStorage": PyTorchType("float16", 2, .f16), "BFloat16Storage": PyTorchType("bfloat16", 2, .bf16),
        "LongStorage": PyTorchType("int64", 8, .i64), "IntStorage": PyTorchType("int32", 4, .i32),
        "ShortStorage": PyTorchType("int16", 2, .i16), "CharStorage": PyTorchType("int8", 1, .i8),
        "ByteStorage": byte, "BoolStorage": PyTorchType("bool", 1, .bool), "UntypedStorage": byte,
        "ComplexFloatStorage": PyTorchType("complex64", 8, .c64),
        "ComplexDoubleStorage": PyTorchType("complex128", 16, .c128),
        "QInt8Storage": PyTorchType("qint8", 1, integers: .i8),
        "QUInt8Storage": PyTorchType("quint8", 1, integers: .u8),
        "QInt32Storage": PyTorchType("qint32", 4, integers: .i32),
        "QUInt4x2Storage": PyTorchType("quint4x2", 1),
        "QUInt2x4Storage": PyTorchType("quint2x4", 1),
    ]

    private static let types: [String: PyTorchType] = {
        var types: [String: PyTorchType] = [:]
        let all =
            Array(storageClasses.values) + [
                PyTorchType("uint16", 2, .u16), PyTorchType("uint32", 4, .u32),
                PyTorchType("uint64", 8, .u64),
                PyTorchType("complex32", 4, .c32), PyTorchType("float8_e4m3fn", 1, .f8e4m3),
                PyTorchType("float8_e5m2", 1, .f8e5m2),
                PyTorchType("float8_e4m3fnuz", 1, .f8e4m3fnuz),
                PyTorchType("float8_e5m2fnuz", 1, .f8e5m2fnuz),
                PyTorchType("float8_e8m0fnu", 1, .f8e8m0), PyTorchType("float4_e2m1fn_x2", 1),
            ]
        for type in all { types[type.name] = type }
        let aliases = [
            "float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
            "short": "int16", "cfloat": "complex64", "cdouble": "complex128", "chalf": "complex32",
        ]
        for (alias, name) in aliases { types[alias] = types[name] }
        return types
    }()
}
