/// Appends numbers to bytes in little-endian order, as zip, NPY, pickle and safetensors headers want them.
extension [UInt8] {
    package mutating func appendLittleEndian<T: FixedWidthInteger>(_ value: T) {
        var rest = value
        for _ in 0..<(T.bitWidth / 8) {
            append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    package mutating func appendASCII(_ text: String) { append(contentsOf: Array(text.utf8)) }
}
