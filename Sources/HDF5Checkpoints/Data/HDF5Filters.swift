internal import ZooTensors

/// HDF5's checksum filter: a chunk followed by four bytes, little-endian.
enum Fletcher32 {
    /// Checks the last four bytes against the rest and drops them.
    static func removeChecksum(from data: inout [UInt8]) throws(ZooError) {
        guard data.count >= 4 else { throw ZooError(.corrupt, "a chunk is shorter than its checksum") }
        let stored = data.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        data.removeLast(4)
        let computed = checksum(of: data)
        // libhdf5 before 1.6.3 swapped the bytes of both halves on little-endian machines; readers accept it.
        let swapped = (computed & 0x00FF_00FF) << 8 | (computed >> 8) & 0x00FF_00FF
        guard stored == computed || stored == swapped else {
            throw ZooError(
                .checksum, "the checksum of a chunk doesn't fit its data",
                expected: String(stored, radix: 16),
                found: String(computed, radix: 16), remedy: "The file is damaged; get it again.")
        }
    }

    /// `H5_checksum_fletcher32`: two sums modulo 65535 over 16-bit big-endian words, an odd last byte counting as
    /// the upper half of a word.
    static func checksum(of data: [UInt8]) -> UInt32 {
        var first: UInt32 = 0
        var second: UInt32 = 0
        var position = 0
        var words = data.count / 2
        while words > 0 {
            // 360 is the longest run for which the second sum fits in 32 bits.
            let run = min(words, 360)
            words -= run
            for _ in 0..<run {
                first &+= UInt32(data[position]) << 8 | UInt32(data[position + 1])
                second &+= first
                position += 2
            }
            first = (first & 0xFFFF) + (first >> 16)
            second = (second & 0xFFFF) + (second >> 16)
        }
        if data.count % 2 == 1 {
            first &+= UInt32(data[position]) << 8
            second &+= first
            first = (first & 0xFFFF) + (first >> 16)
            second = (second & 0xFFFF) + (second >> 16)
        }
        first = (first & 0xFFFF) + (first >> 16)
        second = (second & 0xFFFF) + (second >> 16)
        return second << 16 | first
    }
}

/// HDF5's shuffle filter: all first bytes of the elements, then all second bytes, and so on.
enum Shuffle {
    /// The elements put together again; bytes that don't fill an element stay at the end.
    static func undone(_ data: [UInt8], elementBytes: Int) -> [UInt8] {
        guard elementBytes > 1, data.count >= elementBytes else { return data }
        let elements = data.count / elementBytes
        var result = data
        for byte in 0..<elementBytes {
            let from = byte * elements
            var to = byte
            for element in 0..<elements {
                result[to] = data[from + element]
                to += elementBytes
            }
        }
        return result
    }
}
