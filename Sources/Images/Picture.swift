public import ZooTensors

/// A picture in memory: 8 bits per channel, rows from the top, `[H, W, C]`.
public struct Picture: Sendable, Hashable {
    /// Columns.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 for grey, 3 for red, green, blue.
    public let channels: Int
    /// The samples: `height × width × channels`, channels interleaved.
    public let pixels: [UInt8]

    /// A picture of the given samples.
    /// - Throws: ``ZooError`` when there are other than 1 or 3 channels, a side is empty, or the number of
    ///   samples isn't `height × width × channels`.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(ZooError) {
        guard channels == 1 || channels == 3 else {
            throw ZooError(
                .invalidArgument, "a picture has one channel or three", expected: "1 or 3",
                found: "\(channels)")
        }
        guard width > 0, height > 0 else {
            throw ZooError(
                .invalidArgument, "a picture's sides are at least 1", found: "\(width) × \(height)")
        }
        let count = try Checked.product(try Checked.product(width, height), channels)
        guard pixels.count == count else {
            throw ZooError(
                .mismatch,
                "the number of samples doesn't fit a picture of \(width) × \(height) × \(channels)",
                expected: "\(count)", found: "\(pixels.count)")
        }
        self.init(uncheckedWidth: width, height: height, channels: channels, pixels: pixels)
    }

    init(uncheckedWidth width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        self.width = width
        self.height = height
        self.channels = channels
        self.pixels = pixels
    }

    /// Bytes of one row.
    var rowBytes: Int { width * channels }
}

/// How large a picture from a stranger may be before it is refused.
public struct PictureLimits: Sendable, Hashable {
    /// Largest width and height, in pixels.
    public var side = 1 << 20
    /// Largest width × height; the default is where Pillow stops.
    public var pixelCount = 178_956_970

    /// The defaults.
    public init() {}
}
