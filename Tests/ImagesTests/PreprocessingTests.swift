import Testing
import ZooImages
import ZooLayerGraphs
import ZooTensors

@Suite struct PreprocessingTests {
    private func allValues(channels: Int) throws -> Picture {
        try Picture(
            width: 256, height: 1, channels: channels,
            pixels: (0...255).flatMap { [UInt8](repeating: UInt8($0), count: channels) })
    }

    /// Not the product with the reciprocal, which differs from the quotient in the last bit for 126 of the
    /// 256.
    @Test func scaleOf255thIsAQuotient() throws {
        let floats = try PreprocessingExecutor(Preprocessing(channels: .grey)).floats(allValues(channels: 1))
        #expect(floats == (0...255).map { Float($0) / 255 })
    }

    @Test func normalisesInSinglePrecision() throws {
        let preprocessing = Preprocessing(
            channels: .rgb, mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])
        let floats = try PreprocessingExecutor(preprocessing).floats(allValues(channels: 3))
        let means: [Float] = [0.485, 0.456, 0.406]
        let deviations: [Float] = [0.229, 0.224, 0.225]
        for channel in 0..<3 {
            let expected = (0...255).map { (Float($0) / 255 - means[channel]) / deviations[channel] }
            #expect(Array(floats[(256 * channel)..<(256 * channel + 256)]) == expected)
        }
    }

    @Test func channelsAreOrderedAndPlanar() throws {
        let picture = try Picture(width: 2, height: 1, channels: 3, pixels: [1, 2, 3, 4, 5, 6])
        func floats(_ channels: Preprocessing.Channels, mean: [Double] = []) throws -> [Float] {
            try PreprocessingExecutor(Preprocessing(channels: channels, scale: 1, mean: mean)).floats(picture)
        }
        #expect(try floats(.rgb) == [1, 4, 2, 5, 3, 6])
        #expect(try floats(.bgr) == [3, 6, 2, 5, 1, 4])
        // Means follow the order of the network's channels.
        #expect(try floats(.bgr, mean: [1, 0, 0]) == [2, 5, 2, 5, 1, 4])
        #expect(try floats(.rgb, mean: [1]) == [0, 3, 1, 4, 2, 5])
        #expect(try floats(.grey) == [2, 5])
    }

    @Test func greyPicturesFeedColourNetworks() throws {
        let picture = try Picture(width: 1, height: 1, channels: 1, pixels: [8])
        #expect(
            try PreprocessingExecutor(Preprocessing(channels: .rgb, scale: 1)).floats(picture) == [8, 8, 8])
    }

    /// Padding comes before scaling: a padded pixel is black, not the mean.
    @Test func resizesThenPadsThenScales() throws {
        let picture = try Picture(
            width: 4, height: 4, channels: 1, pixels: [UInt8](repeating: 100, count: 16))
        let executor = try PreprocessingExecutor(
            Preprocessing(
                channels: .grey, resize: Extent(1, 2), padding: Padding(top: 0, left: 1, bottom: 1, right: 0),
                scale: 1, mean: [10], standardDeviation: [2]))
        #expect(try executor.floats(picture) == [-5, 45, 45, -5, -5, -5])
        #expect(try executor.outputSize(of: Extent(4, 4)) == Extent(2, 3))
        let tensor = try executor.tensor(picture)
        #expect(tensor.shape == [1, 1, 2, 3])
        #expect(try tensor.floats() == [-5, 45, 45, -5, -5, -5])
    }

    /// As torchvision's presets: the shorter side to a length, then the middle.
    @Test func resizesTheShorterSideAndTakesTheMiddle() throws {
        let pixels = (0..<8).flatMap { row in (0..<4).map { UInt8(10 * row + $0) } }
        let picture = try Picture(width: 4, height: 8, channels: 1, pixels: pixels)
        let preprocessing = Preprocessing(channels: .grey, shorterSide: 4, crop: Extent(2), scale: 1)
        let executor = try PreprocessingExecutor(preprocessing)
        #expect(try executor.floats(picture) == [31, 32, 41, 42])
        #expect(try executor.outputSize(of: Extent(100, 30)) == Extent(2))
        let uncropped = try PreprocessingExecutor(Preprocessing(channels: .grey, shorterSide: 2, scale: 1))
        #expect(try uncropped.outputSize(of: Extent(8, 4)) == Extent(4, 2))
        #expect(try uncropped.prepared(picture).height == 4)
        #expect(try Preprocessing(json: preprocessing.json) == preprocessing)
    }

    @Test func writesIntoAPartOfABuffer() throws {
        let executor = try PreprocessingExecutor(Preprocessing(channels: .grey, scale: 1))
        let picture = try Picture(width: 2, height: 1, channels: 1, pixels: [3, 4])
        var buffer = [Float](repeating: -1, count: 5)
        try executor.write(picture, into: &buffer, at: 2)
        #expect(buffer == [-1, -1, 3, 4, -1])
        for start in [4, -1, Int.max] {
            #expect(throws: ZooError.self) { try executor.write(picture, into: &buffer, at: start) }
        }
    }

    @Test func contradictionsAreErrors() {
        for preprocessing in [
            Preprocessing(channels: .grey, mean: [1, 2]), Preprocessing(channels: .rgb, mean: [1, 2]),
            Preprocessing(channels: .rgb, standardDeviation: [1, 0, 1]),
            Preprocessing(channels: .rgb, resize: Extent(0, 3)),
            Preprocessing(channels: .rgb, shorterSide: 0), Preprocessing(channels: .rgb, crop: Extent(3, -1)),
            Preprocessing(channels: .rgb, resize: Extent(3), shorterSide: 3),
            Preprocessing(channels: .rgb, padding: Padding(top: -1, left: 0, bottom: 0, right: 0)),
            Preprocessing(channels: .rgb, scale: .infinity), Preprocessing(channels: .rgb, mean: [.nan]),
        ] {
            #expect(throws: ZooError.self) { try PreprocessingExecutor(preprocessing) }
        }
    }
}
