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
    /// Length that the shorter side is resized to instead, the longer one in proportion; `nil` to leave it.
    public var shorterSide: Int?
    /// Size that is cut out of the middle after resizing, `nil` to keep all.
    public var crop: Extent?
    /// How it is resized.
    public var interpolation: Interpolation
    /// Pixels of value 0 added on each side after resizing and cropping.
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
        channels: Channels, resize: Extent? = nil, shorterSide: Int? = nil, crop: Extent? = nil,
        interpolation: Interpolation = .bilinear,
        padding: Padding = .none, scale: Double = 1 / 255.0, mean: [Double] = [],
        standardDeviation: [Double] = [],
        isAssumed: Bool = false
    ) {
        self.channels = channels
        self.resize = resize
        self.shorterSide = shorterSide
        self.crop = crop
        self.interpolation = interpolation
        self.padding = padding
        self.scale = scale
        self.mean = mean
        self.standardDeviation = standardDeviation
        self.isAssumed = isAssumed
    }

    /// The description as JSON.
    public var json: JSONValue {
        func pair(_ size: Extent) -> JSONValue { [.integer(size.height), .integer(size.width)] }
        var members: JSONObject = [
            "channels": .string(channels.rawValue), "resize": resize.map(pair) ?? .null,
            "interpolation": .string(interpolation.rawValue),
            "padding": [
                .integer(padding.top), .integer(padding.left), .integer(padding.bottom),
                .integer(padding.right),
            ],
            "scale": .number(scale), "mean": .array(mean.map { .number($0) }),
            "standard_deviation": .array(standardDeviation.map { .number($0) }), "assumed": .bool(isAssumed),
        ]
        if let shorterSide { members["shorter_side"] = .integer(shorterSide) }
        if let crop { members["crop"] = pair(crop) }
        return .object(members)
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
        func extent(_ member: String) throws(ZooError) -> Extent? {
            guard let size = json[member], size != .null else { return nil }
            guard let pair = size.intArrayValue, pair.count == 2 else { throw invalid(member) }
            return Extent(pair[0], pair[1])
        }
        var shorterSide: Int?
        if let side = json["shorter_side"], side != .null {
            guard let value = side.intValue else { throw invalid("shorter_side") }
            shorterSide = value
        }
        guard let scale = json["scale"]?.doubleValue else { throw invalid("scale") }
        self.init(
            channels: channels, resize: try extent("resize"), shorterSide: shorterSide,
            crop: try extent("crop"), interpolation: interpolation,
            padding: Padding(top: sides[0], left: sides[1], bottom: sides[2], right: sides[3]), scale: scale,
            mean: try numbers("mean"), standardDeviation: try numbers("standard_deviation"),
            isAssumed: json["assumed"]?.boolValue ?? false)
    }
}
