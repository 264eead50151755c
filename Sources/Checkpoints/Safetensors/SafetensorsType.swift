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
        "U64": (64, .u64), "U32": (32, .u32), "U16": (16, .u16), "C64": (64, .c64), "F8_E4M3": (8, .f8e4m3),
        "F8_E5M2": (8, .f8e5m2), "F8_E8M0": (8, .f8e8m0), "F8_E4M3FNUZ": (8, .f8e4m3fnuz),
        "F8_E5M2FNUZ": (8, .f8e5m2fnuz),
        "F6_E2M3": (6, nil), "F6_E3M2": (6, nil), "F4": (4, nil),
    ]

    /// The name of one of our types; `nil` when the format has none.
    static func name(of type: ElementType) -> String? {
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
        case .u64: "U64"
        case .u32: "U32"
        case .u16: "U16"
        case .c64: "C64"
        case .f8e4m3: "F8_E4M3"
        case .f8e5m2: "F8_E5M2"
        case .f8e8m0: "F8_E8M0"
        case .f8e4m3fnuz: "F8_E4M3FNUZ"
        case .f8e5m2fnuz: "F8_E5M2FNUZ"
        case .c128, .c32: nil
        }
    }

    /// Where a type stands in the official writer's order of types, in which tensors lie from last to first.
    static func rank(of type: ElementType) -> Int {
        let order: [ElementType] = [
            .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz, .i16, .u16, .f16, .bf16,
            .i32,
            .u32, .f32, .c64, .f64, .i64, .u64,
        ]
        return order.firstIndex(of: type) ?? order.count
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
