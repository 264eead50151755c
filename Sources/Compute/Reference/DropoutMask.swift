import ZooTensors

/// The random mask of a dropout layer. Which element is dropped is a function of the run's seed, the layer's
/// path, the step, the sample's number and the element's place in canonical order, and of nothing else.
///
/// The three forms of dropout share the stream's name, `dropout/<path>`, and differ in what has a number of its own in
/// the stream: each element for dropout, at `sample·elements + element`; each channel for spatial dropout, at
/// `sample·channels + channel`; each sample for stochastic depth, at `sample`. Samples are counted from the step's first.
package struct DropoutMask: Sendable {
    /// The numbers that decide.
    package let stream: RandomStream
    /// Of 2²⁴ values that the stream's upper bits take, the lowest `threshold` drop the element.
    package let threshold: UInt32
    /// What kept elements are multiplied with: 1/(1−p).
    package let scale: Double
    private let firstSample: UInt64

    /// The mask of the layer at `path`.
    package init(path: String, probability: Double, moment: TrainingMoment) {
        self.stream = RandomStream(seed: moment.seed, name: "dropout/\(path)", step: moment.step)
        self.firstSample = moment.firstSample
        self.threshold = DropoutMask.threshold(probability)
        self.scale = DropoutMask.scale(probability)
    }

    /// An element is dropped when its uniform number, a multiple of 2⁻²⁴, is below p.
    package static func threshold(_ probability: Double) -> UInt32 {
        UInt32((min(max(probability, 0), 1) * 0x1p24).rounded(.up))
    }

    /// 1/(1−p); nothing is kept at p = 1, and the scale is 0.
    package static func scale(_ probability: Double) -> Double {
        probability < 1 ? 1 / (1 - probability) : 0
    }

    /// Index in the stream of a sample's first element.
    package func start(sample: Int, elementsPerSample: Int) -> UInt64 {
        (firstSample &+ UInt64(sample)) &* UInt64(elementsPerSample)
    }

    /// What each element of a batch is multiplied with, in canonical order; or each channel, or each sample, with as
    /// many `elementsPerSample`.
    package func factors(batch: Int, elementsPerSample: Int) -> [Double] {
        var factors: [Double] = []
        factors.reserveCapacity(batch * elementsPerSample)
        for sample in 0..<batch {
            let start = start(sample: sample, elementsPerSample: elementsPerSample)
            for position in 0..<elementsPerSample {
                let bits = stream.bits(at: start &+ UInt64(position)) >> 8
                factors.append(bits < threshold ? 0 : scale)
            }
        }
        return factors
    }
}
