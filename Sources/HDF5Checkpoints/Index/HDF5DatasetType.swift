package import ZooTensors

/// The type of a dataset's elements, as the file states it.
package struct HDF5DatasetType: Sendable, Hashable {
    /// What an element is.
    package enum Kind: Sendable, Hashable {
        case integer(isSigned: Bool, bitOffset: Int, precision: Int)
        case float(HDF5FloatLayout)
        case boolean
        case opaque
        /// Anything else, named by its HDF5 class: "string", "compound", …
        case other(String)
    }

    /// How the bytes of a number are ordered.
    package enum ByteOrder: Int, Sendable, Hashable {
        case little, big, none, other
    }

    /// What an element is.
    package let kind: Kind
    /// Bytes of one element.
    package let byteCount: Int
    /// Order of its bytes.
    package let byteOrder: ByteOrder

    /// How to read the elements, or `nil` when no ``ElementType`` fits.
    /// - Parameter isBrainFloat: whether the dataset has the attribute `dtype` = "bfloat16", which is how Keras marks
    ///   two opaque bytes.
    package func encoding(isBrainFloat: Bool) -> HDF5Encoding? {
        let bits = byteCount.multipliedReportingOverflow(by: 8).partialValue
        let isBig = byteOrder == .big && byteCount > 1
        guard byteOrder != .other else { return nil }
        switch kind {
        case .integer(let isSigned, bitOffset: 0, precision: bits):
            return HDF5Encoding.integer(byteCount: byteCount, isSigned: isSigned, isBigEndian: isBig)
        case .float(.half) where byteCount == 2: return HDF5Encoding(.f16, isBigEndian: isBig)
        case .float(.brain) where byteCount == 2: return HDF5Encoding(.bf16, isBigEndian: isBig)
        case .float(.single) where byteCount == 4: return HDF5Encoding(.f32, isBigEndian: isBig)
        case .float(.double) where byteCount == 8: return HDF5Encoding(.f64, isBigEndian: isBig)
        case .boolean where byteCount == 1: return HDF5Encoding(.bool, isBigEndian: false)
        case .opaque where byteCount == 2 && isBrainFloat: return HDF5Encoding(.bf16, isBigEndian: false)
        default: return nil
        }
    }

    /// The type in words, for errors.
    package var title: String {
        switch kind {
        case .integer(let isSigned, _, let precision):
            "\(isSigned ? "signed" : "unsigned") integers of \(precision) bits"
        case .float(let layout): "floating-point numbers of \(layout.precision) bits"
        case .boolean: "truth values"
        case .opaque: "opaque elements of \(byteCount) bytes"
        case .other(let name): "elements of class \(name)"
        }
    }
}

/// Where the parts of a floating-point number lie, in bits.
package struct HDF5FloatLayout: Sendable, Hashable {
    package let bitOffset: Int
    package let precision: Int
    package let sign: Int
    package let exponent: Int
    package let exponentSize: Int
    package let mantissa: Int
    package let mantissaSize: Int
    package let bias: Int
    /// 0: the leading one is implied.
    package let normalization: Int

    /// IEEE 754 binary16.
    package static let half = standard(exponentSize: 5, mantissaSize: 10)
    /// The upper half of binary32.
    package static let brain = standard(exponentSize: 8, mantissaSize: 7)
    /// IEEE 754 binary32.
    package static let single = standard(exponentSize: 8, mantissaSize: 23)
    /// IEEE 754 binary64.
    package static let double = standard(exponentSize: 11, mantissaSize: 52)

    private static func standard(exponentSize: Int, mantissaSize: Int) -> HDF5FloatLayout {
        let precision = 1 + exponentSize + mantissaSize
        return HDF5FloatLayout(
            bitOffset: 0, precision: precision, sign: precision - 1, exponent: mantissaSize,
            exponentSize: exponentSize, mantissa: 0, mantissaSize: mantissaSize,
            bias: (1 << (exponentSize - 1)) - 1, normalization: 0)
    }
}

/// How stored bytes become elements.
package struct HDF5Encoding: Sendable, Hashable {
    /// Type of the tensor's elements.
    package let elementType: ElementType
    /// Whether bytes have to be swapped.
    package let isBigEndian: Bool

    init(_ elementType: ElementType, isBigEndian: Bool) {
        self.elementType = elementType
        self.isBigEndian = isBigEndian
    }

    static func integer(byteCount: Int, isSigned: Bool, isBigEndian: Bool) -> HDF5Encoding? {
        switch byteCount {
        case 1: HDF5Encoding(isSigned ? .i8 : .u8, isBigEndian: false)
        case 2: HDF5Encoding(isSigned ? .i16 : .u16, isBigEndian: isBigEndian)
        case 4: HDF5Encoding(isSigned ? .i32 : .u32, isBigEndian: isBigEndian)
        case 8: HDF5Encoding(isSigned ? .i64 : .u64, isBigEndian: isBigEndian)
        default: nil
        }
    }
}

extension HDF5Object {
    /// How to read this dataset's elements, or `nil` when it is none or its type fits no ``ElementType``.
    package var encoding: HDF5Encoding? {
        dataset?.type.encoding(isBrainFloat: self[attribute: "dtype"]?.string == "bfloat16")
    }
}
