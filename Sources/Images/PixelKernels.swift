/// The inner loops over pixels, on raw memory because each byte of a data set passes here in every epoch.
/// Sizes are checked by the callers; all arithmetic is on bytes or wraps.
enum PixelKernels {
    /// Luminance as Pillow's `convert("L")` computes it.
    static func grey(fromRGB pixels: [UInt8]) -> [UInt8] {
        let count = pixels.count / 3
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            unsafe pixels.withUnsafeBufferPointer { source in
                for index in 0..<count {
                    let red = unsafe UInt32(source[3 &* index]) &* 19_595
                    let green = unsafe UInt32(source[3 &* index &+ 1]) &* 38_470
                    let blue = unsafe UInt32(source[3 &* index &+ 2]) &* 7_471
                    unsafe target[index] = UInt8(truncatingIfNeeded: (red &+ green &+ blue &+ 32_768) >> 16)
                }
            }
            initialized = count
        }
    }

    /// Each sample three times.
    static func rgb(fromGrey pixels: [UInt8]) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 3 * pixels.count) { target, initialized in
            unsafe pixels.withUnsafeBufferPointer { source in
                for index in 0..<source.count {
                    let value = unsafe source[index]
                    unsafe target[3 &* index] = value
                    unsafe target[3 &* index &+ 1] = value
                    unsafe target[3 &* index &+ 2] = value
                }
            }
            initialized = 3 * pixels.count
        }
    }

    /// Weighted sums of rows: `[in, rowBytes]` → `[out, rowBytes]`.
    static func vertical(_ pixels: [UInt8], rowBytes: Int, taps: ResamplingTaps) -> [UInt8] {
        let count = taps.outputCount * rowBytes
        var sums = [Int32](repeating: 0, count: rowBytes)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            unsafe pixels.withUnsafeBufferPointer { source in
                unsafe sums.withUnsafeMutableBufferPointer { sums in
                    for output in 0..<taps.outputCount {
                        unsafe sums.update(repeating: ResamplingTaps.half)
                        let first = taps.starts[output]
                        for (tap, weight) in taps.weights(of: output).enumerated() {
                            let row = (first &+ tap) &* rowBytes
                            for index in 0..<rowBytes {
                                unsafe sums[index] &+= weight &* Int32(source[row &+ index])
                            }
                        }
                        for index in 0..<rowBytes {
                            unsafe target[output &* rowBytes &+ index] = ResamplingTaps.clamped(sums[index])
                        }
                    }
                }
            }
            initialized = count
        }
    }

    /// Weighted sums of columns: `[rows, in, C]` → `[rows, out, C]`.
    static func horizontal(
        _ pixels: [UInt8], rows: Int, width: Int, channels: Int, taps: ResamplingTaps
    ) -> [UInt8] {
        let count = rows * taps.outputCount * channels
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            unsafe pixels.withUnsafeBufferPointer { source in
                unsafe taps.allWeights.withUnsafeBufferPointer { weights in
                    var place = 0
                    for row in 0..<rows {
                        let rowStart = row &* width &* channels
                        for output in 0..<taps.outputCount {
                            var sample = rowStart &+ taps.starts[output] &* channels
                            let first = output &* taps.stride
                            let last = first &+ taps.counts[output]
                            if channels == 3 {
                                var (red, green, blue) = (
                                    ResamplingTaps.half, ResamplingTaps.half, ResamplingTaps.half
                                )
                                for tap in first..<last {
                                    let weight = unsafe weights[tap]
                                    unsafe red &+= weight &* Int32(source[sample])
                                    unsafe green &+= weight &* Int32(source[sample &+ 1])
                                    unsafe blue &+= weight &* Int32(source[sample &+ 2])
                                    sample &+= 3
                                }
                                unsafe target[place] = ResamplingTaps.clamped(red)
                                unsafe target[place &+ 1] = ResamplingTaps.clamped(green)
                                unsafe target[place &+ 2] = ResamplingTaps.clamped(blue)
                                place &+= 3
                            } else {
                                var sum = ResamplingTaps.half
                                for tap in first..<last {
                                    unsafe sum &+= weights[tap] &* Int32(source[sample])
                                    sample &+= 1
                                }
                                unsafe target[place] = ResamplingTaps.clamped(sum)
                                place &+= 1
                            }
                        }
                    }
                }
            }
            initialized = count
        }
    }

    /// One channel of `[H, W, C]` bytes, each looked up in a table of 256 numbers.
    /// - Parameter target: at least as many numbers as the picture has pixels.
    static func lookUp(
        _ pixels: UnsafeBufferPointer<UInt8>, channel: Int, of channels: Int, table: [Float],
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        unsafe table.withUnsafeBufferPointer { table in
            let count = min(pixels.count / channels, target.count)
            guard table.count == 256, channel < channels, let table = table.baseAddress,
                let source = pixels.baseAddress, let target = target.baseAddress
            else { return }
            if channels == 1 {
                for index in 0..<count { unsafe target[index] = table[Int(source[index])] }
            } else {
                var sample = channel
                for index in 0..<count {
                    unsafe target[index] = table[Int(source[sample])]
                    sample &+= channels
                }
            }
        }
    }
}
