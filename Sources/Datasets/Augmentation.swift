public import ZooImages
internal import ZooLayerGraphs
public import ZooTensors

/// A random change of a training picture. It is applied after resizing and padding, before pixels become
/// numbers, and must keep the picture's size.
public protocol Augmentation: Sendable {
    /// The change and its numbers, for run records.
    var json: JSONValue { get }
    /// Changes a picture, as a function of the picture and the random numbers alone.
    func apply(to picture: Picture, random: SampleRandom) throws(ZooError) -> Picture
}

/// The random numbers of one augmentation of one sample in one epoch: a pure function of seed, epoch, sample
/// number and the augmentation's place, so threads, batch sizes and resuming don't matter.
public struct SampleRandom: Sendable, Hashable {
    private let stream: RandomStream
    private let base: UInt64

    /// - Parameters:
    ///   - sample: the sample's number in its data set.
    ///   - place: which augmentation of the list it is, 0 to 255; each has 256 draws of its own.
    public init(seed: UInt64, epoch: Int, sample: Int, place: Int) {
        self.stream = RandomStream(seed: seed, name: "augment", step: UInt64(truncatingIfNeeded: epoch))
        self.base =
            UInt64(truncatingIfNeeded: sample) << 16 | UInt64(truncatingIfNeeded: place & 0xFF) << 8
    }

    /// A uniform number in [0, 1).
    /// - Parameter draw: which of the 256.
    public func uniform(_ draw: UInt8) -> Float { stream.uniform(at: base | UInt64(draw)) }

    /// A uniform whole number in `0..<bound`; 0 for a bound below 1.
    public func integer(below bound: Int, _ draw: UInt8) -> Int {
        guard let width = UInt32(exactly: bound), width > 0 else { return 0 }
        return Int(stream.bits(at: base | UInt64(draw)).multipliedFullWidth(by: width).high)
    }
}

/// Pads with zeros and cuts a part of the original size at a random place, as torchvision's
/// `RandomCrop(size, padding)`.
public struct RandomCrop: Augmentation {
    /// Pixels added on each side before cutting.
    public let padding: Int

    /// - Throws: ``ZooError`` for a padding that isn't between 0 and 4096.
    public init(padding: Int) throws(ZooError) {
        guard (0...4096).contains(padding) else {
            throw ZooError(
                .invalidArgument, "the random crop's padding is out of range", expected: "0 to 4096",
                found: "\(padding)")
        }
        self.padding = padding
    }

    /// `{"name": "random_crop", "padding": …}`.
    public var json: JSONValue { ["name": "random_crop", "padding": .integer(padding)] }

    /// Draw 0 chooses the row, draw 1 the column.
    public func apply(to picture: Picture, random: SampleRandom) throws(ZooError) -> Picture {
        let places = 2 * padding + 1
        return try picture.padded(Padding(padding)).cropped(
            top: random.integer(below: places, 0), left: random.integer(below: places, 1),
            size: Extent(picture.height, picture.width))
    }
}

/// Exchanges left and right with some probability, as torchvision's `RandomHorizontalFlip`.
public struct RandomHorizontalFlip: Augmentation {
    /// How often, 0 to 1.
    public let probability: Float

    /// Flips with the given probability.
    public init(probability: Float = 0.5) { self.probability = probability }

    /// `{"name": "random_horizontal_flip", "probability": …}`.
    public var json: JSONValue {
        ["name": "random_horizontal_flip", "probability": .number(Double(probability))]
    }

    /// Draw 0 decides.
    public func apply(to picture: Picture, random: SampleRandom) throws(ZooError) -> Picture {
        random.uniform(0) < probability ? picture.flippedHorizontally() : picture
    }
}
