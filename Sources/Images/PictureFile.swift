public import ZooTensors

/// The picture formats that are read, told apart by a file's first bytes.
public enum PictureFormat: String, Sendable, Hashable, CaseIterable {
    /// Portable Network Graphics.
    case png
    /// JPEG, baseline and progressive.
    case jpeg

    /// The format that a file begins like, `nil` for any other.
    public init?(firstBytes: some Sequence<UInt8>) {
        let head = Array(firstBytes.prefix(8))
        if head == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] {
            self = .png
        } else if head.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else {
            return nil
        }
    }

    /// What a file of another kind seems to be, for errors.
    static func guess(_ bytes: [UInt8]) -> String {
        let known: [(name: String, offset: Int, mark: String)] = [
            ("GIF", 0, "GIF8"), ("WebP", 8, "WEBP"), ("BMP", 0, "BM"), ("TIFF", 0, "II*\0"),
            ("TIFF", 0, "MM\0*"),
            ("HEIF or AVIF", 4, "ftyp"), ("a web page", 0, "<!DOCTYPE"), ("a web page", 0, "<html"),
            ("SVG", 0, "<svg"), ("XML or SVG", 0, "<?xml"), ("a zip archive", 0, "PK"),
        ]
        if bytes.isEmpty { return "an empty file" }
        return known.first { bytes.dropFirst($0.offset).starts(with: $0.mark.utf8) }?.name ?? "another format"
    }
}

/// What decoding a file gave: the picture, and what a checker of data wants to know besides.
public struct PictureFile: Sendable {
    /// The pixels as the file stores them, not turned by EXIF.
    public let picture: Picture
    /// The file's format.
    public let format: PictureFormat
    /// Bits per sample in the file.
    public let bitDepth: Int
    /// How EXIF asks for the picture to be turned: 1 (as it is) to 8. Training frameworks ignore it unless
    /// told otherwise, and so does ``Picture/decode(_:name:limits:)``; ``Picture/turned(by:)`` carries it
    /// out.
    public let orientation: Int
    /// Places where a JPEG's data are damaged and the decoder guessed.
    public let damageCount: Int

    /// Decodes a PNG or JPEG file.
    ///
    /// The pixels are those of Pillow's `convert("RGB")`, or `convert("L")` for grey files: palettes are
    /// expanded, alpha and transparent colours dropped; samples of 16 bits give their high byte, except plain
    /// grey ones, which Pillow clips at 255; JPEGs are decoded with the accurate integer DCT and smooth
    /// chroma.
    /// - Parameters:
    ///   - name: the file's name, for errors.
    ///   - limits: how large the picture may be.
    /// - Throws: ``ZooError`` when the file is of another format, damaged, cut short or beyond the limits.
    public init(
        bytes: [UInt8], name: String? = nil, limits: PictureLimits = PictureLimits()
    ) throws(ZooError) {
        guard let format = PictureFormat(firstBytes: bytes) else {
            throw ZooError(
                .unknownFormat, "this isn't a picture that can be read", file: name, expected: "PNG or JPEG",
                found: PictureFormat.guess(bytes),
                remedy: "Convert it to PNG, or take it out of the data set.")
        }
        let decoded = try PictureCodec.decode(bytes, format: format, name: name, limits: limits)
        self.picture = decoded.picture
        self.format = format
        self.bitDepth = decoded.bitDepth
        self.damageCount = decoded.damageCount
        self.orientation = format == .jpeg ? ExifOrientation.find(inJPEG: bytes) ?? 1 : 1
    }

    /// Reads and decodes a file.
    public init(path: String, limits: PictureLimits = PictureLimits()) throws(ZooError) {
        try self.init(bytes: ByteSource(path: path).allBytes(), name: path, limits: limits)
    }
}

extension Picture {
    /// Decodes a PNG or JPEG file to the pixels that Pillow gives; see ``PictureFile``.
    /// - Parameter name: the file's name, for errors.
    /// - Throws: ``ZooError`` when the file is of another format, damaged, cut short or beyond the limits.
    public static func decode(
        _ bytes: [UInt8], name: String? = nil, limits: PictureLimits = PictureLimits()
    ) throws(ZooError) -> Picture {
        try PictureFile(bytes: bytes, name: name, limits: limits).picture
    }

    /// The picture as a PNG file, without loss.
    public func encodedPNG() throws(ZooError) -> [UInt8] { try PictureCodec.encodedPNG(self) }
}
