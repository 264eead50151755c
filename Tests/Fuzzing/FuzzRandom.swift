/// A small generator (SplitMix64), so that seed and number give the same input everywhere.
package struct FuzzRandom {
    private var state: UInt64

    /// The generator of one variant.
    package init(seed: UInt64, number: Int = 0) {
        state = seed
        let first = next()
        state = first ^ UInt64(truncatingIfNeeded: number) &* 0xD134_2543_DE82_EF95
    }

    /// 64 random bits.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// A number from 0 to below `bound`.
    package mutating func below(_ bound: Int) -> Int {
        bound <= 1 ? 0 : Int(next() % UInt64(bound))
    }

    /// True once in `count` times.
    package mutating func once(in count: Int) -> Bool { below(count) == 0 }

    /// One of the elements; there has to be one.
    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

    /// How many changes a variant gets: mostly one, so that it still gets past the first checks.
    package mutating func few() -> Int { once(in: 2) ? 1 : 1 + below(4) }

    /// A number that breaks arithmetic, or one near `old`.
    package mutating func number(near old: UInt64 = 0) -> UInt64 {
        switch below(8) {
        case 0: old &+ 1
        case 1: old &- 1
        case 2: old &* 2
        case 3: old ^ (1 << UInt64(below(64)))
        case 4: next() >> UInt64(below(64))
        default:
            pick([
                0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 1 << 20, 1 << 30,
                0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 1 << 32, 1 << 40, 1 << 61, 1 << 62,
                UInt64(Int64.max), 1 << 63, .max, .max - 1,
            ])
        }
    }
}

extension [UInt8] {
    /// The little-endian number at a place, as far as there are bytes.
    package func number(at place: Int, width: Int) -> UInt64 {
        (0..<width).reduce(0) { sum, index in
            place + index < count ? sum | UInt64(self[place + index]) << UInt64(8 * index) : sum
        }
    }

    /// Writes a little-endian number over what is there.
    package mutating func put(_ value: UInt64, at place: Int, width: Int) {
        for index in 0..<width where place + index < count && place >= 0 {
            self[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    /// A little-endian number as bytes.
    package init(_ value: UInt64, width: Int) {
        self = (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }

    /// Damage without regard to structure: bits, bytes, missing and repeated runs.
    package mutating func damage(_ random: inout FuzzRandom) {
        guard !isEmpty else { return }
        let place = random.below(count)
        switch random.below(6) {
        case 0: removeLast(count - place)
        case 1: self[place] ^= 1 << UInt8(random.below(8))
        case 2: self[place] = UInt8(truncatingIfNeeded: random.next())
        case 3:
            put(
                random.number(near: number(at: place, width: 8)), at: place, width: random.pick([1, 2, 4, 8]))
        case 4: removeSubrange(place..<Swift.min(count, place + 1 + random.below(16)))
        default: insert(contentsOf: self[place..<Swift.min(count, place + 1 + random.below(64))], at: place)
        }
    }

    /// Numbers at known places changed: to values that break arithmetic, or to another field's.
    package mutating func change(_ fields: [(place: Int, width: Int)], _ random: inout FuzzRandom) {
        guard !fields.isEmpty else { return damage(&random) }
        for _ in 0..<random.few() {
            let field = random.pick(fields)
            let old = number(at: field.place, width: field.width)
            let other = random.pick(fields)
            let value =
                random.once(in: 4) ? number(at: other.place, width: other.width) : random.number(near: old)
            put(value, at: field.place, width: field.width)
        }
    }
}
