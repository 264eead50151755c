import Testing
import ZooImages
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

@Suite struct ResizingTests {
    @Test func everySizeHasPillowsPixels() throws {
        let entries = try Golden.entries("resizes")
        #expect(entries.count == 304)
        for entry in entries {
            let from = try #require(entry["from"]?.intArrayValue)
            let to = try #require(entry["to"]?.intArrayValue)
            let channels = try #require(entry["channels"]?.intValue)
            let seed = try #require(entry["seed"]?.intValue)
            let name = try #require(entry["interpolation"]?.stringValue)
            let interpolation = try #require(Preprocessing.Interpolation(rawValue: name))
            let picture = try Picture(
                width: from[0], height: from[1], channels: channels,
                pixels: Golden.randomBytes(from[0] * from[1] * channels, seed: seed))
            let result = try picture.resized(to: Extent(to[1], to[0]), interpolation: interpolation)
            #expect(result.width == to[0] && result.height == to[1])
            #expect(
                Golden.digest(result.pixels) == entry["sha256"]?.stringValue,
                "\(from) to \(to), \(channels) channels, \(name)")
        }
    }

    @Test func shorterSideAsTorchvision() throws {
        func size(_ width: Int, _ height: Int, _ side: Int) throws -> [Int] {
            let pixels = [UInt8](repeating: 9, count: width * height)
            let result = try Picture(width: width, height: height, channels: 1, pixels: pixels)
                .resized(shorterSide: side)
            #expect(result.pixels.allSatisfy { $0 == 9 })
            return [result.width, result.height]
        }
        #expect(try size(640, 427, 256) == [383, 256])
        #expect(try size(500, 375, 256) == [341, 256])
        #expect(try size(375, 500, 256) == [256, 341])
        #expect(try size(256, 300, 256) == [256, 300])
    }

    @Test func impossibleSizesAreErrors() throws {
        let picture = try Picture(width: 2, height: 2, channels: 1, pixels: [1, 2, 3, 4])
        for size in [
            Extent(0, 4), Extent(4, -1), Extent(1 << 40, 1), Extent(1 << 15, 1 << 15), Extent(.max, .max),
        ] {
            #expect(throws: ZooError.self) { try picture.resized(to: size) }
        }
        #expect(throws: ZooError.self) { try picture.resized(shorterSide: 0) }
        #expect(throws: ZooError.self) { try picture.resized(shorterSide: .max) }
    }
}
