public import ZooLayerGraphs
public import ZooTensors

extension Picture {
    /// A part of the picture.
    /// - Throws: ``ZooError`` when the part isn't wholly inside or is empty.
    public func cropped(top: Int, left: Int, size: Extent) throws(ZooError) -> Picture {
        guard top >= 0, left >= 0, size.width > 0, size.height > 0,
            try Checked.sum(top, size.height) <= height, try Checked.sum(left, size.width) <= width
        else {
            throw ZooError(
                .invalidArgument, "the part to crop isn't inside the picture",
                expected: "inside \(width) × \(height)",
                found: "\(size.width) × \(size.height) at column \(left), row \(top)")
        }
        if size.width == width, size.height == height { return self }
        var result: [UInt8] = []
        result.reserveCapacity(size.width * size.height * channels)
        for row in top..<(top + size.height) {
            let start = (row * width + left) * channels
            result += pixels[start..<(start + size.width * channels)]
        }
        return Picture(uncheckedWidth: size.width, height: size.height, channels: channels, pixels: result)
    }

    /// The middle of the picture; where the picture is smaller it is first padded with zeros. Halves are
    /// rounded to even, as torchvision's `center_crop` does.
    public func centreCropped(to size: Extent) throws(ZooError) -> Picture {
        try Picture.checkSize(size, for: "crop")
        let (missingRows, missingColumns) = (max(size.height - height, 0), max(size.width - width, 0))
        let whole = try padded(
            Padding(
                top: missingRows / 2, left: missingColumns / 2, bottom: (missingRows + 1) / 2,
                right: (missingColumns + 1) / 2))
        func half(_ surplus: Int) -> Int {
            surplus % 4 == 3 ? surplus / 2 + 1 : surplus / 2
        }
        return try whole.cropped(
            top: half(whole.height - size.height), left: half(whole.width - size.width), size: size)
    }

    /// The picture with rows and columns of one value on its sides.
    /// - Throws: ``ZooError`` for a negative padding, or a result beyond ``PictureLimits``.
    public func padded(_ padding: Padding, value: UInt8 = 0) throws(ZooError) -> Picture {
        if padding == .none { return self }
        guard padding.top >= 0, padding.left >= 0, padding.bottom >= 0, padding.right >= 0 else {
            throw ZooError(.invalidArgument, "a picture's padding is negative")
        }
        let size = Extent(
            try Checked.sum(height, try Checked.sum(padding.top, padding.bottom)),
            try Checked.sum(width, try Checked.sum(padding.left, padding.right)))
        try Picture.checkSize(size, for: "pad")
        var result = [UInt8](repeating: value, count: size.width * size.height * channels)
        for row in 0..<height {
            let start = ((row + padding.top) * size.width + padding.left) * channels
            result.replaceSubrange(
                start..<(start + rowBytes), with: pixels[(row * rowBytes)..<((row + 1) * rowBytes)])
        }
        return Picture(uncheckedWidth: size.width, height: size.height, channels: channels, pixels: result)
    }

    /// The picture as a mirror shows it, left and right exchanged.
    public func flippedHorizontally() -> Picture {
        rearranged(width: width, height: height) { row, column in (row, width - 1 - column) }
    }

    /// The picture turned upright.
    /// - Parameter orientation: EXIF's number, 1 (as it is) to 8; others count as 1.
    public func turned(by orientation: Int) -> Picture {
        let (bottom, right) = (height - 1, width - 1)
        return switch orientation {
        case 2: flippedHorizontally()
        case 3: rearranged(width: width, height: height) { (bottom - $0, right - $1) }
        case 4: rearranged(width: width, height: height) { (bottom - $0, $1) }
        case 5: rearranged(width: height, height: width) { ($1, $0) }
        case 6: rearranged(width: height, height: width) { (bottom - $1, $0) }
        case 7: rearranged(width: height, height: width) { (bottom - $1, right - $0) }
        case 8: rearranged(width: height, height: width) { ($1, right - $0) }
        default: self
        }
    }

    /// A picture whose pixel at (row, column) is the one that `source` names.
    private func rearranged(
        width newWidth: Int, height newHeight: Int, source: (_ row: Int, _ column: Int) -> (Int, Int)
    ) -> Picture {
        var result: [UInt8] = []
        result.reserveCapacity(pixels.count)
        for row in 0..<newHeight {
            for column in 0..<newWidth {
                let (fromRow, fromColumn) = source(row, column)
                let start = (fromRow * width + fromColumn) * channels
                for channel in 0..<channels { result.append(pixels[start + channel]) }
            }
        }
        return Picture(uncheckedWidth: newWidth, height: newHeight, channels: channels, pixels: result)
    }

    /// The picture as luminance, `[H, W, 1]`: Pillow's `convert("L")`.
    public func grey() -> Picture {
        if channels == 1 { return self }
        return Picture(
            uncheckedWidth: width, height: height, channels: 1, pixels: PixelKernels.grey(fromRGB: pixels))
    }

    /// The picture with three channels, `[H, W, 3]`: Pillow's `convert("RGB")`.
    public func rgb() -> Picture {
        if channels == 3 { return self }
        return Picture(
            uncheckedWidth: width, height: height, channels: 3, pixels: PixelKernels.rgb(fromGrey: pixels))
    }
}
