/// The type of a tensor's elements, named as the field names them.
public enum ElementType: String, Sendable, CaseIterable, Hashable {
    case f64, f32, f16, bf16, i64, i32, i16, i8, u8, bool

    /// Bytes that one element takes in memory and in a file.
    public var byteCount: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }

    /// Whether elements are floating-point numbers.
    public var isFloatingPoint: Bool {
        switch self {
        case .f64, .f32, .f16, .bf16: true
        case .i64, .i32, .i16, .i8, .u8, .bool: false
        }
    }
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
