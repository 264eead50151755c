import ArgumentParser
import Menagerie

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fine-tune a model on your own pictures, with a checkpoint after each epoch.",
        usage: """
            zoo train <model> --data <folder> -o <folder> [<options>]
            zoo train --resume <folder> --data <folder> [--epochs <count>]
            """,
        discussion: """
            The data is a folder of IDX files (gzipped or not), of pictures in one sub-folder per class, or with \
            such sub-folders under train and test. Without a test part, a fifth of the pictures is kept for \
            checking. The run's folder gets log.jsonl, last.zoo.safetensors (a model, and where --resume goes on \
            from) and model.zoo.safetensors at the end. Ctrl-C stops a run; --resume goes on after its last \
            complete epoch. The same seed, plan and threads give the same bits, interrupted or not.

            Examples:
              zoo train fashion.zoo.safetensors --data zoo/data/fashion-mnist -o run \\
                --head-epochs 1 --epochs 5
              zoo train --resume run --data zoo/data/fashion-mnist --epochs 8
              zoo train fashion.zoo.safetensors --data zoo/data/fashion-mnist -o one \\
                --limit-batches 1 --steps 50
            """)

    @Argument(help: "\(ModelOptions.help) With --resume, leave it out.") var model: String?
    @Option(name: .long, help: ArgumentHelp("The folder with the pictures.", valueName: "folder")) var data:
        String
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The run's folder, which must be new or empty.", valueName: "folder"))
    var output: String?
    @Option(name: .long, help: ArgumentHelp("Go on with the run in this folder.", valueName: "folder"))
    var resume: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Passes over the training pictures, 5 by default; with --resume, in all.", valueName: "count"))
    var epochs: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Optimizer steps in all, instead of epochs; may end within one.", valueName: "count"))
    var steps: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Train on the first batches alone, over and over; 1 shows whether a model can learn at all.",
            valueName: "count"))
    var limitBatches: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Epochs at the beginning in which only the head learns, 0 by default.", valueName: "count"))
    var headEpochs: Int?
    @Option(name: .long, help: ArgumentHelp("Pictures per step, 64 by default.", valueName: "count"))
    var batch: Int?
    @Option(
        name: .long, help: ArgumentHelp("sgd (with momentum, the default) or adam.", valueName: "name"))
    var optimizer: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Learning rate; 0.01 for sgd and 0.001 for adam by default.", valueName: "number"))
    var learningRate: Double?
    @Option(name: .long, help: ArgumentHelp("Momentum of sgd, 0.9 by default.", valueName: "number"))
    var momentum: Double?
    @Option(
        name: .long,
        help: ArgumentHelp("Weight decay, added to the gradient; 0 by default.", valueName: "number"))
    var weightDecay: Double?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Layers that don't learn: stem, stage1, body, a path, what paths begin with; * stands for anything "
                + "(repeatable).", valueName: "layers"))
    var freeze: [String] = []
    @Flag(
        name: .long,
        help: "Draw all numbers afresh first, for comparison: nothing of the training so far is kept.")
    var fromScratch = false
    @Option(
        name: .long, help: ArgumentHelp("Seed of every random choice, 0 by default.", valueName: "number"))
    var seed: UInt64?
    @Option(name: .long, help: ArgumentHelp("Threads that compute, 2 by default.", valueName: "count"))
    var threads: Int?
    @OptionGroup var options: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
        func check(_ isFine: Bool, _ message: String) throws {
            if !isFine { throw ValidationError(message) }
        }
        try check(
            (model == nil) == (resume != nil), "Give a model to begin with, or --resume FOLDER, but not both."
        )
        try check(
            (output == nil) == (resume != nil), "Name the run's folder with -o FOLDER (--resume has one).")
        try check(
            epochs.map { (1...1_000_000).contains($0) } ?? true, "--epochs must be between 1 and 1000000.")
        try check(
            steps.map { (1...1_000_000_000).contains($0) } ?? true,
            "--steps must be between 1 and 1000000000.")
        try check(steps == nil || epochs == nil, "Give --epochs or --steps, not both.")
        try check(
            limitBatches.map { (1...1_000_000).contains($0) } ?? true, "--limit-batches must be above 0.")
        try check(
            headEpochs.map { (0...1_000_000).contains($0) } ?? true,
            "--head-epochs must be between 0 and 1000000.")
        try check(batch.map { (1...65_536).contains($0) } ?? true, "--batch must be between 1 and 65536.")
        try check(
            optimizer.map { ["sgd", "adam"].contains($0) } ?? true, "--optimizer must be sgd or adam.")
        try check(learningRate.map { $0 > 0 && $0.isFinite } ?? true, "--learning-rate must be above 0.")
        try check(
            momentum.map { (0..<1).contains($0) } ?? true, "--momentum must be from 0 to below 1.")
        try check(
            momentum == nil || optimizer != "adam", "--momentum belongs to sgd; adam has none to set.")
        try check(
            weightDecay.map { $0 >= 0 && $0.isFinite } ?? true, "--weight-decay must not be negative.")
        try check(threads.map { (1...1_024).contains($0) } ?? true, "--threads must be between 1 and 1024.")
        let settled = resume == nil ? [] : givenSettings
        try check(
            settled.isEmpty,
            "\(settled.joined(separator: ", ")): a run that goes on keeps its own settings. Leave this out, or "
                + "begin a new run with -o FOLDER.")
    }

    /// Options that are given and that a run decides once, when it begins.
    private var givenSettings: [String] {
        let others = [
            ("--head-epochs", headEpochs != nil), ("--batch", batch != nil),
            ("--optimizer", optimizer != nil), ("--learning-rate", learningRate != nil),
            ("--momentum", momentum != nil), ("--weight-decay", weightDecay != nil),
            ("--freeze", !freeze.isEmpty), ("--from-scratch", fromScratch), ("--seed", seed != nil),
            ("--threads", threads != nil),
        ]
        return options.given + others.filter(\.1).map(\.0)
    }

    func run() throws {
        let progress = TrainingProgress(isSilent: outputOptions.json)
        let folder = RunFolder(path: resume ?? output ?? "")
        adviseOnInterruption(folder)
        let trainer: Trainer
        var made = false
        var validation: any Dataset
        if resume != nil {
            try folder.checkResumable()
            let checkpoint = try RunCheckpoint(options.opener().checkpoint(folder.checkpoint))
            try checkLength(checkpoint)
            let parts = try parts(checkpoint.configuration)
            validation = parts.validation.dataset
            announce(folder.checkpoint, parts)
            trainer = try Trainer(
                resuming: checkpoint, epochs: epochs, steps: steps, data: Trainer.Data(parts),
                sinks: [progress], folder: folder.path)
        } else {
            let source = model ?? ""
            var (start, _) = try options.open(source)
            if fromScratch { start = try FreshStart(seed: seed ?? 0).apply(to: start) }
            var configuration = configuration
            let parts = try parts(configuration)
            if let steps { configuration.limit(toSteps: steps, pictures: parts.training.dataset.count) }
            validation = parts.validation.dataset
            start = try Train.named(start, after: parts.training.dataset)
            announce(source, parts)
            made = try folder.begin()
            do {
                trainer = try Trainer(
                    model: start, configuration: configuration, data: Trainer.Data(parts), sinks: [progress],
                    folder: folder.path)
            } catch {
                if made { Folders.removeEmpty(folder.path) }
                throw error
            }
        }
        try folder.removeLeftovers()
        let trained: Model
        do {
            trained = try trainer.run()
        } catch {
            if resume == nil { folder.removeFruitless(wasMade: made) }
            throw error
        }
        let target = folder.model
        try ModelFile.write(trained, to: target)
        let result = try Evaluation.run(trained, on: validation)
        if outputOptions.json {
            let document: JSONValue = [
                "schema": "menagerie/train/1", "model": .string(target), "folder": .string(folder.path),
                "accuracy": .number(result.confusion.accuracy), "loss": .finite(result.loss),
            ]
            print(document.text(pretty: true))
            return
        }
        print("Wrote \(Terminal.bold(target)), accuracy \(Numbers.percent(result.confusion.accuracy))")
        print("Next: zoo evaluate \(Paths.quoted(target)) --data \(Paths.quoted(data))")
    }

    /// Whoever stops a run wants to know how to go on.
    private func adviseOnInterruption(_ folder: RunFolder) {
        // A run keeps its length, unless it is being made longer; the choice of pictures isn't part of it.
        let longer = [epochs.map { " --epochs \($0)" }, steps.map { " --steps \($0)" }].compactMap { $0 }
        let more =
            (resume == nil ? "" : longer.joined()) + (limitBatches.map { " --limit-batches \($0)" } ?? "")
        let again = "zoo train --resume \(Paths.quoted(folder.path)) --data \(Paths.quoted(data))\(more)"
        Interruption.advise {
            folder.hasCheckpoint
                ? "; the run is kept up to its last complete epoch.\nNext: \(again)"
                : " before the first epoch ended. There is nothing to resume yet; the same command begins again."
        }
    }

    private var configuration: TrainingConfiguration {
        var result = TrainingConfiguration()
        result.epochs = epochs ?? 5
        result.headEpochs = headEpochs ?? 0
        result.batchSize = batch ?? 64
        let decay = Float(weightDecay ?? 0)
        result.optimizer =
            optimizer == "adam"
            ? .adam(weightDecay: decay) : .sgd(momentum: Float(momentum ?? 0.9), weightDecay: decay)
        result.learningRate = learningRate ?? (optimizer == "adam" ? 0.001 : 0.01)
        result.frozen = freeze
        result.seed = seed ?? 0
        result.threads = threads ?? 2
        return result
    }

    /// A run goes on to more than it was set up for, never to less.
    private func checkLength(_ checkpoint: RunCheckpoint) throws(ZooError) {
        let planned = checkpoint.configuration.epochs
        if let epochs, epochs < planned {
            throw ZooError(
                .invalidArgument, "the run was set up for more epochs than --epochs asks for",
                file: RunFolder(path: resume ?? "").checkpoint, expected: "at least \(planned)",
                found: "\(epochs)", remedy: "Leave --epochs out, or ask for more.")
        }
        if let steps, steps < checkpoint.step {
            throw ZooError(
                .invalidArgument, "the run has taken more steps than --steps asks for",
                file: RunFolder(path: resume ?? "").checkpoint, expected: "at least \(checkpoint.step)",
                found: "\(steps)", remedy: "Ask for more.")
        }
    }

    private typealias Parts = (training: DataFolder.Portion, validation: DataFolder.Portion)

    /// The pictures to train on, of which a limit takes the first batches, and those to check on.
    private func parts(_ configuration: TrainingConfiguration) throws(ZooError) -> Parts {
        let whole = try DataFolder.training(data, seed: configuration.seed)
        guard let limitBatches else { return whole }
        let first = try Subset(
            whole.training.dataset, firstBatches: limitBatches, batchSize: configuration.batchSize,
            seed: configuration.seed)
        return (
            DataFolder.Portion(dataset: first, description: "of the \(whole.training.description)"),
            whole.validation
        )
    }

    private func announce(
        _ source: String, _ parts: Parts
    ) {
        if outputOptions.json { return }
        print("\(Terminal.bold(source)) on \(data)")
        Terminal.printText(
            "  \(Numbers.grouped(parts.training.dataset.count)) \(parts.training.description), "
                + "\(Numbers.grouped(parts.validation.dataset.count)) \(parts.validation.description)")
    }

    /// A head without names takes those of the data, if their number agrees.
    private static func named(_ model: Model, after dataset: any Dataset) throws(ZooError) -> Model {
        guard model.labels == nil, dataset.classes.count == model.graph.classCount else { return model }
        return try Model(
            graph: model.graph, parameters: model.parameters, keys: model.keys,
            preprocessing: model.preprocessing,
            labels: dataset.classes, provenance: model.provenance)
    }
}

extension Trainer.Data {
    init(_ parts: (training: DataFolder.Portion, validation: DataFolder.Portion)) {
        self.init(training: parts.training.dataset, validation: parts.validation.dataset)
    }
}
