public import ZooTensors

/// What turns a picture into the numbers that a network was trained on, as a description: `Images` carries it
/// out. Steps happen in the order of the properties.
public struct Preprocessing: Sendable, Hashable {
    /// How samples between pixels are found.
    public enum Interpolation: String, Sendable, Hashable {
        /// Linear between neighbours, with antialiasing as Pillow does it.
        case bilinear
        /// Cubic (a = −0.5), with antialiasing as Pillow does it.
        case bicubic
    }

    /// Which colours the channels are, in order.
    public enum Channels: String, Sendable, Hashable {
        /// One channel of luminance.
        case grey
        /// Red, green, blue.
        case rgb
        /// Blue, green, red.
        case bgr
    }

    /// Channels and their order.
    public var channels: Channels
    /// Size that the picture is resized to, `nil` to leave it.
    public var resize: Extent?
    /// How it is resized.
    public var interpolation: Interpolation
    /// Pixels of value 0 added on each side after resizing.
    public var padding: Padding
    /// What pixel values 0…255 are multiplied with.
    public var scale: Double
    /// Subtracted per channel after scaling.
    public var mean: [Double]
    /// Divided by per channel after that.
    public var standardDeviation: [Double]
    /// Whether the numbers are known from the source, or only assumed.
    public var isAssumed: Bool

    /// A description; the defaults scale pixels to 0…1 and do nothing else.
    public init(
        channels: Channels, resize: Extent? = nil, interpolation: Interpolation = .bilinear,
        padding: Padding = .none, scale: Double = 1 / 255.0, mean: [Double] = [],
        standardDeviation: [Double] = [],
        isAssumed: Bool = false
    ) {
        self.channels = channels
        self.resize = resize
        self.interpolation = interpolation
        self.padding = padding
        self.scale = scale
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.isAssumed = isAssumed
    }

    /// The description as JSON.
    public var json: JSONValue {
        [
            "channels": .string(channels.rawValue),
            "resize": resize.map { [.integer($0.height), .integer($0.width)] } ?? .null,
            "interpolation": .string(interpolation.rawValue),
            "padding": [
                .integer(padding.top), .integer(padding.left), .integer(padding.bottom),
                .integer(padding.right),
            ],
            "scale": .number(scale), "mean": .array(mean.map { .number($0) }),
            "standard_deviation": .array(standardDeviation.map { .number($0) }), "assumed": .bool(isAssumed),
        ]
    }

    /// Reads the description back.
    public init(json: JSONValue) throws(ZooError) {
        func invalid(_ member: String) -> ZooError {
            ZooError(.corrupt, "the preprocessing has no valid member \"\(member)\"")
        }
        func numbers(_ member: String) throws(ZooError) -> [Double] {
            guard let values = json[member]?.arrayValue?.compactMap(\.doubleValue) else {
                throw invalid(member)
            }
            return values
        }
        guard let channels = json["channels"]?.stringValue.flatMap(Channels.init) else {
            throw invalid("channels")
        }
        guard let interpolation = json["interpolation"]?.stringValue.flatMap(Interpolation.init) else {
            throw invalid("interpolation")
        }
        let sides = json["padding"]?.intArrayValue ?? []
        guard sides.count == 4 else { throw invalid("padding") }
        var resize: Extent?
        if let size = json["resize"], size != .null {
            guard let pair = size.intArrayValue, pair.count == 2 else { throw invalid("resize") }
            resize = Extent(pair[0], pair[1])
        }
        guard let scale = json["scale"]?.doubleValue else { throw invalid("scale") }
        self.init(
            channels: channels, resize: resize, interpolation: interpolation,
            padding: Padding(top: sides[0], left: sides[1], bottom: sides[2], right: sides[3]), scale: scale,
            mean: try numbers("mean"), standardDeviation: try numbers("standard_deviation"),
            isAssumed: json["assumed"]?.boolValue ?? false)
    }
}
