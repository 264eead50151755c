import Testing
import ZooDatasets
import ZooImages
import ZooTensors

@Suite struct AugmentationTests {
    private let picture: Picture

    init() throws {
        picture = try Picture(width: 4, height: 3, channels: 1, pixels: Array(1...12))
    }

    private func random(_ sample: Int, epoch: Int = 0, place: Int = 0) -> SampleRandom {
        SampleRandom(seed: 1, epoch: epoch, sample: sample, place: place)
    }

    @Test func cropsReachEveryPlace() throws {
        let crop = try RandomCrop(padding: 1)
        var seen: [[UInt8]: Int] = [:]
        for sample in 0..<900 {
            seen[try crop.apply(to: picture, random: random(sample)).pixels, default: 0] += 1
        }
        // Three rows by three columns, each about 100 times (the deviation is 9.4).
        #expect(seen.count == 9)
        #expect(seen.values.allSatisfy { (60...140).contains($0) })
        #expect(seen[picture.pixels] != nil)
        #expect(seen[[0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7]] != nil)
    }

    @Test func flipsAboutHalf() throws {
        let mirrored = picture.flippedHorizontally()
        func flips(_ probability: Float) throws -> Int {
            try (0..<1000).count {
                try RandomHorizontalFlip(probability: probability).apply(to: picture, random: random($0))
                    == mirrored
            }
        }
        #expect(try (450...550).contains(flips(0.5)))
        #expect(try flips(0) == 0)
        #expect(try flips(1) == 1000)
    }

    @Test func numbersDependOnEpochSampleAndPlace() {
        let base = random(3).uniform(0)
        #expect(random(3).uniform(0) == base)
        for other in [random(4), random(3, epoch: 1), random(3, place: 1)] {
            #expect(other.uniform(0) != base)
        }
        #expect(random(3).uniform(1) != base)
        #expect((0..<255).allSatisfy { (0..<7).contains(random(1).integer(below: 7, UInt8($0))) })
        #expect(random(1).integer(below: 0, 0) == 0)
    }

    @Test func describeThemselves() throws {
        #expect(try RandomCrop(padding: 4).json == ["name": "random_crop", "padding": 4])
        #expect(RandomHorizontalFlip().json == ["name": "random_horizontal_flip", "probability": 0.5])
        #expect(throws: ZooError.self) { try RandomCrop(padding: -1) }
    }
}
