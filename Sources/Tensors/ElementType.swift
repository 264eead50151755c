/// The type of a tensor's elements, named as the field names them.
public enum ElementType: String, Sendable, CaseIterable, Hashable {
    case f64, f32, f16, bf16
    /// 8-bit floats: PyTorch's `float8_e4m3fn` and so on. They are read, widened and copied, never computed with.
    case f8e4m3 = "f8_e4m3"
    case f8e5m2 = "f8_e5m2"
    case f8e4m3fnuz = "f8_e4m3fnuz"
    case f8e5m2fnuz = "f8_e5m2fnuz"
    case f8e8m0 = "f8_e8m0"
    case i64, i32, i16, i8, u64, u32, u16, u8, bool
    /// Complex numbers of two `f64`, `f32` or `f16`, real part first.
    case c128, c64, c32

    /// Bytes that one element takes in memory and in a file.
    public var byteCount: Int {
        switch self {
        case .c128: 16
        case .f64, .i64, .u64, .c64: 8
        case .f32, .i32, .u32, .c32: 4
        case .f16, .bf16, .i16, .u16: 2
        case .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .i8, .u8, .bool: 1
        }
    }

    /// Whether elements are real floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0: true
        case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool, .c128, .c64, .c32: false
        }
    }

    /// Whether elements are complex numbers.
    public var isComplex: Bool { self == .c128 || self == .c64 || self == .c32 }

    /// Bytes that make up one number for byte order: half an element for complex ones.
    public var byteOrderUnit: Int { isComplex ? byteCount / 2 : byteCount }
}

/// A Swift type that is the in-memory form of an ``ElementType``.
public protocol TensorScalar: BitwiseCopyable, Sendable {
    /// The element type that this Swift type stores.
    static var elementType: ElementType { get }
}

extension Double: TensorScalar {
    /// 64-bit IEEE 754.
    public static var elementType: ElementType { .f64 }
}
extension Float: TensorScalar {
    /// 32-bit IEEE 754.
    public static var elementType: ElementType { .f32 }
}
extension Int64: TensorScalar {
    /// 64-bit two's complement.
    public static var elementType: ElementType { .i64 }
}
extension Int32: TensorScalar {
    /// 32-bit two's complement.
    public static var elementType: ElementType { .i32 }
}
extension Int16: TensorScalar {
    /// 16-bit two's complement.
    public static var elementType: ElementType { .i16 }
}
extension Int8: TensorScalar {
    /// 8-bit two's complement.
    public static var elementType: ElementType { .i8 }
}
extension UInt8: TensorScalar {
    /// 8-bit unsigned.
    public static var elementType: ElementType { .u8 }
}
extension UInt64: TensorScalar {
    /// 64-bit unsigned.
    public static var elementType: ElementType { .u64 }
}
extension UInt32: TensorScalar {
    /// 32-bit unsigned.
    public static var elementType: ElementType { .u32 }
}
extension UInt16: TensorScalar {
    /// 16-bit unsigned.
    public static var elementType: ElementType { .u16 }
}
