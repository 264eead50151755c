import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport
import ZooTraining

/// Pictures of two kinds: bright above, or bright below.
struct HalvesDataset: Dataset {
    let count: Int
    var name: String { "halves" }
    var classes: [String] { ["above", "below"] }
    var labels: [Int32] { (0..<count).map { Int32($0 % 2) } }
    var pictureSize: Extent? { Extent(12) }

    func picture(at index: Int) throws(ZooError) -> Picture {
        let stream = RandomStream(seed: 9, name: "halves", step: UInt64(index))
        let pixels = (0..<144).map { place in
            let bright = (place < 72) == (index % 2 == 0)
            return UInt8(stream.bits(at: UInt64(place)) % 100) + (bright ? 120 : 0)
        }
        return try Picture(width: 12, height: 12, channels: 1, pixels: pixels)
    }

    func sampleName(at index: Int) -> String { "halves #\(index)" }
}

/// Keeps what it is told.
final class Recorder: EventSink {
    var events: [TrainingEvent] = []
    func receive(_ event: TrainingEvent) { events.append(event) }

    var losses: [Double] {
        events.compactMap { if case .step(_, _, let loss, _) = $0 { loss } else { nil } }
    }
    var epochs: [EpochResult] {
        events.compactMap { if case .epoch(let result) = $0 { result } else { nil } }
    }
}

func smallModel(classes: Int = 2) throws -> Model {
    let graph = try LayerGraph(
        architecture: "custom", input: InputShape(channels: 1, height: 12, width: 12),
        chain: [
            ("conv", .convolution(Convolution(1, 3, kernel: Extent(3)))), ("relu", .activation(.relu)),
            ("pool", .pooling(Pooling(.maximum, window: Extent(2)))), ("flatten", .flatten(.channelsFirst)),
            ("head", .linear(Linear(75, classes))),
        ], head: "head")
    return try Model(
        graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 3),
        preprocessing: Preprocessing(channels: .grey, resize: Extent(12)))
}

/// Batch normalisation, a residual, dropout: what behaves differently while training, and a graph that is no chain.
func normalizedModel() throws -> Model {
    func convolution(_ inputs: Int, stride: Int = 1) -> Layer {
        .convolution(
            Convolution(
                inputs, 5, kernel: Extent(3), stride: Extent(stride), padding: Padding(1), hasBias: false))
    }
    let graph = try LayerGraph(
        architecture: "custom", input: InputShape(channels: 1, height: 12, width: 12),
        nodes: [
            Node("conv1", convolution(1, stride: 2), inputs: ["input"]),
            Node("bn1", .batchNormalization(BatchNormalization(5)), inputs: ["conv1"]),
            Node("act1", .activation(.silu), inputs: ["bn1"]),
            Node("conv2", convolution(5), inputs: ["act1"]),
            Node(
                "bn2",
                .batchNormalization(BatchNormalization(5, epsilon: 1e-3, usesBiasedVariance: true)),
                inputs: ["conv2"]),
            Node("add", .add, inputs: ["bn2", "act1"]),
            Node("flatten", .flatten(.channelsFirst), inputs: ["add"]),
            Node("drop", .dropout(probability: 0.2), inputs: ["flatten"]),
            Node("head", .linear(Linear(180, 2)), inputs: ["drop"]),
        ], head: "head")
    return try Model(
        graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 3),
        preprocessing: Preprocessing(channels: .grey, resize: Extent(12)))
}

@Suite(.serialized) struct TrainerTests {
    private func configuration(epochs: Int, change: (inout TrainingConfiguration) -> Void = { _ in })
        -> TrainingConfiguration
    {
        var result = TrainingConfiguration()
        result.epochs = epochs
        result.batchSize = 16
        result.learningRate = 0.05
        change(&result)
        return result
    }

    private func trainer(
        _ configuration: TrainingConfiguration, sinks: [any EventSink] = [], folder: String? = nil,
        resuming: RunCheckpoint? = nil, model: Model? = nil, isNative: Bool = true
    ) throws -> Trainer {
        try Trainer(
            model: model ?? smallModel(), configuration: configuration,
            data: Trainer.Data(training: HalvesDataset(count: 72), validation: HalvesDataset(count: 20)),
            sinks: sinks, folder: folder, resuming: resuming
        ) { (model, settings) throws(ZooError) -> any TrainingBackend in
            guard isNative else {
                return try ReferenceBackend(
                    graph: model.graph, parameters: model.parameters, seed: settings.seed)
            }
            return try NativeBackend(
                graph: model.graph, parameters: model.parameters, batch: settings.batchSize,
                seed: settings.seed, threads: settings.threads)
        }
    }

    @Test func itLearns() throws {
        let recorder = Recorder()
        _ = try trainer(configuration(epochs: 6), sinks: [recorder]).run()
        #expect(recorder.losses.count == 6 * 5)
        let last = try #require(recorder.epochs.last)
        #expect(last.validationAccuracy ?? 0 > 0.9)
        #expect(last.trainingLoss < recorder.losses[0])
    }

    @Test(arguments: [OptimizerRule.sgd(momentum: 0.9), .adam()], [true, false])
    func interruptedAndResumedGivesTheSameBits(rule: OptimizerRule, isNative: Bool) throws {
        let whole = try TemporaryFolder()
        let parts = try TemporaryFolder()
        let settings = configuration(epochs: 3) {
            $0.optimizer = rule; $0.headEpochs = 1
        }
        let uninterrupted = try trainer(settings, folder: whole.path, isNative: isNative).run()

        // An interruption after the first epoch, with a log that has grown since its checkpoint.
        var short = settings
        short.epochs = 1
        _ = try trainer(short, folder: parts.path, isNative: isNative).run()
        let file = try CheckpointReader.read(
            path: parts.file("last.zoo.safetensors"), options: CheckpointReadOptions(keepPrefixes: true))
        let resumed = try trainer(
            settings, folder: parts.path, resuming: RunCheckpoint(file), isNative: isNative
        )
        .run()
        for (path, tensor) in uninterrupted.parameters.entries {
            #expect(try resumed.parameters[path]?.bytes() == tensor.bytes(), "\(path)")
        }
        let logs = try [whole, parts].map { folder in
            try String(decoding: TestFiles.read(folder.file("log.jsonl")), as: UTF8.self).split(
                separator: "\n"
            )
            .filter { $0.contains("\"step\"") && $0.contains("\"event\": \"step\"") }
        }
        #expect(logs[0].count == 15)
        #expect(logs[0] == logs[1])
    }

    /// A run may end within an epoch, and go on from there.
    @Test func stepsCountAcrossEpochs() throws {
        let whole = try TemporaryFolder()
        let parts = try TemporaryFolder()
        let uninterrupted = try trainer(configuration(epochs: 3), folder: whole.path).run()

        let recorder = Recorder()
        var short = configuration(epochs: 1) { $0.headEpochs = 0 }
        short.limit(toSteps: 7, pictures: 72)
        #expect(short.epochs == 2)
        _ = try trainer(short, sinks: [recorder], folder: parts.path).run()
        #expect(recorder.losses.count == 7)
        #expect(recorder.epochs.map(\.step) == [5, 7])

        let file = try CheckpointReader.read(
            path: parts.file("last.zoo.safetensors"), options: CheckpointReadOptions(keepPrefixes: true))
        let checkpoint = try RunCheckpoint(file)
        #expect(checkpoint.epoch == 1 && checkpoint.step == 7 && checkpoint.configuration.maxSteps == 7)
        let data = Trainer.Data(training: HalvesDataset(count: 72), validation: HalvesDataset(count: 20))
        let resumed = try Trainer(resuming: checkpoint, epochs: 3, data: data, folder: parts.path).run()
        for (path, tensor) in uninterrupted.parameters.entries {
            #expect(try resumed.parameters[path]?.bytes() == tensor.bytes(), "\(path)")
        }
        #expect(throws: ZooError.self) {
            let other = Trainer.Data(training: HalvesDataset(count: 200))
            _ = try Trainer(resuming: checkpoint, epochs: 3, data: other, folder: parts.path)
        }
    }

    @Test func runningStatisticsAreResumedToo() throws {
        let whole = try TemporaryFolder()
        let parts = try TemporaryFolder()
        let model = try normalizedModel()
        let settings = configuration(epochs: 3) { $0.headEpochs = 1 }
        let uninterrupted = try trainer(settings, folder: whole.path, model: model).run()
        var short = settings
        short.epochs = 2
        _ = try trainer(short, folder: parts.path, model: model).run()
        let file = try CheckpointReader.read(
            path: parts.file("last.zoo.safetensors"), options: CheckpointReadOptions(keepPrefixes: true))
        let resumed = try trainer(
            settings, folder: parts.path, resuming: RunCheckpoint(file), model: model
        ).run()
        for (path, tensor) in uninterrupted.parameters.entries {
            #expect(try resumed.parameters[path]?.bytes() == tensor.bytes(), "\(path)")
            #expect(try model.parameters[path]?.bytes() != tensor.bytes(), "\(path)")
        }
        #expect(try RunCheckpoint(file).optimizerState.keys.allSatisfy { $0.role.isLearned })
    }

    @Test func frozenNormalizationsKeepTheirStatistics() throws {
        let model = try normalizedModel()
        let trained = try trainer(configuration(epochs: 1) { $0.frozen = ["bn1"] }, model: model).run()
        for path in model.parameters.paths {
            let same = try trained.parameters[path]?.bytes() == model.parameters[path]?.bytes()
            #expect(same == (path.node == "bn1"), "\(path)")
        }
        let head = try trainer(configuration(epochs: 1) { $0.headEpochs = 1 }, model: model).run()
        for path in model.parameters.paths {
            let same = try head.parameters[path]?.bytes() == model.parameters[path]?.bytes()
            #expect(same == (path.node != "head"), "\(path)")
        }
    }

    /// The fast way and the oracle take the same steps.
    @Test(
        arguments: [
            OptimizerRule.sgd(momentum: 0.9, weightDecay: 0.01, nesterov: true), .adam(weightDecay: 0.01),
        ], [false, true])
    func nativeFollowsTheReference(rule: OptimizerRule, isNormalized: Bool) throws {
        let model = try isNormalized ? normalizedModel() : smallModel()
        let settings = configuration(epochs: 1) {
            $0.optimizer = rule; $0.learningRate = 0.01
        }
        let ours = try trainer(settings, model: model).run()
        let reference = try trainer(settings, model: model, isNative: false).run()
        for (path, tensor) in reference.parameters.entries {
            let wanted = try tensor.doubles()
            let found = try #require(ours.parameters[path]).doubles()
            let scale = wanted.reduce(0) { max($0, abs($1)) }
            let distance = zip(wanted, found).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(distance <= 1e-4 * scale, "\(path): \(distance)")
        }
    }

    @Test func anotherPlanIsRefusedWhenResuming() throws {
        let folder = try TemporaryFolder()
        let settings = configuration(epochs: 1)
        _ = try trainer(settings, folder: folder.path).run()
        let run = try RunCheckpoint(
            CheckpointReader.read(
                path: folder.file("last.zoo.safetensors"), options: CheckpointReadOptions(keepPrefixes: true))
        )
        let elsewhere = RunCheckpoint(
            model: run.model, configuration: run.configuration, epoch: run.epoch, step: run.step,
            optimizerState: run.optimizerState, plan: ["threads": 64], logByteCount: run.logByteCount)
        #expect {
            try trainer(settings, folder: folder.path, resuming: elsewhere)
        } throws: {
            ($0 as? ZooError)?.problem.contains("another plan") == true
        }
    }

    @Test func frozenLayersStayByteForByte() throws {
        let model = try smallModel()
        for name in ["co*", "conv", "body"] {
            let settings = configuration(epochs: 2) { $0.frozen = [name] }
            let trained = try trainer(settings, model: model).run()
            for path in model.parameters.paths {
                let same = try trained.parameters[path]?.bytes() == model.parameters[path]?.bytes()
                #expect(same == (path.node == "conv"), "\(path)")
            }
        }
    }

    @Test func layersThatAreNotThereCannotBeFrozen() throws {
        for name in ["stage3", "kno*", "con"] {
            #expect {
                try trainer(configuration(epochs: 1) { $0.frozen = [name] }, model: smallModel())
            } throws: { ($0 as? ZooError)?.tensor == name }
        }
    }

    @Test func headFirstThenAll() throws {
        let model = try smallModel()
        let headOnly = try trainer(configuration(epochs: 1) { $0.headEpochs = 1 }, model: model).run()
        let weight = ParameterPath("conv", .weight)
        #expect(try headOnly.parameters[weight]?.bytes() == model.parameters[weight]?.bytes())
        let all = try trainer(configuration(epochs: 2) { $0.headEpochs = 1 }, model: model).run()
        #expect(try all.parameters[weight]?.bytes() != model.parameters[weight]?.bytes())
    }

    @Test func aCheckpointIsAModelAndARun() throws {
        let folder = try TemporaryFolder()
        let result = try trainer(configuration(epochs: 2), folder: folder.path).run()
        let file = try CheckpointReader.read(
            path: folder.file("last.zoo.safetensors"), options: CheckpointReadOptions(keepPrefixes: true))
        let model = try ModelFile.read(file)
        #expect(model.provenance.history.last?.contains("2 epochs") == true)
        let run = try RunCheckpoint(file)
        #expect(run.epoch == 2 && run.step == 10)
        #expect(run.optimizerState.count == 4)
        for (path, tensor) in result.parameters.entries {
            #expect(try model.parameters[path]?.bytes() == tensor.bytes())
        }
        #expect(throws: ZooError.self) {
            try ModelFile.write(model, to: folder.file("plain.zoo.safetensors"))
            _ = try RunCheckpoint(
                CheckpointReader.read(
                    path: folder.file("plain.zoo.safetensors"),
                    options: CheckpointReadOptions(keepPrefixes: true)))
        }
    }

    @Test func dataWithMoreClassesThanTheModelIsRefused() throws {
        #expect {
            try trainer(configuration(epochs: 1), model: smallModel(classes: 1))
        } throws: { ($0 as? ZooError)?.remedy?.contains("zoo surgery") == true }
    }

    @Test func aLossThatLeavesTheNumbersStopsTheRun() throws {
        let settings = configuration(epochs: 3) { $0.learningRate = 1e30 }
        #expect { try trainer(settings).run() } throws: {
            ($0 as? ZooError)?.remedy?.contains("smaller learning rate") == true
        }
    }
}
