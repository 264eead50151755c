internal import ZooLayerGraphs
internal import ZooTensors

/// For one axis of a resize: which input samples each output sample is made of, with fixed-point weights.
///
/// Source: Pillow's `Resample.c` (`precompute_coeffs`, `normalize_coeffs_8bpc`), bit for bit.
struct ResamplingTaps {
    /// Number of output samples.
    let outputCount: Int
    /// First input sample of each output sample.
    let starts: [Int]
    /// Number of input samples of each output sample.
    let counts: [Int]
    /// Distance between two output samples' weights.
    let stride: Int
    /// Weights in units of 2⁻²², `[outputCount, stride]`.
    let allWeights: [Int32]

    /// One half in fixed point: what rounds the sum.
    static let half: Int32 = 1 << 21

    /// A sum as a sample.
    @inline(__always)
    static func clamped(_ sum: Int32) -> UInt8 { UInt8(truncatingIfNeeded: max(0, min(255, sum >> 22))) }

    /// The weights of one output sample.
    func weights(of output: Int) -> ArraySlice<Int32> {
        allWeights[(output * stride)..<(output * stride + counts[output])]
    }

    /// - Parameters:
    ///   - input: number of input samples, at least 1.
    ///   - output: number of output samples, at least 1.
    init(from input: Int, to output: Int, interpolation: Preprocessing.Interpolation) throws(ZooError) {
        let radius = interpolation == .bilinear ? 1.0 : 2.0
        let scale = Double(input) / Double(output)
        let filterScale = max(scale, 1)
        let support = radius * filterScale
        let stride = try ResamplingTaps.integer(support.rounded(.up)) * 2 + 1
        let total = try Checked.product(stride, output)
        guard total <= 1 << 28 else {
            throw ZooError(.limitExceeded, "resizing \(input) to \(output) pixels needs too much memory")
        }
        var starts: [Int] = []
        var counts: [Int] = []
        var weights = [Int32](repeating: 0, count: total)
        for position in 0..<output {
            let centre = (Double(position) + 0.5) * scale
            let first = max(try ResamplingTaps.integer(centre - support + 0.5), 0)
            let last = min(try ResamplingTaps.integer(centre + support + 0.5), input)
            let shares = (first..<max(first, last)).map { sample in
                let distance = (Double(sample) - centre + 0.5) * (1 / filterScale)
                return interpolation == .bilinear
                    ? ResamplingTaps.linear(distance) : ResamplingTaps.cubic(distance)
            }
            let sum = shares.reduce(0, +)
            starts.append(first)
            counts.append(shares.count)
            for (tap, share) in shares.enumerated() {
                let scaled = (sum == 0 ? share : share / sum) * 4_194_304
                weights[position * stride + tap] = Int32(
                    clamping: try ResamplingTaps.integer(scaled < 0 ? scaled - 0.5 : scaled + 0.5))
            }
        }
        self.outputCount = output
        self.starts = starts
        self.counts = counts
        self.stride = stride
        self.allWeights = weights
    }

    private static func linear(_ x: Double) -> Double { abs(x) < 1 ? 1 - abs(x) : 0 }

    private static func cubic(_ signed: Double) -> Double {
        let a = -0.5
        let x = abs(signed)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }

    private static func integer(_ value: Double) throws(ZooError) -> Int {
        guard let exact = Int(exactly: value.rounded(.towardZero)) else {
            throw ZooError(.invalidArgument, "a size to resize to is too large")
        }
        return exact
    }
}
