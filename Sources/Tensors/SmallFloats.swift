/// The 8-bit floating-point formats, each a table of 256 numbers.
enum SmallFloats {
    /// What each byte stands for; `nil` for a type that isn't one of these formats.
    static func table(of type: ElementType) -> [Float]? {
        switch type {
        case .f8e4m3: e4m3
        case .f8e5m2: e5m2
        case .f8e4m3fnuz: e4m3fnuz
        case .f8e5m2fnuz: e5m2fnuz
        case .f8e8m0: e8m0
        default: nil
        }
    }

    /// Four bits of exponent, bias 7; all ones is NaN, nothing is infinite.
    private static let e4m3 = (UInt8.min...UInt8.max).map { byte in
        byte & 0x7F == 0x7F ? Float.nan : number(byte, fractionBits: 3, bias: 7)
    }
    /// The upper half of an IEEE half.
    private static let e5m2 = (UInt8.min...UInt8.max).map { HalfPrecision.float(fromHalf: UInt16($0) << 8) }
    /// Bias 8; the byte of minus zero is NaN, the only one, and nothing is infinite.
    private static let e4m3fnuz = (UInt8.min...UInt8.max).map { byte in
        byte == 0x80 ? Float.nan : number(byte, fractionBits: 3, bias: 8)
    }
    /// Bias 16, likewise.
    private static let e5m2fnuz = (UInt8.min...UInt8.max).map { byte in
        byte == 0x80 ? Float.nan : number(byte, fractionBits: 2, bias: 16)
    }
    /// A power of two, without sign; all ones is NaN.
    private static let e8m0 = (UInt8.min...UInt8.max).map { byte in
        byte == 0xFF ? Float.nan : Float(sign: .plus, exponent: Int(byte) - 127, significand: 1)
    }

    /// Sign, exponent and fraction put together, subnormal numbers included.
    private static func number(_ byte: UInt8, fractionBits: Int, bias: Int) -> Float {
        let exponent = Int(byte & 0x7F) >> fractionBits
        let fraction = Float(Int(byte) & ((1 << fractionBits) - 1)) / Float(1 << fractionBits)
        let significand = exponent == 0 ? fraction : 1 + fraction
        let magnitude = significand * Float(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1)
        return byte & 0x80 == 0 ? magnitude : -magnitude
    }
}
