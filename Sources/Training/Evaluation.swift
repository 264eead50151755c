internal import ZooCompute
public import ZooDatasets
public import ZooModels
public import ZooTensors

/// How a model does on a data set.
public struct Evaluation: Sendable {
    /// Mean cross-entropy over all pictures.
    public let loss: Double
    /// What was taken for what.
    public let confusion: ConfusionMatrix
    /// Seconds that it took.
    public let seconds: Double

    /// Goes through a data set in its own order.
    /// - Parameter logits: computes the logits of a batch `[N, C, H, W]`, row-major.
    package init(
        _ dataset: any Dataset, model: Model, batchSize: Int,
        progress: (_ done: Int) -> Void = { _ in }, logits: (Tensor) throws(ZooError) -> [Float]
    ) throws(ZooError) {
        guard let classes = model.graph.classCount else {
            throw ZooError(.invalidArgument, "the model has no head with one row per class")
        }
        try dataset.checkClasses(fit: classes)
        let began = MonotonicClock.seconds()
        let loader = try Loader(
            dataset, preprocessing: model.preprocessing,
            configuration: LoaderConfiguration(batchSize: batchSize, shuffles: false))
        let batches = try loader.epoch(1)
        defer { batches.stop() }
        var confusion = ConfusionMatrix(classes: classes)
        var lossSum = 0.0
        var seen = 0
        while let batch = try batches.nextBatch() {
            let result = try CrossEntropy.evaluate(
                logits: try logits(batch.inputs), classes: classes, labels: batch.labels)
            for (predicted, actual) in zip(result.predictions, batch.labels) {
                confusion.count(actual: Int(actual), predicted: predicted)
            }
            lossSum += result.loss * Double(batch.count)
            seen += batch.count
            progress(seen)
        }
        self.loss = lossSum / Double(max(seen, 1))
        self.confusion = confusion
        self.seconds = MonotonicClock.seconds() - began
    }

    /// The evaluation as JSON, schema `menagerie/evaluation/1`.
    public func json(labels: [String]) -> JSONValue {
        var document = confusion.json(labels: labels).objectValue ?? [:]
        document["schema"] = "menagerie/evaluation/1"
        document["loss"] = .finite(loss)
        document["seconds"] = .number(seconds)
        return .object(document)
    }
}

extension Evaluation {
    /// Measures a model on a data set.
    /// - Parameter progress: is told how many pictures are done, after each batch.
    public static func run(
        _ model: Model, on dataset: any Dataset, batchSize: Int = 64, threads: Int? = nil,
        progress: (_ done: Int) -> Void = { _ in }
    ) throws(ZooError) -> Evaluation {
        let executor = try NativeExecutor(
            graph: model.graph, parameters: model.parameters, engine: Engine(threads: threads),
            mostly: PlanConfiguration(.inference, batch: batchSize))
        return try Evaluation(dataset, model: model, batchSize: batchSize, progress: progress) {
            (inputs) throws(ZooError) in try executor.forward(inputs).output.floats()
        }
    }
}
