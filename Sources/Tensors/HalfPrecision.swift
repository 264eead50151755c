/// Conversions of 16-bit floating-point formats by their bit patterns, so that every platform gives the same
/// bits (Swift's `Float16` does not exist on all of them).
public enum HalfPrecision {
    /// Widens an IEEE 754 half to a float. Exact; a NaN keeps its payload.
    public static func float(fromHalf bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            // Zero and subnormals: fraction × 2⁻²⁴ is exact in 32 bits.
            let magnitude = Float(fraction) * Float(sign: .plus, exponent: -24, significand: 1)
            return Float(bitPattern: magnitude.bitPattern | sign)
        case 0x1F:
            return Float(bitPattern: sign | 0x7F80_0000 | (fraction << 13))
        default:
            return Float(bitPattern: sign | ((exponent + 112) << 23) | (fraction << 13))
        }
    }

    /// Narrows a float to an IEEE 754 half, rounding to nearest even; too large becomes infinity.
    public static func half(from value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: (bits >> 16) & 0x8000)
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 {
            return sign | 0x7E00 | UInt16(truncatingIfNeeded: (magnitude >> 13) & 0x3FF)
        }
        if magnitude >= 0x4780_0000 { return sign | 0x7C00 }
        if magnitude >= 0x3880_0000 {
            let rebased = magnitude &- (112 << 23)
            let rounded = rebased &+ 0xFFF &+ ((rebased >> 13) & 1)
            return sign | UInt16(truncatingIfNeeded: rounded >> 13)
        }
        // Subnormal result: adding 0.5 aligns the fraction with the last bits of the sum, rounded to even.
        let aligned = Float(bitPattern: magnitude) + 0.5
        return sign | UInt16(truncatingIfNeeded: aligned.bitPattern &- Float(0.5).bitPattern)
    }

    /// Widens a bfloat16 to a float. Exact.
    public static func float(fromBrain bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Narrows a float to bfloat16, rounding to nearest even, as PyTorch does; a NaN stays a NaN.
    public static func brain(from value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}
