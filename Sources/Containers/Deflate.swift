internal import CZooZlib
package import ZooTensors

/// How deflated bytes are wrapped.
package enum DeflateWrapping: Sendable {
    /// As in zip members: nothing around them.
    case raw
    /// As in `.gz`: header, CRC-32 and length, which zlib checks.
    case gzip
    /// As in HDF5 chunks: a two-byte header and Adler-32, which zlib checks.
    case zlib

    fileprivate var windowBits: Int32 {
        switch self {
        case .raw: -15
        case .gzip: 31
        case .zlib: 15
        }
    }
}

/// What one step of decompression did.
package struct InflateStep {
    /// Input bytes used up.
    package let consumed: Int
    /// Bytes that came out.
    package let output: ArraySlice<UInt8>
    /// Whether the compressed run is complete.
    package let isFinished: Bool
}

/// zlib's decompressor as a running thing: bytes in, bytes out, memory bounded by its own small window.
@safe package final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private var scratch = [UInt8](repeating: 0, count: 1 << 18)

    /// Begins a compressed run.
    package init(_ wrapping: DeflateWrapping) throws(ZooError) {
        unsafe self.stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream, wrapping.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw ZooError(.systemFailure, "zlib cannot start (\(status))") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Begins another run of the same wrapping.
    package func restart() { unsafe inflateReset(stream) }

    /// Decompresses from `input`, beginning at `start`, until the input or 256 KiB of room are used up.
    package func step(_ input: [UInt8], from start: Int) throws(ZooError) -> InflateStep {
        let offered = input.dropFirst(start).prefix(1 << 30)
        var status: Int32 = Z_OK
        var produced = 0
        var consumed = 0
        unsafe offered.withUnsafeBufferPointer { source in
            unsafe scratch.withUnsafeMutableBufferPointer { target in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: source.count)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: target.count)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                consumed = unsafe source.count - Int(stream.pointee.avail_in)
                produced = unsafe target.count - Int(stream.pointee.avail_out)
            }
        }
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw ZooError(
                status == Z_DATA_ERROR ? .corrupt : .systemFailure, "the compressed data is damaged",
                remedy: "The file is damaged; get it again.")
        }
        return InflateStep(
            consumed: consumed, output: scratch[..<produced], isFinished: status == Z_STREAM_END)
    }
}

/// Compresses bytes in one go.
package func deflated(
    _ bytes: [UInt8], wrapping: DeflateWrapping, level: Int32 = 6
) throws(ZooError) -> [UInt8] {
    var stream = unsafe z_stream()
    var status = unsafe deflateInit2_(
        &stream, level, Z_DEFLATED, wrapping.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { throw ZooError(.systemFailure, "zlib cannot start (\(status))") }
    defer { unsafe deflateEnd(&stream) }
    var result: [UInt8] = []
    var scratch = [UInt8](repeating: 0, count: 1 << 16)
    var start = 0
    repeat {
        let offered = bytes[start...].prefix(1 << 30)
        let flush = start + offered.count == bytes.count ? Z_FINISH : Z_NO_FLUSH
        var produced = 0
        unsafe offered.withUnsafeBufferPointer { source in
            unsafe scratch.withUnsafeMutableBufferPointer { target in
                unsafe stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.avail_in = UInt32(truncatingIfNeeded: source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(truncatingIfNeeded: target.count)
                status = unsafe deflate(&stream, flush)
                start += unsafe source.count - Int(stream.avail_in)
                produced = unsafe target.count - Int(stream.avail_out)
            }
        }
        guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
            throw ZooError(.systemFailure, "zlib cannot compress (\(status))")
        }
        result += scratch[..<produced]
    } while status != Z_STREAM_END
    return result
}
