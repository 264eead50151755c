/// Damaged HDF5 files: numbers and addresses in headers, B-trees, heaps and messages. Where the format has checksums
/// they are put right again, so that the library looks further.
struct HDF5Mutator: Mutator {
    private let bytes: [UInt8]
    /// Starts of structures, and how far the damage reaches.
    private let blocks: [Range<Int>]
    /// Places of eight bytes that hold an address or a length within the file.
    private let addresses: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var blocks: [Range<Int>] = []
        for signature in HDF5Mutator.signatures {
            for place in bytes.indices.dropLast(8) where bytes[place...].starts(with: signature) {
                blocks.append(place..<min(bytes.count, place + 256))
            }
        }
        // Object headers of version 1 have no signature: a version, a zero and a small number of messages.
        for place in stride(from: 0, to: max(bytes.count - 16, 0), by: 8)
        where bytes[place] == 1 && bytes[place + 1] == 0 && (1..<40).contains(bytes[place + 2])
            && bytes[place + 3] == 0
        {
            blocks.append(place..<min(bytes.count, place + 320))
        }
        self.blocks = blocks.isEmpty ? [0..<bytes.count] : blocks
        addresses = blocks.flatMap { $0 }.filter { place in
            let value = bytes.number(at: place, width: 8)
            return place.isMultiple(of: 4) && (8..<UInt64(bytes.count)).contains(value)
        }
    }

    private static let signatures: [[UInt8]] = [
        [0x89, 0x48, 0x44, 0x46], Array("TREE".utf8), Array("SNOD".utf8), Array("HEAP".utf8),
        Array("GCOL".utf8),
        Array("OHDR".utf8), Array("OCHK".utf8), Array("FRHP".utf8), Array("FHDB".utf8), Array("FHIB".utf8),
        Array("BTHD".utf8), Array("BTLF".utf8), Array("BTIN".utf8), Array("FADB".utf8), Array("EAHD".utf8),
        Array("EASB".utf8), Array("FSHD".utf8), Array("SMTB".utf8),
    ]

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var result = bytes
        for _ in 0..<random.few() { change(&result, &random) }
        for block in blocks where !random.once(in: 8) {
            HDF5Checksum.correct(&result, at: block.lowerBound)
        }
        return result
    }

    private func change(_ result: inout [UInt8], _ random: inout FuzzRandom) {
        let block = random.pick(blocks)
        let place = block.lowerBound + random.below(block.count)
        // An earlier change may have cut the file.
        guard place < result.count else { return }
        switch random.below(10) {
        case 0,
            1 where !addresses.isEmpty:
            // An address becomes another of the file: links in circles, messages in the wrong place.
            result.put(
                bytes.number(at: random.pick(addresses), width: 8), at: random.pick(addresses), width: 8)
        case 2 where !addresses.isEmpty:
            let address = random.pick(addresses)
            result.put(random.number(near: bytes.number(at: address, width: 8)), at: address, width: 8)
        case 3: result[place] ^= 1 << UInt8(random.below(8))
        case 4:
            // Types of messages, classes of types, kinds of links: small numbers.
            result[place] = UInt8(random.below(24))
        case 5: result.put(random.number(near: result.number(at: place, width: 2)), at: place, width: 2)
        case 6: result.put(random.number(near: result.number(at: place, width: 4)), at: place, width: 4)
        case 7:
            let other = random.pick(blocks)
            for index in 0..<min(8 + random.below(64), other.count, result.count - place) {
                result[place + index] = bytes[other.lowerBound + index]
            }
        case 8 where random.once(in: 6): result.removeLast(random.below(result.count / 2))
        default:
            // Something other than zero.
            let used = (block.lowerBound..<min(block.upperBound, result.count)).filter { result[$0] != 0 }
            if let place = used.isEmpty ? nil : random.pick(used) {
                result[place] = UInt8(truncatingIfNeeded: random.number(near: UInt64(result[place])))
            }
        }
    }
}

/// The checksum of HDF5's newer structures: Bob Jenkins' lookup3.
enum HDF5Checksum {
    /// Puts the checksum right of a superblock or an object header that begins at a place; else does nothing.
    static func correct(_ bytes: inout [UInt8], at place: Int) {
        guard let end = end(bytes, place), end + 4 <= bytes.count else { return }
        bytes.put(UInt64(lookup3(bytes[place..<end])), at: end, width: 4)
    }

    /// Where the checksum stands.
    private static func end(_ bytes: [UInt8], _ place: Int) -> Int? {
        guard place + 48 <= bytes.count else { return nil }
        if bytes[place...].starts(with: [0x89, 0x48, 0x44, 0x46]) {
            return bytes[place + 8] >= 2 ? place + 44 : nil
        }
        guard bytes[place...].starts(with: Array("OHDR".utf8)) else { return nil }
        let flags = bytes[place + 5]
        var position = place + 6
        if flags & 0x20 != 0 { position += 16 }
        if flags & 0x10 != 0 { position += 4 }
        let width = 1 << Int(flags & 3)
        let size = bytes.number(at: position, width: width)
        guard size < UInt64(bytes.count) else { return nil }
        return position + width + Int(size)
    }

    private static func lookup3(_ key: ArraySlice<UInt8>) -> UInt32 {
        func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }
        var (a, b, c): (UInt32, UInt32, UInt32)
        a = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: key.count)
        (b, c) = (a, a)
        var rest = Array(key)[...]
        func word(_ place: Int) -> UInt32 {
            (0..<4).reduce(0) { sum, index in
                let at = rest.startIndex + place + index
                return at < rest.endIndex ? sum | UInt32(rest[at]) << UInt32(8 * index) : sum
            }
        }
        while rest.count > 12 {
            a &+= word(0)
            b &+= word(4)
            c &+= word(8)
            a = (a &- c) ^ rotated(c, 4)
            c &+= b
            b = (b &- a) ^ rotated(a, 6)
            a &+= c
            c = (c &- b) ^ rotated(b, 8)
            b &+= a
            a = (a &- c) ^ rotated(c, 16)
            c &+= b
            b = (b &- a) ^ rotated(a, 19)
            a &+= c
            c = (c &- b) ^ rotated(b, 4)
            b &+= a
            rest = rest.dropFirst(12)
        }
        guard !rest.isEmpty else { return c }
        a &+= word(0)
        b &+= word(4)
        c &+= word(8)
        c = (c ^ b) &- rotated(b, 14)
        a = (a ^ c) &- rotated(c, 11)
        b = (b ^ a) &- rotated(a, 25)
        c = (c ^ b) &- rotated(b, 16)
        a = (a ^ c) &- rotated(c, 4)
        b = (b ^ a) &- rotated(a, 14)
        return (c ^ b) &- rotated(b, 24)
    }
}

/// Damaged tables of the HDF5 indexer: its numbers, lengths and kinds of records.
struct TableMutator: Mutator {
    private let prefix: [UInt8]
    private let bytes: [UInt8]
    /// Places of eight bytes that hold a number that isn't large.
    private let numbers: [Int]
    /// Places of the letters that begin records.
    private let records: [Int]

    /// - Parameter prefix: what stands before the table and stays.
    init(_ bytes: [UInt8], prefix: [UInt8]) {
        self.bytes = bytes
        self.prefix = prefix
        numbers = bytes.indices.dropLast(7).filter { bytes.number(at: $0, width: 8) < 1 << 32 }
        records = bytes.indices.filter { Array("GTDALXE".utf8).contains(bytes[$0]) }
    }

    func mutated(_ random: inout FuzzRandom) -> [UInt8] {
        var result = bytes
        for _ in 0..<random.few() {
            switch random.below(10) {
            case 0 where !records.isEmpty:
                let place = random.pick(records)
                if place < result.count { result[place] = random.pick(Array("GTDALXE".utf8)) }
            case 1: result.damage(&random)
            case 2 where !records.isEmpty:
                // Records that stand twice, or are missing.
                let start = random.pick(records)
                let end = min(result.count, start + random.below(200))
                guard start < end else { continue }
                if random.once(in: 2) {
                    result.removeSubrange(start..<end)
                } else {
                    result.insert(contentsOf: result[start..<end], at: start)
                }
            default:
                guard !numbers.isEmpty else { continue }
                let place = random.pick(numbers)
                let old = result.number(at: place, width: 8)
                let other = result.number(at: random.pick(numbers), width: 8)
                result.put(random.once(in: 4) ? other : random.number(near: old), at: place, width: 8)
            }
        }
        return prefix + result
    }
}
