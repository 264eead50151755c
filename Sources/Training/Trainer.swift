public import ZooDatasets
internal import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// Fine-tunes a model on a data set: head first if asked for, then everything, with a checkpoint after each epoch.
public final class Trainer {
    /// Pictures to learn from, and to check on after each epoch.
    public struct Data: Sendable {
        /// Pictures to learn from.
        public var training: any Dataset
        /// Pictures to check on; none is fine.
        public var validation: (any Dataset)?

        /// Names the data.
        public init(training: any Dataset, validation: (any Dataset)? = nil) {
            self.training = training
            self.validation = validation
        }
    }

    private let model: Model
    private let configuration: TrainingConfiguration
    /// Paths of the layers that are frozen from the first epoch to the last.
    private let neverLearning: Set<String>
    private let data: Data
    private let sinks: [any EventSink]
    private let folder: String?
    private let log: JSONLinesSink?
    private let backend: any TrainingBackend
    private let loader: Loader
    private var step: Int
    /// The step after which the run is over.
    private let lastStep: Int

    /// Prepares a run.
    /// - Parameters:
    ///   - folder: where checkpoints and the log go; `nil` keeps nothing on disk.
    ///   - checkpoint: where to go on from; its configuration wins over `configuration`, but for the length.
    package init(
        model: Model, configuration: TrainingConfiguration, data: Data, sinks: [any EventSink],
        folder: String?,
        resuming checkpoint: RunCheckpoint? = nil,
        backend makeBackend: (Model, TrainingConfiguration) throws(ZooError) -> any TrainingBackend
    ) throws(ZooError) {
        let start = checkpoint?.model ?? model
        var settings = checkpoint?.configuration ?? configuration
        if checkpoint != nil {
            settings.epochs = configuration.epochs
            settings.maxSteps = configuration.maxSteps
        }
        guard let classes = start.graph.classCount else {
            throw ZooError(
                .invalidArgument, "the model has no head with one row per class",
                remedy:
                    "zoo surgery gives one to a model that ends with its features, as --headless takes it.")
        }
        try data.training.checkClasses(fit: classes)
        if let validation = data.validation {
            try validation.checkClasses(fit: classes)
            // One may lack the last classes, but a number has to mean the same class in both.
            guard zip(data.training.classes, validation.classes).allSatisfy({ $0 == $1 }) else {
                throw ZooError(
                    .mismatch, "the pictures to check on have other classes than those to learn from",
                    file: validation.name, expected: Trainer.listed(data.training.classes),
                    found: Trainer.listed(validation.classes),
                    remedy: "Give both the same classes, or a labels.txt that names all of them.")
            }
        }
        let frozen = try settings.frozenPaths(of: start.graph)
        let backend = try makeBackend(start, settings)
        if let checkpoint {
            guard checkpoint.plan == backend.plan else {
                throw ZooError(
                    .mismatch, "the run was computed under another plan, so going on would give other bits",
                    expected: checkpoint.plan.text(), found: backend.plan.text(),
                    remedy: "Resume on the same kind of machine with the same number of threads.")
            }
            try backend.setOptimizerState(checkpoint.optimizerState)
        }
        self.model = start
        self.configuration = settings
        self.neverLearning = frozen
        self.data = data
        self.folder = folder
        self.backend = backend
        let loader = try Loader(
            data.training, preprocessing: start.preprocessing,
            configuration: LoaderConfiguration(batchSize: settings.batchSize, seed: settings.seed))
        if let checkpoint, checkpoint.step / loader.batchCount != checkpoint.epoch {
            throw ZooError(
                .mismatch, "the run was on another number of pictures", file: data.training.name,
                expected: "\(checkpoint.step) steps in \(checkpoint.epoch) epochs",
                found: "\(loader.batchCount) steps an epoch",
                remedy: "Resume with the data that the run began with.")
        }
        self.loader = loader
        self.step = checkpoint?.step ?? 0
        self.lastStep = min(loader.batchCount * settings.epochs, settings.maxSteps ?? .max)
        if let folder {
            let log = try JSONLinesSink(path: "\(folder)/log.jsonl", keeping: checkpoint?.logByteCount ?? 0)
            self.log = log
            self.sinks = [log] + sinks
        } else {
            self.log = nil
            self.sinks = sinks
        }
    }

    private static func listed(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    }

    /// Prepares a run.
    /// - Parameters:
    ///   - sinks: are told what happens.
    ///   - folder: an existing folder for the log and the checkpoints; `nil` keeps nothing on disk.
    /// - Throws: ``ZooError`` when the data has more classes than the model has rows in its head.
    public convenience init(
        model: Model, configuration: TrainingConfiguration, data: Data, sinks: [any EventSink] = [],
        folder: String? = nil
    ) throws(ZooError) {
        try self.init(
            model: model, configuration: configuration, data: data, sinks: sinks, folder: folder,
            backend: Trainer.nativeBackend)
    }

    /// Goes on with a run from its checkpoint, to the same bits that it would have come to without a break.
    /// - Parameters:
    ///   - epochs: epochs in all, if more than the run was set up for.
    ///   - steps: steps in all, instead of the epochs.
    /// - Throws: ``ZooError`` when this machine would compute under another plan, or the data isn't what the run
    ///   began with.
    public convenience init(
        resuming checkpoint: RunCheckpoint, epochs: Int? = nil, steps: Int? = nil, data: Data,
        sinks: [any EventSink] = [], folder: String
    ) throws(ZooError) {
        var configuration = checkpoint.configuration
        if let epochs {
            configuration.epochs = max(epochs, configuration.epochs)
            configuration.maxSteps = nil
        }
        if let steps { configuration.limit(toSteps: steps, pictures: data.training.count) }
        try self.init(
            model: checkpoint.model, configuration: configuration, data: data, sinks: sinks, folder: folder,
            resuming: checkpoint, backend: Trainer.nativeBackend)
    }

    private static func nativeBackend(
        _ model: Model, _ configuration: TrainingConfiguration
    ) throws(ZooError) -> any TrainingBackend {
        try NativeBackend(
            graph: model.graph, parameters: model.parameters, batch: configuration.batchSize,
            seed: configuration.seed, threads: configuration.threads)
    }

    /// Trains all steps that are left.
    /// - Returns: the model as it is at the end.
    public func run() throws(ZooError) -> Model {
        let began = MonotonicClock.seconds()
        let trainable = model.graph.parameters.filter {
            !frozenNodes(epoch: configuration.epochs).contains($0.path.node)
        }
        try send(
            .started(
                configuration: configuration, steps: lastStep, firstEpoch: step / loader.batchCount + 1,
                parameters: model.parameters.elementCount,
                trainable: trainable.reduce(0) { $0 + $1.shape.elementCount }))
        while step < lastStep {
            let epoch = step / loader.batchCount + 1
            try train(epoch: epoch, from: step % loader.batchCount)
            try writeCheckpoint(epoch: epoch)
        }
        try send(.finished(steps: step, seconds: MonotonicClock.seconds() - began))
        return try current()
    }

    /// Nodes that don't learn in an epoch, counted from 1.
    private func frozenNodes(epoch: Int) -> Set<String> {
        var frozen: Set<String> = []
        for node in model.graph.nodes where !node.layer.parameterShapes.isEmpty {
            let headOnly = epoch <= configuration.headEpochs && node.path != model.graph.head
            if headOnly || neverLearning.contains(node.path) { frozen.insert(node.path) }
        }
        return frozen
    }

    /// Trains an epoch, from one of its batches on, up to its end or the run's.
    private func train(epoch: Int, from batch: Int) throws(ZooError) {
        let began = MonotonicClock.seconds()
        try backend.freeze(frozenNodes(epoch: epoch))
        let classes = model.graph.classCount ?? 0
        let update = OptimizerUpdate(rule: configuration.optimizer, learningRate: configuration.learningRate)
        let batches = try loader.epoch(epoch, startingAt: batch)
        defer { batches.stop() }
        var lossSum = 0.0
        var right = 0
        var seen = 0
        while step < lastStep, let batch = try batches.nextBatch() {
            var outcome: CrossEntropy.Result?
            try backend.step(batch.inputs, update: update) { (logits) throws(ZooError) in
                let result = try CrossEntropy.evaluate(logits: logits, classes: classes, labels: batch.labels)
                outcome = result
                return result.gradient
            }
            guard let outcome else { continue }
            guard outcome.loss.isFinite else {
                throw ZooError(
                    .invalidArgument, "the loss became \(outcome.loss) at step \(step + 1) of epoch \(epoch)",
                    remedy: "Take a smaller learning rate.")
            }
            step += 1
            seen += batch.count
            lossSum += outcome.loss * Double(batch.count)
            right += zip(outcome.predictions, batch.labels).count { $0 == Int($1) }
            try send(
                .step(epoch: epoch, step: step, loss: outcome.loss, learningRate: configuration.learningRate))
        }
        let trained = MonotonicClock.seconds() - began
        let validation = try data.validation.map { (dataset) throws(ZooError) in try evaluate(dataset) }
        try send(
            .epoch(
                EpochResult(
                    epoch: epoch, step: step, trainingLoss: lossSum / Double(max(seen, 1)),
                    trainingAccuracy: Double(right) / Double(max(seen, 1)), validationLoss: validation?.loss,
                    validationAccuracy: validation?.confusion.accuracy,
                    seconds: MonotonicClock.seconds() - began,
                    picturesPerSecond: Double(seen) / max(trained, 1e-9))))
    }

    private func evaluate(_ dataset: any Dataset) throws(ZooError) -> Evaluation {
        try Evaluation(dataset, model: model, batchSize: configuration.batchSize) {
            (inputs) throws(ZooError) in
            try backend.logits(inputs)
        }
    }

    private func current() throws(ZooError) -> Model {
        let trained = try model.with(parameters: try backend.parameters())
        var provenance = trained.provenance
        let epochs = step / loader.batchCount
        let said =
            "trained on \(data.training.name): \(epochs) epochs, \(step) steps, seed \(configuration.seed)"
        if let last = provenance.history.last, last.hasPrefix("trained on \(data.training.name): ") {
            provenance.history.removeLast()
        }
        provenance.history.append(said)
        return try Model(
            graph: trained.graph, parameters: trained.parameters, keys: trained.keys,
            preprocessing: trained.preprocessing, labels: trained.labels, provenance: provenance)
    }

    private func writeCheckpoint(epoch: Int) throws(ZooError) {
        guard let folder else { return }
        let path = "\(folder)/last.zoo.safetensors"
        try send(.checkpoint(epoch: epoch, path: path))
        let checkpoint = RunCheckpoint(
            model: try current(), configuration: configuration, epoch: step / loader.batchCount, step: step,
            optimizerState: try backend.optimizerState(), plan: backend.plan,
            logByteCount: log?.byteCount ?? 0)
        try checkpoint.write(to: path)
    }

    private func send(_ event: TrainingEvent) throws(ZooError) {
        for sink in sinks { try sink.receive(event) }
    }
}

extension Dataset {
    /// Refuses a model whose head doesn't have one row for each of the data's classes.
    func checkClasses(fit count: Int) throws(ZooError) {
        guard classes.count != count else { return }
        // Without names the highest labels may just not occur.
        if !hasClassNames, classes.count < count { return }
        let remedy = "Give the model a head for them: zoo surgery MODEL --labels FILE."
        throw ZooError(
            .mismatch, "the data has \(classes.count > count ? "more" : "fewer") classes than the model",
            file: name, expected: "\(count)", found: "\(classes.count)",
            remedy: classes.count > count
                ? remedy : "Name all of the model's classes in the data's labels.txt, or: " + remedy)
    }
}

extension Optional {
    /// `map` for bodies that throw ``ZooError``.
    fileprivate func map<Result>(_ body: (Wrapped) throws(ZooError) -> Result) throws(ZooError) -> Result? {
        guard let self else { return nil }
        return try body(self)
    }
}
