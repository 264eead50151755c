internal import ZooTensors

/// The type names of safetensors headers.
struct SafetensorsType {
    /// The name in the header.
    let name: String
    /// Bits of one element.
    let bitCount: Int
    /// Our type, where there is one.
    let elementType: ElementType?

    init?(name: String) {
        guard let known = SafetensorsType.known[name] else { return nil }
        self.name = name
        (bitCount, elementType) = known
    }

    private static let known: [String: (Int, ElementType?)] = [
        "F64": (64, .f64), "F32": (32, .f32), "F16": (16, .f16), "BF16": (16, .bf16), "I64": (64, .i64),
        "I32": (32, .i32), "I16": (16, .i16), "I8": (8, .i8), "U8": (8, .u8), "BOOL": (8, .bool),
        "U64": (64, nil), "U32": (32, nil), "U16": (16, nil), "C64": (64, nil), "F8_E4M3": (8, nil),
        "F8_E5M2": (8, nil), "F8_E8M0": (8, nil), "F8_E4M3FNUZ": (8, nil), "F8_E5M2FNUZ": (8, nil),
        "F6_E2M3": (6, nil), "F6_E3M2": (6, nil), "F4": (4, nil),
    ]

    /// The name of one of our types.
    static func name(of type: ElementType) -> String {
        switch type {
        case .f64: "F64"
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .i64: "I64"
        case .i32: "I32"
        case .i16: "I16"
        case .i8: "I8"
        case .u8: "U8"
        case .bool: "BOOL"
        }
    }

    /// Where a type stands in the official writer's order of types, in which tensors lie from last to first.
    static func rank(of type: ElementType) -> Int {
        switch type {
        case .bool: 0
        case .u8: 1
        case .i8: 2
        case .i16: 3
        case .f16: 4
        case .bf16: 5
        case .i32: 6
        case .f32: 7
        case .f64: 8
        case .i64: 9
        }
    }

    /// A type of the same width, for a table of tensors.
    var placeholder: ElementType {
        if let elementType { return elementType }
        switch bitCount {
        case 64: return .i64
        case 32: return .i32
        case 16: return .i16
        default: return .u8
        }
    }
}
