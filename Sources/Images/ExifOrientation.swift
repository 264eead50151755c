/// The one number of EXIF that matters for pixels: how the camera was held.
enum ExifOrientation {
    /// The orientation that a JPEG file names, 1 to 8; `nil` when there is none or it can't be read, which is
    /// not an error: the pixels are fine without it.
    static func find(inJPEG bytes: [UInt8]) -> Int? {
        var place = 2
        // Segments before the first scan: FF, marker, two bytes of length that count themselves.
        while let first = byte(bytes, place), let marker = byte(bytes, place + 1), first == 0xFF {
            if marker == 0xFF {
                place += 1
                continue
            }
            guard marker != 0xDA, marker != 0xD9, let length = word(bytes[...], place + 2, isBigEndian: true),
                length >= 2, place + 2 + length <= bytes.count
            else { return nil }
            let payload = bytes[(place + 4)..<(place + 2 + length)]
            if marker == 0xE1, payload.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) {
                return orientation(inTIFF: payload.dropFirst(6))
            }
            place += 2 + length
        }
        return nil
    }

    /// Looks through the first directory of a TIFF structure.
    private static func orientation(inTIFF bytes: ArraySlice<UInt8>) -> Int? {
        let isBigEndian: Bool
        switch bytes.prefix(2) {
        case [0x4D, 0x4D]: isBigEndian = true
        case [0x49, 0x49]: isBigEndian = false
        default: return nil
        }
        let start = bytes.startIndex
        func short(_ offset: Int) -> Int? { word(bytes, start + offset, isBigEndian: isBigEndian) }
        // All numbers have at most 32 bits, so sums of a few of them fit an Int.
        guard let high = short(isBigEndian ? 4 : 6), let low = short(isBigEndian ? 6 : 4) else { return nil }
        let directory = high << 16 | low
        guard let count = short(directory) else { return nil }
        for entry in 0..<count {
            let offset = directory + 2 + 12 * entry
            guard let tag = short(offset) else { return nil }
            guard tag == 0x0112 else { continue }
            guard let type = short(offset + 2), type == 3, let value = short(offset + 8) else { return nil }
            return (1...8).contains(value) ? value : nil
        }
        return nil
    }

    private static func byte(_ bytes: [UInt8], _ index: Int) -> UInt8? {
        bytes.indices.contains(index) ? bytes[index] : nil
    }

    private static func word(_ bytes: ArraySlice<UInt8>, _ index: Int, isBigEndian: Bool) -> Int? {
        guard bytes.indices.contains(index), bytes.indices.contains(index + 1) else { return nil }
        let (first, second) = (Int(bytes[index]), Int(bytes[index + 1]))
        return isBigEndian ? first << 8 | second : second << 8 | first
    }
}
