/// Random numbers as a pure function of (seed, stream name, step, index): the same everywhere, in any order, on
/// any number of threads. The generator is Philox 4×32 with ten rounds.
///
/// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
public struct RandomStream: Sendable, Hashable {
    private let key: (UInt32, UInt32)
    /// The step or epoch, the upper half of the counter.
    public let step: UInt64

    /// A stream with a name such as `init/fc3`, `shuffle` or `dropout/classifier.2`.
    public init(seed: UInt64, name: String, step: UInt64 = 0) {
        // FNV-1a over the seed and the name, then an avalanche, so that near seeds give unrelated keys.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        for shift in stride(from: 0, to: 64, by: 8) { mix(UInt8(truncatingIfNeeded: seed >> UInt64(shift))) }
        for byte in name.utf8 { mix(byte) }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 31
        self.key = (UInt32(truncatingIfNeeded: hash), UInt32(truncatingIfNeeded: hash >> 32))
        self.step = step
    }

    /// Two streams are equal when they give the same numbers.
    public static func == (left: RandomStream, right: RandomStream) -> Bool {
        left.key == right.key && left.step == right.step
    }

    /// Hashes key and step.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(key.0)
        hasher.combine(key.1)
        hasher.combine(step)
    }

    /// The generator's key, for kernels that run it themselves.
    package var philoxKey: (UInt32, UInt32) { key }

    /// 32 random bits.
    public func bits(at index: UInt64) -> UInt32 {
        let words = words(block: index / 4)
        switch index % 4 {
        case 0: return words.0
        case 1: return words.1
        case 2: return words.2
        default: return words.3
        }
    }

    /// The generator's four words for indices 4·block to 4·block + 3.
    private func words(block: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        RandomStream.philox(
            counter: (
                UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
                UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: step >> 32)
            ), key: key)
    }

    /// A uniform number in [0, 1), with 24 random bits: every value is exact in a `Float`.
    public func uniform(at index: UInt64) -> Float { Float(bits(at: index) >> 8) * 0x1p-24 }

    /// A number from the standard normal distribution, by Box and Muller's transform.
    public func normal(at index: UInt64) -> Double {
        RandomStream.normal(bits(at: index &* 2), bits(at: index &* 2 &+ 1))
    }

    private static func normal(_ first: UInt32, _ second: UInt32) -> Double {
        let radius = (Double(first) + 1) * 0x1p-32
        let angle = Double(second) * 0x1p-32
        return squareRoot(-2 * naturalLogarithm(radius)) * cosine(2 * Double.pi * angle)
    }

    /// What ``uniform(at:)`` gives for the indices from 0 on; the generator runs once for four of them.
    public func uniforms(count: Int) -> [Float] {
        var result = [Float](repeating: 0, count: max(count, 0))
        for first in stride(from: 0, to: result.count, by: 4) {
            let words = words(block: UInt64(first / 4))
            result[first] = Float(words.0 >> 8) * 0x1p-24
            if first + 1 < result.count { result[first + 1] = Float(words.1 >> 8) * 0x1p-24 }
            if first + 2 < result.count { result[first + 2] = Float(words.2 >> 8) * 0x1p-24 }
            if first + 3 < result.count { result[first + 3] = Float(words.3 >> 8) * 0x1p-24 }
        }
        return result
    }

    /// What ``normal(at:)`` gives for the indices from 0 on, times a standard deviation; the generator runs once for
    /// two of them.
    public func normals(count: Int, standardDeviation: Double = 1) -> [Float] {
        var result = [Float](repeating: 0, count: max(count, 0))
        for first in stride(from: 0, to: result.count, by: 2) {
            let words = words(block: UInt64(first / 2))
            result[first] = Float(RandomStream.normal(words.0, words.1) * standardDeviation)
            if first + 1 < result.count {
                result[first + 1] = Float(RandomStream.normal(words.2, words.3) * standardDeviation)
            }
        }
        return result
    }

    /// A random order of `0..<count` (Fisher–Yates).
    public func permutation(count: Int) -> [Int] {
        var order = Array(0..<max(count, 0))
        for last in stride(from: order.count - 1, to: 0, by: -1) {
            // Multiply-shift on 64 bits: the bias is below 2⁻³² for any data set's size.
            let draw = (UInt64(bits(at: UInt64(last) &* 2)) << 32) | UInt64(bits(at: UInt64(last) &* 2 &+ 1))
            let pick = Int(draw.multipliedFullWidth(by: UInt64(last + 1)).high)
            order.swapAt(last, pick)
        }
        return order
    }

    /// The generator itself.
    package static func philox(
        counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
    ) -> (UInt32, UInt32, UInt32, UInt32) {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let first = counter.0.multipliedFullWidth(by: 0xD251_1F53)
            let second = counter.2.multipliedFullWidth(by: 0xCD9E_8D57)
            counter = (
                second.high ^ counter.1 ^ key.0, second.low, first.high ^ counter.3 ^ key.1, first.low
            )
            key = (key.0 &+ 0x9E37_79B9, key.1 &+ 0xBB67_AE85)
        }
        return counter
    }
}
