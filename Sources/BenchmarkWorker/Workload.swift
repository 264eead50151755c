import Menagerie

/// The model, the pictures, and the pieces of work that are measured on them. Every piece begins from the same
/// state and hands out what it computed, so that whoever asks can hold it against the other side's.
final class Workload {
    private let model: Model
    private let classes: Int
    private let threads: Int
    private let learningRate: Double
    private let rule: OptimizerRule
    private let batches: [(inputs: Tensor, labels: [Int32])]
    private let pictures: IDXDataset
    private var executors: [Int: NativeExecutor] = [:]

    /// Reads the model and the data that a request names.
    init(_ request: JSONValue) throws(ZooError) {
        let (model, _) = try ModelOpener(isolation: .inProcess).open(try request.text("model"))
        guard let classes = model.graph.classCount else {
            throw ZooError(.invalidArgument, "the model has no head with one row per class")
        }
        self.model = model
        self.classes = classes
        self.threads = try request.count("threads")
        self.learningRate = request["learning_rate"]?.doubleValue ?? 0
        self.rule = .sgd(momentum: Float(request["momentum"]?.doubleValue ?? 0))
        let inputs = try NPYFile.read(ByteSource(path: try request.text("inputs")))
        let labels = try NPYFile.read(ByteSource(path: try request.text("labels"))).scalars(Int32.self)
        guard inputs.shape.rank == 5, labels.count == inputs.shape[0] * inputs.shape[1] else {
            throw ZooError(.mismatch, "inputs and labels don't fit each other")
        }
        let size = inputs.shape[1]
        var batches: [(Tensor, [Int32])] = []
        for index in 0..<inputs.shape[0] {
            let batch = try inputs.sliced(axis: 0, index..<(index + 1)).contiguous()
                .reshaped(TensorShape(Array(inputs.shape.dimensions.dropFirst())))
            batches.append((batch, Array(labels[(index * size)..<((index + 1) * size)])))
        }
        self.batches = batches
        self.pictures = try IDXDataset(folder: try request.text("pictures"), split: .train)
    }

    /// Does what a request asks for.
    func answer(to request: JSONValue) throws(ZooError) -> JSONValue {
        switch try request.text("do") {
        case "train": try train(warmup: request.count("warmup"), steps: request.count("steps"))
        case "infer":
            try infer(
                batch: request.count("batch"), runs: request.count("runs"), output: request.text("output"))
        case "epoch": try epoch()
        case "order": try order(output: request.text("output"))
        case "profile": try profile(batch: batches[0].labels.count, runs: request.count("runs"))
        default: throw ZooError(.invalidArgument, "unknown work", found: try request.text("do"))
        }
    }

    /// Full steps from the model's weights: forward, loss, backward, update. The first `warmup` aren't timed.
    private func train(warmup: Int, steps: Int) throws(ZooError) -> JSONValue {
        let backend = try NativeBackend(
            graph: model.graph, parameters: model.parameters, batch: batches[0].labels.count, seed: 0,
            threads: threads)
        let update = OptimizerUpdate(rule: rule, learningRate: learningRate)
        var losses: [Double] = []
        losses.reserveCapacity(warmup + steps)
        var began = MonotonicClock.seconds()
        for number in 0..<(warmup + steps) {
            if number == warmup { began = MonotonicClock.seconds() }
            let (inputs, labels) = batches[number % batches.count]
            try backend.step(inputs, update: update) { (logits) throws(ZooError) in
                let result = try CrossEntropy.evaluate(logits: logits, classes: classes, labels: labels)
                losses.append(result.loss)
                return result.gradient
            }
        }
        let seconds = MonotonicClock.seconds() - began
        return ["seconds": .number(seconds), "losses": .array(losses.map { .number($0) })]
    }

    /// Logits for one batch after the other, from the caller's memory to the caller's memory.
    private func infer(batch: Int, runs: Int, output: String) throws(ZooError) -> JSONValue {
        let executor = try executor(batch: batch)
        let inputs = try batches.map { (entry) throws(ZooError) in
            try entry.inputs.sliced(axis: 0, 0..<batch).contiguous()
        }
        var results: [[Float]] = []
        results.reserveCapacity(runs)
        for input in inputs.prefix(4) { _ = try executor.forward(input) }
        let began = MonotonicClock.seconds()
        for run in 0..<runs {
            results.append(try executor.forward(inputs[run % inputs.count]).output.floats())
        }
        let seconds = MonotonicClock.seconds() - began
        try NPYFile.write(
            Tensor(results.flatMap { $0 }, shape: TensorShape([runs, batch, classes])), to: output)
        return ["seconds": .number(seconds)]
    }

    private func executor(batch: Int) throws(ZooError) -> NativeExecutor {
        if let known = executors[batch] { return known }
        let made = try NativeExecutor(
            graph: model.graph, parameters: model.parameters, engine: Engine(threads: threads),
            mostly: PlanConfiguration(.inference, batch: batch))
        executors[batch] = made
        return made
    }

    private var configuration: TrainingConfiguration {
        var result = TrainingConfiguration()
        result.epochs = 1
        result.batchSize = batches[0].labels.count
        result.optimizer = rule
        result.learningRate = learningRate
        result.threads = threads
        return result
    }

    /// One epoch over all pictures with the trainer of `zoo train`: shuffled, prepared, learned from.
    private func epoch() throws(ZooError) -> JSONValue {
        let last = LastEpoch()
        let trainer = try Trainer(
            model: model, configuration: configuration, data: .init(training: pictures), sinks: [last])
        let began = MonotonicClock.seconds()
        _ = try trainer.run()
        let seconds = MonotonicClock.seconds() - began
        guard let result = last.result else { throw ZooError(.systemFailure, "the trainer told nothing") }
        return [
            "seconds": .number(seconds), "loss": .number(result.trainingLoss), "steps": .integer(result.step),
            "losses": .array(last.losses.map { .number($0) }),
        ]
    }

    /// The order in which an epoch goes through the pictures.
    private func order(output: String) throws(ZooError) -> JSONValue {
        let loader = try Loader(
            pictures, preprocessing: model.preprocessing,
            configuration: LoaderConfiguration(batchSize: configuration.batchSize, seed: configuration.seed))
        let order = loader.order(epoch: 1)
        try NPYFile.write(Tensor(order.map { Int64($0) }, shape: TensorShape([order.count])), to: output)
        return ["pictures": .integer(order.count)]
    }

    /// What each operation of a training step takes.
    private func profile(batch: Int, runs: Int) throws(ZooError) -> JSONValue {
        let engine = try Engine(threads: threads)
        let configuration = PlanConfiguration(.training, batch: batch)
        let executor = try NativeExecutor(
            graph: model.graph, parameters: model.parameters, engine: engine, mostly: configuration)
        let plan = try executor.plan(for: configuration)
        _ = try executor.gradients(
            input: batches[0].inputs, outputGradient: Tensor(zeros: plan.outputShape),
            mode: .inference)
        let operations = plan.json["operations"]?.arrayValue ?? []
        var result: [JSONValue] = []
        for (pass, part) in [("repack", PlanPart.repack), ("forward", .forward), ("backward", .backward)] {
            let seconds = try engine.run { (context) throws(ZooError) in
                try plan.profile(part, runs: runs, context).map(\.seconds)
            }
            let names = operations.filter { $0["pass"]?.stringValue == pass }
            for (name, seconds) in zip(names, seconds) {
                var operation = name.objectValue ?? [:]
                operation["seconds"] = .number(seconds)
                result.append(.object(operation))
            }
        }
        return ["operations": .array(result), "slices": .integer(plan.sliceCount)]
    }
}

/// Remembers an epoch's result and the loss of its first steps.
private final class LastEpoch: EventSink {
    private(set) var result: EpochResult?
    private(set) var losses: [Double] = []

    func receive(_ event: TrainingEvent) {
        switch event {
        case .step(_, let step, let loss, _): if step <= 20 { losses.append(loss) }
        case .epoch(let result): self.result = result
        case .started, .checkpoint, .finished: break
        }
    }
}
