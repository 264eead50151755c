import Testing
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooTensors

@Suite struct LoaderTests {
    private let grey = Preprocessing(channels: .grey, scale: 1)

    private func loader(
        _ count: Int, _ configuration: LoaderConfiguration, _ augmentations: [any Augmentation] = []
    ) throws -> Loader {
        try Loader(
            TestData.numbered(count), preprocessing: grey, configuration: configuration,
            augmentations: augmentations)
    }

    @Test func inOrderWithASmallerLastBatch() throws {
        let loader = try loader(10, LoaderConfiguration(batchSize: 4, shuffles: false))
        #expect(loader.batchCount == 3)
        #expect(loader.sampleCount == 10)
        #expect(loader.sampleShape == [1, 3, 4])
        let batches = try TestData.all(loader.epoch(0))
        #expect(batches.map(\.inputs.shape) == [[4, 1, 3, 4], [4, 1, 3, 4], [2, 1, 3, 4]])
        #expect(batches.map(\.number) == [0, 1, 2])
        #expect(batches.map(\.firstSampleNumber) == [0, 4, 8])
        #expect(batches[2].labels == [2, 0])
        #expect(batches[2].sampleIndices == [8, 9])
        let floats = try batches[2].inputs.floats()
        #expect(floats == [Float](repeating: 8, count: 12) + [Float](repeating: 9, count: 12))
    }

    /// The part for a quick trial holds what training begins with.
    @Test func theFirstBatchesAlone() throws {
        let whole = try TestData.numbered(10)
        let loader = try loader(10, LoaderConfiguration(batchSize: 4, seed: 5))
        let first = try TestData.all(loader.epoch(1)).prefix(2).flatMap(\.sampleIndices)
        let part = try Subset(whole, firstBatches: 2, batchSize: 4, seed: 5)
        #expect(part.indices == first.sorted())
        #expect(try Subset(whole, firstBatches: 9, batchSize: 4, seed: 5).count == 10)
        #expect(throws: ZooError.self) { try Subset(whole, firstBatches: 0, batchSize: 4, seed: 5) }
        #expect(throws: ZooError.self) { try Subset(whole, firstBatches: .max, batchSize: 4, seed: 5) }
    }

    @Test func dropsTheLastBatch() throws {
        let loader = try loader(10, LoaderConfiguration(batchSize: 4, dropsLast: true))
        #expect(loader.batchCount == 2)
        #expect(loader.sampleCount == 8)
        #expect(try TestData.all(loader.epoch(3)).map(\.count) == [4, 4])
        let large = try self.loader(3, LoaderConfiguration(batchSize: 4, dropsLast: true))
        #expect(large.batchCount == 0)
        #expect(try TestData.all(large.epoch(0)).isEmpty)
    }

    @Test func shufflesEveryEpochAnew() throws {
        let loader = try loader(50, LoaderConfiguration(batchSize: 8, seed: 5))
        let epochs = try (0..<3).map { try TestData.all(loader.epoch($0)) }
        let orders = epochs.map { $0.flatMap(\.sampleIndices) }
        for (number, order) in orders.enumerated() {
            #expect(order.sorted() == Array(0..<50))
            #expect(
                order == RandomStream(seed: 5, name: "shuffle", step: UInt64(number)).permutation(count: 50))
        }
        #expect(Set(orders).count == 3)
        for batch in epochs[1] {
            let values = try batch.inputs.floats()
            for (place, index) in batch.sampleIndices.enumerated() {
                #expect(values[place * 12] == Float(index))
                #expect(batch.labels[place] == Int32(index % 3))
            }
        }
    }

    @Test func threadsDontShowInTheResult() throws {
        let augmentations: [any Augmentation] = [try RandomCrop(padding: 2), RandomHorizontalFlip()]
        func epoch(_ threads: Int, _ prefetch: Int, startingAt first: Int = 0) throws -> [[Float]] {
            let configuration = LoaderConfiguration(
                batchSize: 7, seed: 9, threadCount: threads, prefetchCount: prefetch)
            let batches = try TestData.all(
                loader(200, configuration, augmentations).epoch(2, startingAt: first))
            #expect(batches.map(\.number) == Array(first..<29))
            return try batches.map { try $0.inputs.floats() }
        }
        let expected = try epoch(0, 1)
        for (threads, prefetch) in [(1, 1), (1, 4), (3, 1), (3, 2), (8, 16), (64, 3)] {
            #expect(try epoch(threads, prefetch) == expected)
        }
        // A run that resumes in the middle sees the same rest.
        #expect(try epoch(2, 4, startingAt: 20) == Array(expected[20...]))
        #expect(try epoch(0, 4, startingAt: 29).isEmpty)
    }

    @Test func lettingGoEndsTheThreads() throws {
        let loader = try loader(256, LoaderConfiguration(batchSize: 1, threadCount: 4, prefetchCount: 2))
        for _ in 0..<50 {
            let batches = try loader.epoch(0)
            #expect(try batches.nextBatch() != nil)
        }
        let batches = try loader.epoch(0)
        batches.stop()
        batches.stop()
        #expect(try batches.nextBatch() == nil)
    }

    @Test func numbersOutOfRange() throws {
        for configuration in [
            LoaderConfiguration(batchSize: 0), LoaderConfiguration(batchSize: -1),
            LoaderConfiguration(threadCount: -1), LoaderConfiguration(prefetchCount: 0),
            LoaderConfiguration(threadCount: 10_000),
        ] {
            #expect(throws: ZooError.self) { try loader(3, configuration) }
        }
        #expect(throws: ZooError.self) { try loader(0, LoaderConfiguration()) }
        let three = try loader(3, LoaderConfiguration())
        #expect(throws: ZooError.self) { try three.epoch(-1) }
        #expect(throws: ZooError.self) { try three.epoch(0, startingAt: 2) }
    }
}

/// Pictures of two sizes.
private struct TwoSizes: Dataset {
    let name = "two sizes"
    let classes = ["a"]
    let labels: [Int32] = [0, 0]
    let pictureSize: Extent? = nil

    func picture(at index: Int) throws(ZooError) -> Picture {
        try Picture(
            width: 2 + index, height: 2, channels: 1,
            pixels: [UInt8](repeating: 50, count: 4 + 2 * index))
    }

    func sampleName(at index: Int) -> String { "picture \(index)" }
}

/// One picture whose only sample is the priority of the thread that reads it.
private struct Priorities: Dataset {
    let name = "priorities"
    let classes = ["a"]
    let labels: [Int32] = [0]
    let pictureSize: Extent? = Extent(1)

    func picture(at index: Int) throws(ZooError) -> Picture {
        try Picture(width: 1, height: 1, channels: 1, pixels: [UInt8(clamping: TestData.niceness())])
    }

    func sampleName(at index: Int) -> String { name }
}

#if os(Linux)
    @Suite struct PriorityTests {
        @Test func threadsYieldToTheMathematics() throws {
            func niceness(threads: Int) throws -> Float {
                let loader = try Loader(
                    Priorities(), preprocessing: Preprocessing(channels: .grey, scale: 1),
                    configuration: LoaderConfiguration(threadCount: threads))
                return try TestData.all(loader.epoch(0))[0].inputs.floats()[0]
            }
            #expect(try niceness(threads: 1) == 19)
            #expect(try niceness(threads: 0) == Float(TestData.niceness()))
        }
    }
#endif

@Suite struct MixedSizeTests {
    @Test func needAResize() throws {
        let loader = try Loader(TwoSizes(), preprocessing: Preprocessing(channels: .grey))
        let error = #expect(throws: ZooError.self) { try TestData.all(loader.epoch(0)) }
        #expect(error?.file == "picture 1")
        #expect(error?.remedy?.contains("resize") == true)
        let resized = try Loader(
            TwoSizes(), preprocessing: Preprocessing(channels: .rgb, resize: Extent(5, 6), scale: 1))
        let batches = try TestData.all(resized.epoch(0))
        #expect(batches.map(\.inputs.shape) == [[2, 3, 5, 6]])
        #expect(try batches[0].inputs.floats().allSatisfy { $0 == 50 })
    }
}
