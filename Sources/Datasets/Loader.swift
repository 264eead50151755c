internal import ZooImages
public import ZooLayerGraphs
public import ZooTensors

/// How a ``Loader`` makes batches.
public struct LoaderConfiguration: Sendable, Hashable {
    /// Samples per batch.
    public var batchSize = 64
    /// Of the streams `shuffle` and `augment`.
    public var seed: UInt64 = 0
    /// Whether each epoch has an order of its own; else samples come in the data set's.
    public var shuffles = true
    /// Whether a last batch that isn't full is left out.
    public var dropsLast = false
    /// Threads that make batches ahead, at the lowest priority; 0 makes each batch when it is asked for, on
    /// the caller's thread.
    public var threadCount = 2
    /// Most batches that are made ahead.
    public var prefetchCount = 4

    /// The defaults, but for what is given.
    public init(
        batchSize: Int = 64, seed: UInt64 = 0, shuffles: Bool = true, dropsLast: Bool = false,
        threadCount: Int = 2, prefetchCount: Int = 4
    ) {
        self.batchSize = batchSize
        self.seed = seed
        self.shuffles = shuffles
        self.dropsLast = dropsLast
        self.threadCount = threadCount
        self.prefetchCount = prefetchCount
    }
}

/// Turns a data set into batches for training or evaluation. What an epoch gives depends on the data set, the
/// preprocessing, the augmentations, the seed and the epoch alone, never on threads.
public struct Loader: Sendable {
    /// Where samples come from.
    public let dataset: any Dataset
    /// How batches are made.
    public let configuration: LoaderConfiguration
    private let assembler: BatchAssembler

    /// Prepares a loader. When neither data set nor preprocessing tell the pictures' size, the first one is
    /// read.
    /// - Throws: ``ZooError`` for an empty data set, numbers out of range, or a preprocessing that
    ///   contradicts itself.
    public init(
        _ dataset: any Dataset, preprocessing: Preprocessing,
        configuration: LoaderConfiguration = LoaderConfiguration(), augmentations: [any Augmentation] = []
    ) throws(ZooError) {
        func check(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws(ZooError) {
            guard range.contains(value) else {
                throw ZooError(
                    .invalidArgument, "the \(name) is out of range",
                    expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
            }
        }
        try check(configuration.batchSize, 1...1_000_000, "batch size")
        try check(configuration.threadCount, 0...256, "number of threads")
        try check(configuration.prefetchCount, 1...4096, "number of batches to make ahead")
        try check(augmentations.count, 0...256, "number of augmentations")
        guard dataset.count > 0 else {
            throw ZooError(.invalidArgument, "the data set has no samples", file: dataset.name)
        }
        let executor = try PreprocessingExecutor(preprocessing)
        let size: Extent
        if let known = preprocessing.crop ?? preprocessing.resize ?? dataset.pictureSize {
            size = known
        } else {
            let first = try dataset.picture(at: 0)
            size = Extent(first.height, first.width)
        }
        self.dataset = dataset
        self.configuration = configuration
        self.assembler = BatchAssembler(
            dataset: dataset, executor: executor, augmentations: augmentations, seed: configuration.seed,
            size: try executor.outputSize(of: size))
    }

    /// Shape of one sample, `[C, H, W]`.
    public var sampleShape: TensorShape {
        [assembler.executor.channels, assembler.size.height, assembler.size.width]
    }

    /// Batches of one epoch.
    public var batchCount: Int {
        let (full, rest) = dataset.count.quotientAndRemainder(dividingBy: configuration.batchSize)
        return rest > 0 && !configuration.dropsLast ? full + 1 : full
    }

    /// Samples that one epoch gives.
    public var sampleCount: Int {
        configuration.dropsLast ? batchCount * configuration.batchSize : dataset.count
    }

    /// The order of the samples in an epoch: the stream `shuffle` at that step.
    public func order(epoch: Int) -> [Int] {
        guard configuration.shuffles else { return Array(0..<dataset.count) }
        return Self.shuffled(dataset.count, seed: configuration.seed, epoch: epoch)
    }

    fileprivate static func shuffled(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
        RandomStream(seed: seed, name: "shuffle", step: UInt64(truncatingIfNeeded: epoch))
            .permutation(count: count)
    }

    /// Begins an epoch; its threads start to make batches at once.
    /// - Parameters:
    ///   - epoch: from 0.
    ///   - first: number of the first batch, for a run that resumes in the middle.
    public func epoch(_ epoch: Int, startingAt first: Int = 0) throws(ZooError) -> EpochBatches {
        guard epoch >= 0, (0...batchCount).contains(first) else {
            throw ZooError(
                .invalidArgument, "the epoch has no such batch", expected: "0 to \(batchCount)",
                found: "batch \(first) of epoch \(epoch)")
        }
        let order = order(epoch: epoch)
        let (batchSize, assembler) = (configuration.batchSize, assembler)
        return try EpochBatches(
            numbers: first..<batchCount, threadCount: configuration.threadCount,
            prefetchCount: configuration.prefetchCount
        ) { (number) throws(ZooError) in
            let start = number * batchSize
            let indices = Array(order[start..<min(start + batchSize, order.count)])
            return try assembler.batch(of: indices, epoch: epoch, number: number, firstSampleNumber: start)
        }
    }
}

extension Subset {
    /// The samples of the first batches that training with this seed begins with: enough for a quick trial, and
    /// one batch, over and over, shows whether a network can learn at all.
    /// - Throws: ``ZooError`` unless there is at least one batch of at least one sample.
    public init(_ whole: any Dataset, firstBatches count: Int, batchSize: Int, seed: UInt64) throws(ZooError)
    {
        let (wanted, overflow) = count.multipliedReportingOverflow(by: batchSize)
        guard count > 0, batchSize > 0, !overflow else {
            throw ZooError(.invalidArgument, "the number of batches is out of range", found: "\(count)")
        }
        let order = Loader.shuffled(whole.count, seed: seed, epoch: 1)
        try self.init(whole, indices: order.prefix(wanted).sorted())
    }
}
