package import ZooTensors

/// Damaged variants of a file, the same ones in every run: cut short, with changed, repeated or missing bytes,
/// and with numbers set to values that break arithmetic.
package struct Mutations {
    private let original: [UInt8]
    private let focus: Range<Int>
    private var state: UInt64

    /// - Parameter focus: where most changes fall; headers, where the tensors would swallow them.
    package init(of bytes: [UInt8], seed: UInt64 = 1, focus: Range<Int>? = nil) {
        self.original = bytes
        self.focus = (focus ?? 0..<bytes.count).clamped(to: 0..<bytes.count)
        self.state = seed
    }

    /// How many variants gave a result, and how many an error.
    package struct Tally: CustomStringConvertible {
        package var results = 0
        package var errors = 0
        /// How often each kind of error was thrown.
        package var codes: [ZooError.Code: Int] = [:]

        /// A tally of nothing.
        package init() {}

        /// Adds what another run gave.
        package mutating func add(_ other: Tally) {
            results += other.results
            errors += other.errors
            codes.merge(other.codes, uniquingKeysWith: +)
        }

        package var description: String {
            let kinds = codes.sorted { $0.value > $1.value }.map { "\($0.key.rawValue) \($0.value)" }
            return "\(results) results, \(errors) errors (\(kinds.joined(separator: ", ")))"
        }
    }

    /// Runs `body` on `count` variants. It may return or throw a ``ZooError``; anything else ends the process.
    package mutating func run(_ count: Int, _ body: ([UInt8]) throws(ZooError) -> Void) -> Tally {
        var tally = Tally()
        for _ in 0..<count {
            do throws(ZooError) {
                try body(next())
                tally.results += 1
            } catch {
                tally.errors += 1
                tally.codes[error.code, default: 0] += 1
            }
        }
        return tally
    }

    /// The next variant.
    package mutating func next() -> [UInt8] {
        var bytes = original
        for _ in 0...below(3) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let inFocus = below(8) > 0 && !focus.isEmpty
        let place = min(inFocus ? focus.lowerBound + below(focus.count) : below(bytes.count), bytes.count - 1)
        switch below(8) {
        case 0: bytes.removeLast(bytes.count - place)
        case 1: bytes[place] ^= 1 << UInt8(below(8))
        case 2: bytes[place] = UInt8(truncatingIfNeeded: random())
        case 3, 4:
            let special: [UInt64] = [
                0, 1, 0x7F, 0x80, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, .max, 1 << 62, 1 << 63,
                random(),
            ]
            let value = special[below(special.count)]
            let width = [1, 2, 4, 8][below(4)]
            for index in 0..<width where place + index < bytes.count {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
            }
        case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(16)))
        case 6: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 1 + below(64))], at: place)
        default:
            let other = below(bytes.count)
            for index in 0..<min(8, bytes.count - max(place, other)) {
                bytes[place + index] = bytes[other + index]
            }
        }
    }

    private mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(random() % UInt64(bound)) }

    /// SplitMix64.
    private mutating func random() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
