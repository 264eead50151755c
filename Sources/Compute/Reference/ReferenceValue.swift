import ZooTensors

/// A tensor as the reference computes it: canonical order, double precision.
struct ReferenceValue {
    var shape: TensorShape
    var elements: [Double]

    init(_ shape: TensorShape, _ elements: [Double]) {
        self.shape = shape
        self.elements = elements
    }

    init(zeros shape: TensorShape) {
        self.init(shape, [Double](repeating: 0, count: shape.elementCount))
    }

    init(_ tensor: Tensor) throws(ZooError) { self.init(tensor.shape, try tensor.doubles()) }

    func tensor(_ precision: ElementType) throws(ZooError) -> Tensor {
        try Tensor(elements, shape: shape).converted(to: precision)
    }

    /// Element by element.
    func map(_ transform: (Double) -> Double) -> ReferenceValue {
        ReferenceValue(shape, elements.map(transform))
    }

    /// Element by element with another value of the same shape.
    func zipped(with other: ReferenceValue, _ transform: (Double, Double) -> Double) -> ReferenceValue {
        ReferenceValue(shape, zip(elements, other.elements).map { transform($0, $1) })
    }

    /// Adds another value of the same shape.
    mutating func add(_ other: ReferenceValue) {
        for position in elements.indices { elements[position] += other.elements[position] }
    }

    /// The gradient of this bias, one number for each channel.
    func gradient(_ flow: ReferenceValue) -> ReferenceValue {
        ReferenceValue(shape, ChannelPlanes(flow.shape).sums { position, _ in flow.elements[position] })
    }
}

/// A value as layers see it that treat each channel, axis 1, in its own way.
struct ChannelPlanes {
    let samples: Int
    let channels: Int
    /// Elements of one channel of one sample; they lie one behind the other.
    let places: Int

    init(_ shape: TensorShape) {
        self.samples = shape[0]
        self.channels = shape[1]
        self.places = shape.dimensions.dropFirst(2).reduce(1, *)
    }

    /// Where the elements of a channel of a sample lie.
    func range(_ sample: Int, _ channel: Int) -> Range<Int> {
        let start = (sample * channels + channel) * places
        return start..<(start + places)
    }

    /// A value, computed from each element and its channel's number.
    func map(_ value: ReferenceValue, _ transform: (Double, Int) -> Double) -> ReferenceValue {
        var elements = value.elements
        for sample in 0..<samples {
            for channel in 0..<channels {
                for position in range(sample, channel) {
                    elements[position] = transform(elements[position], channel)
                }
            }
        }
        return ReferenceValue(value.shape, elements)
    }

    /// A number for each channel: the sum over all its elements' indices.
    func sums(_ term: (_ position: Int, _ channel: Int) -> Double) -> [Double] {
        (0..<channels).map { channel in
            var sum = 0.0
            for sample in 0..<samples {
                for position in range(sample, channel) { sum += term(position, channel) }
            }
            return sum
        }
    }
}
