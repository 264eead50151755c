import Testing
import ZooImages
import ZooLayerGraphs
import ZooTensors

@Suite struct GeometryTests {
    /// Each pixel's value is 10 × row + column.
    private func numbered(width: Int, height: Int) throws -> Picture {
        let pixels = (0..<height).flatMap { row in (0..<width).map { UInt8(10 * row + $0) } }
        return try Picture(width: width, height: height, channels: 1, pixels: pixels)
    }

    @Test func crops() throws {
        let part = try numbered(width: 5, height: 4).cropped(top: 1, left: 2, size: Extent(2, 3))
        #expect(part.pixels == [12, 13, 14, 22, 23, 24])
        for (top, left, size) in [
            (-1, 0, Extent(1)), (0, 3, Extent(1, 3)), (3, 0, Extent(2)), (.max, 0, Extent(1)),
            (0, 0, Extent(0)),
        ] {
            #expect(throws: ZooError.self) {
                try numbered(width: 5, height: 4).cropped(top: top, left: left, size: size)
            }
        }
    }

    /// torchvision's `center_crop`: left edge of a crop of 2 from widths 2 to 9 — int(round((w − 2) / 2)),
    /// halves to even.
    @Test func centreCropRoundsHalvesToEven() throws {
        let lefts = try (2...9).map { width in
            Int(try numbered(width: width, height: 1).centreCropped(to: Extent(1, 2)).pixels[0])
        }
        #expect(lefts == [0, 0, 1, 2, 2, 2, 3, 4])
    }

    @Test func centreCropPadsSmallPictures() throws {
        let result = try Picture(width: 1, height: 2, channels: 1, pixels: [1, 2]).centreCropped(
            to: Extent(2, 4))
        #expect(result.pixels == [0, 1, 0, 0, 0, 2, 0, 0])
    }

    @Test func padsEachSide() throws {
        let result = try Picture(width: 1, height: 1, channels: 3, pixels: [1, 2, 3])
            .padded(Padding(top: 1, left: 0, bottom: 0, right: 1), value: 7)
        #expect(result.pixels == [7, 7, 7, 7, 7, 7, 1, 2, 3, 7, 7, 7])
        #expect(throws: ZooError.self) {
            try numbered(width: 1, height: 1).padded(Padding(top: -1, left: 0, bottom: 0, right: 0))
        }
        #expect(throws: ZooError.self) { try numbered(width: 1, height: 1).padded(Padding(.max)) }
    }

    @Test func flips() throws {
        let picture = try Picture(width: 2, height: 1, channels: 3, pixels: [1, 2, 3, 4, 5, 6])
        #expect(picture.flippedHorizontally().pixels == [4, 5, 6, 1, 2, 3])
    }

    @Test func sizesThatDontFitAreErrors() throws {
        #expect(throws: ZooError.self) { try Picture(width: 2, height: 2, channels: 1, pixels: [1]) }
        #expect(throws: ZooError.self) { try Picture(width: 1, height: 1, channels: 2, pixels: [1, 2]) }
        #expect(throws: ZooError.self) { try Picture(width: 0, height: 1, channels: 1, pixels: []) }
        #expect(throws: ZooError.self) { try Picture(width: .max, height: .max, channels: 3, pixels: []) }
    }
}
