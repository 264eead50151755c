public import ZooLayerGraphs
public import ZooTensors

extension Picture {
    /// The picture at another size, pixel for pixel what Pillow 13's `resize` gives (which antialiases when
    /// it shrinks). An axis that keeps its size isn't touched.
    /// - Throws: ``ZooError`` when a side of `size` is below 1 or the result is beyond ``PictureLimits``.
    public func resized(
        to size: Extent, interpolation: Preprocessing.Interpolation = .bilinear
    ) throws(ZooError) -> Picture {
        try Picture.checkSize(size, for: "resize")
        // Each pass gives 8-bit samples, so their order shows. Pillow 13 goes vertical first when that saves
        // work.
        let isVerticalFirst = size.height < height && height - size.height > 2 * (width - size.width)
        if isVerticalFirst {
            return try resizedVertically(to: size.height, interpolation)
                .resizedHorizontally(to: size.width, interpolation)
        }
        return try resizedHorizontally(to: size.width, interpolation)
            .resizedVertically(to: size.height, interpolation)
    }

    /// The picture with its shorter side at `side` and the longer one in proportion, rounded down, as
    /// torchvision's `Resize(int)`.
    public func resized(
        shorterSide side: Int, interpolation: Preprocessing.Interpolation = .bilinear
    ) throws(ZooError) -> Picture {
        try resized(
            to: try Picture.size(of: Extent(height, width), shorterSide: side), interpolation: interpolation)
    }

    /// The size that a picture gets when its shorter side becomes `side`.
    static func size(of picture: Extent, shorterSide side: Int) throws(ZooError) -> Extent {
        let (short, long) = (min(picture.width, picture.height), max(picture.width, picture.height))
        guard short > 0 else { throw ZooError(.invalidArgument, "a picture without pixels has no size") }
        let other = try Checked.product(side, long) / short
        return picture.width <= picture.height ? Extent(other, side) : Extent(side, other)
    }

    private func resizedVertically(
        to target: Int, _ interpolation: Preprocessing.Interpolation
    ) throws(ZooError) -> Picture {
        if target == height { return self }
        let taps = try ResamplingTaps(from: height, to: target, interpolation: interpolation)
        return Picture(
            uncheckedWidth: width, height: target, channels: channels,
            pixels: PixelKernels.vertical(pixels, rowBytes: rowBytes, taps: taps))
    }

    private func resizedHorizontally(
        to target: Int, _ interpolation: Preprocessing.Interpolation
    ) throws(ZooError) -> Picture {
        if target == width { return self }
        try Picture.checkSize(Extent(height, target), for: "resize")
        let taps = try ResamplingTaps(from: width, to: target, interpolation: interpolation)
        return Picture(
            uncheckedWidth: target, height: height, channels: channels,
            pixels: PixelKernels.horizontal(
                pixels, rows: height, width: width, channels: channels, taps: taps))
    }

    /// Refuses sizes that no picture may have.
    static func checkSize(_ size: Extent, for action: String) throws(ZooError) {
        let limits = PictureLimits()
        guard size.width > 0, size.height > 0 else {
            throw ZooError(
                .invalidArgument, "the size to \(action) to isn't positive",
                found: "\(size.width) × \(size.height)")
        }
        guard size.width <= limits.side, size.height <= limits.side,
            try Checked.product(size.width, size.height) <= limits.pixelCount
        else {
            throw ZooError(
                .limitExceeded, "the size to \(action) to is too large",
                expected: "at most \(limits.pixelCount) pixels", found: "\(size.width) × \(size.height)")
        }
    }
}
