internal import CZooImageShim
internal import ZooTensors

/// The calls into libpng and libjpeg.
enum PictureCodec {
    /// Decodes in two steps, header and pixels, so that the memory is ours and of the size that the header
    /// asks for.
    static func decode(
        _ bytes: [UInt8], format: PictureFormat, name: String?, limits: PictureLimits
    ) throws(ZooError) -> (picture: Picture, bitDepth: Int, damageCount: Int) {
        let bounds = zoo_image_limits(
            side: UInt32(clamping: min(limits.side, Int(Int32.max))),
            pixels: UInt64(clamping: limits.pixelCount))
        var info = zoo_image_info()
        let headerStatus = unsafe bytes.withUnsafeBufferPointer { buffer in
            switch format {
            case .png: unsafe zoo_png_header(buffer.baseAddress, buffer.count, bounds, &info)
            case .jpeg: unsafe zoo_jpeg_header(buffer.baseAddress, buffer.count, bounds, &info)
            }
        }
        guard headerStatus == ZOO_IMAGE_OK else {
            throw failure(headerStatus, info, format, name, bytes.count)
        }
        let (width, height) = (try Checked.int(info.width), try Checked.int(info.height))
        let channels = try Checked.int(info.channels)
        let count = try Checked.product(try Checked.product(width, height), channels)
        var status = ZOO_IMAGE_BAD_CALL
        let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            status = unsafe bytes.withUnsafeBufferPointer { buffer in
                let (base, size) = (buffer.baseAddress, buffer.count)
                switch format {
                case .png: return unsafe zoo_png_decode(base, size, bounds, &info, target.baseAddress, count)
                case .jpeg:
                    return unsafe zoo_jpeg_decode(base, size, bounds, &info, target.baseAddress, count)
                }
            }
            // On failure some bytes were never written; none of them leaves this function.
            initialized = status == ZOO_IMAGE_OK ? count : 0
        }
        guard status == ZOO_IMAGE_OK else { throw failure(status, info, format, name, bytes.count) }
        let picture = try Picture(width: width, height: height, channels: channels, pixels: pixels)
        return (picture, try Checked.int(info.bit_depth), try Checked.int(info.warnings))
    }

    static func encodedPNG(_ picture: Picture) throws(ZooError) -> [UInt8] {
        var info = zoo_image_info()
        var encoded: UnsafeMutablePointer<UInt8>?
        var count = 0
        let (width, height) = (UInt32(clamping: picture.width), UInt32(clamping: picture.height))
        let status = unsafe picture.pixels.withUnsafeBufferPointer { pixels in
            unsafe zoo_png_encode(
                pixels.baseAddress, width, height, UInt32(clamping: picture.channels), &encoded, &count, &info
            )
        }
        defer { unsafe zoo_image_free(encoded) }
        guard status == ZOO_IMAGE_OK else {
            throw ZooError(.invalidArgument, "the picture can't be written as PNG: \(message(info))")
        }
        return unsafe Array(UnsafeBufferPointer(start: encoded, count: count))
    }

    private static func failure(
        _ status: zoo_image_status, _ info: zoo_image_info, _ format: PictureFormat, _ name: String?,
        _ byteCount: Int
    ) -> ZooError {
        let title = format == .png ? "PNG" : "JPEG"
        let words = message(info).isEmpty ? "no details" : message(info)
        let again = "Get the file again, or take it out of the data set."
        switch status {
        case ZOO_IMAGE_TRUNCATED:
            return ZooError(
                .truncated, "the \(title) picture is cut short: \(words)", file: name, byteOffset: byteCount,
                remedy: again)
        case ZOO_IMAGE_TOO_LARGE:
            return ZooError(
                .limitExceeded, "the \(title) picture is refused: \(words)", file: name,
                found: "\(info.width) × \(info.height)", remedy: "Make it smaller, or raise the limits.")
        case ZOO_IMAGE_UNSUPPORTED:
            return ZooError(
                .unsupported, "this kind of \(title) picture isn't handled: \(words)", file: name,
                remedy: "Save it as an RGB picture.")
        case ZOO_IMAGE_NO_MEMORY:
            return ZooError(.systemFailure, "there is no memory to decode the \(title) picture", file: name)
        default:
            return ZooError(.corrupt, "the \(title) picture is damaged: \(words)", file: name, remedy: again)
        }
    }

    private static func message(_ info: zoo_image_info) -> String {
        unsafe withUnsafeBytes(of: info.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
