import ArgumentParser
import Menagerie

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Measure what a model costs on this machine: inference, a training step, a step of the head alone.",
        usage: "zoo bench <model> [--mode <mode>] [--batch <count>] [--threads <count>] [<options>]",
        discussion: """
            A repetition begins with a new batch of pictures in ordinary memory and ends with logits in ordinary \
            memory; one of training holds loss, backward pass, running statistics and the optimizer's update as well. \
            Loading the file and making the plan are told apart. The model may be the name of an architecture, whose \
            numbers are then drawn afresh.

            --profile times every operation by itself and compares it with what the machine's vector units reach in \
            the same run; the trace that it writes opens in Perfetto or chrome://tracing. --verify writes what went \
            in and what came out, for another framework to compute the same from: parameter/<key>, input and labels, \
            and logits, or losses and after/<key> for the parameters after three steps. Repetitions take the batches \
            of input in turns, beginning with the first.

            Examples:
              zoo bench resnet18 --batch 16
              zoo bench efficientnet_b0 --mode train --batch 16 --threads 2 --profile
              zoo bench mine.zoo.safetensors --mode frozen --batch 32 --json
              zoo bench vgg16.pth --mode train --batch 16 --no-dropout --verify vgg16.npz
            """)

    @Argument(help: "\(ModelOptions.help) Or an architecture's name.") var model: String
    @Option(
        name: .long,
        help: "What is measured: inference, train, or frozen (a step in which the head alone learns).")
    var mode = Benchmark.Mode.inference
    @Option(name: .long, help: ArgumentHelp("Pictures per repetition, 1 by default.", valueName: "count"))
    var batch = 1
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Threads that compute; as many as there are processors by default.", valueName: "count"))
    var threads: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Repetitions that are timed; two seconds of them by default, at least ten.", valueName: "count"))
    var iterations: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Repetitions before the clock runs; 3 by default, none with --verify.", valueName: "count"))
    var warmup: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Seed of the pictures, their classes, and an architecture's numbers; 0 by default.",
            valueName: "number"))
    var seed: UInt64 = 0
    @Option(
        name: .long,
        help: ArgumentHelp("Classes of an architecture; its own number by default.", valueName: "count"))
    var classes: Int?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Learning rate of training by sgd with momentum 0.9; 0.001 by default.", valueName: "number"))
    var learningRate: Double?
    @Flag(
        name: .customLong("no-dropout"),
        help: "Drop nothing while training, since no two frameworks draw the same numbers.")
    var withoutDropout = false
    @Option(
        name: .long,
        help: ArgumentHelp("Write what was computed, and from what, for comparison: .npz.", valueName: "file")
    )
    var verify: String?
    @Flag(name: .long, help: "Time every operation, and write a trace.") var profile = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Where --profile writes its trace; MODEL-MODE.trace.json by default.", valueName: "file"))
    var trace: String?
    @OptionGroup var options: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
        func check(_ isFine: Bool, _ message: String) throws { if !isFine { throw ValidationError(message) } }
        try check((1...65_536).contains(batch), "--batch must be between 1 and 65536.")
        try check(threads.map { (1...1_024).contains($0) } ?? true, "--threads must be between 1 and 1024.")
        try check(
            iterations.map { (1...1_000_000).contains($0) } ?? true,
            "--iterations must be between 1 and 1000000.")
        try check(
            warmup.map { (0...1_000_000).contains($0) } ?? true, "--warmup must be between 0 and 1000000.")
        try check(
            classes.map { (1...1_048_576).contains($0) } ?? true, "--classes must be between 1 and 1048576.")
        try check(learningRate.map { $0 > 0 && $0.isFinite } ?? true, "--learning-rate must be above 0.")
        try check(learningRate == nil || mode != .inference, "--learning-rate needs --mode train or frozen.")
        try check(
            !withoutDropout || mode == .training, "--no-dropout needs --mode train: nothing else drops.")
        try check(trace == nil || profile, "--trace needs --profile.")
        try check(verify?.lowercased().hasSuffix(".npz") ?? true, "--verify must end in .npz.")
        let steps = (warmup ?? 0) + (iterations ?? 3)
        try check(
            verify == nil || mode == .inference || steps >= 3, "--verify shows three steps: ask for as many.")
    }

    func run() throws {
        if let verify { try Outputs.refuse(verify, asOutputOf: model) }
        let began = MonotonicSeconds.now
        let subject = try BenchSubject(model, classes: classes, seed: seed, options: options)
        let loading = MonotonicSeconds.now - began
        let graph = withoutDropout ? try subject.graph.droppingNothing() : subject.graph
        let benchmark = benchmark
        let progress = BenchProgress()
        let result: Benchmark.Result
        do {
            result = try benchmark.run(graph, subject.parameters, progress: progress.show)
        } catch {
            progress.finish()
            throw error.adding(file: subject.isFile ? model : nil)
        }
        progress.finish()
        if let verify { try write(result, subject, to: verify) }
        var document = document(benchmark, result, graph, loading: loading)
        var table: BenchProfile?
        if profile {
            let found = try BenchProfile(benchmark, graph, subject.parameters, median: result.median)
            let target = trace ?? "\(Paths.name(model))-\(mode.rawValue).trace.json"
            let file = try AtomicFile(path: target)
            try file.write(found.trace.text())
            try file.commit()
            document["profile"] = found.json
            document["trace"] = .string(target)
            table = found
        }
        if outputOptions.json { return print(JSONValue.object(document).text(pretty: true)) }
        show(benchmark, result, graph, loading: loading)
        if let table {
            print()
            print(table.text)
        }
        print()
        if let verify { print("Wrote \(Terminal.bold(verify))") }
        if let path = document["trace"]?.stringValue {
            print("Wrote \(Terminal.bold(path)), for https://ui.perfetto.dev")
        }
        print(
            profile
                ? "Next: zoo summary \(Paths.quoted(model))"
                : "Next: zoo bench \(Paths.quoted(model)) --mode "
                    + "\(mode.rawValue) --batch \(batch) --profile")
    }

    private var benchmark: Benchmark {
        var result = Benchmark()
        result.mode = mode
        result.batch = batch
        if let threads { result.threads = threads }
        result.iterations = iterations
        result.warmup = warmup ?? (verify == nil ? 3 : 0)
        result.seed = seed
        if let learningRate { result.learningRate = learningRate }
        return result
    }

    /// Parameters under the file's own keys, what went in, and what came out.
    private func write(_ result: Benchmark.Result, _ subject: BenchSubject, to path: String) throws(ZooError)
    {
        func named(_ table: ParameterTable, _ folder: String) -> [(String, Tensor)] {
            table.entries.map { ("\(folder)/\(subject.keys[$0.path] ?? $0.path.description)", $0.tensor) }
        }
        var arrays = named(subject.parameters, "parameter") + [("input", result.pictures)]
        if let logits = result.logits { arrays.append(("logits", logits)) }
        if let parameters = result.parameters {
            arrays.append(("labels", result.labels))
            arrays.append(("losses", try Tensor(result.losses, shape: [result.losses.count])))
            arrays += named(parameters, "after")
        }
        try NPZFile.write(arrays, to: path)
    }

    // MARK: What is told

    private func document(
        _ benchmark: Benchmark, _ result: Benchmark.Result, _ graph: LayerGraph, loading: Double
    ) -> JSONObject {
        func milliseconds(_ seconds: Double) -> JSONValue { .number(seconds * 1_000) }
        let mean = result.seconds.reduce(0, +) / Double(max(result.seconds.count, 1))
        var document: JSONObject = [
            "schema": "menagerie/bench/1", "model": .string(model),
            "architecture": .string(graph.architecture),
            "mode": .string(mode.rawValue), "batch": .integer(batch), "threads": .integer(benchmark.threads),
            "iterations": .integer(result.seconds.count), "warmup": .integer(benchmark.warmup),
            "seed": .integer(Int(clamping: seed)),
            "median_ms": milliseconds(result.median), "min_ms": milliseconds(result.minimum),
            "mean_ms": milliseconds(mean), "times_ms": .array(result.seconds.map(milliseconds)),
            "images_per_second": .number(Double(batch) / result.median),
            "peak_memory_bytes": .integer(Benchmark.peakMemory),
            "plan_memory_bytes": .integer(result.plannedMemory), "load_ms": milliseconds(loading),
            "plan_ms": milliseconds(result.planSeconds), "first_ms": milliseconds(result.firstSeconds),
            "input": .array(graph.input.shape(batch: 1).dimensions.dropFirst().map { .integer($0) }),
            "dropout": .bool(mode == .training && !withoutDropout), "library": .string(Engine.library),
        ]
        if mode != .inference {
            document["optimizer"] = [
                "rule": "sgd", "learning_rate": .number(benchmark.learningRate), "momentum": .number(0.9),
            ]
        }
        return document
    }

    private func show(
        _ benchmark: Benchmark, _ result: Benchmark.Result, _ graph: LayerGraph, loading: Double
    ) {
        let names: [Benchmark.Mode: String] = [
            .inference: "inference", .training: "training step", .frozen: "training step of the head",
        ]
        Terminal.printText(
            "\(Terminal.bold(model))  \(graph.architecture), \(names[mode] ?? ""), "
                + "\(Numbers.counted(batch, "picture")) of \(graph.input), "
                + "\(Numbers.counted(benchmark.threads, "thread"))")
        print()
        func line(_ title: String, _ text: String) {
            let fill = String(repeating: " ", count: max(24 - title.count, 1))
            Terminal.printText("  \(title)\(fill)\(text)", indent: 26)
        }
        func time(_ seconds: Double) -> String { "\(Numbers.significant(seconds * 1_000, 4)) ms" }
        line(
            "median",
            "\(time(result.median)) of \(Numbers.counted(result.seconds.count, "repetition")), the least "
                + time(result.minimum))
        line("pictures per second", Numbers.significant(Double(batch) / result.median, 4))
        line("loading, planning", "\(time(loading)), \(time(result.planSeconds))")
        line("first repetition", time(result.firstSeconds))
        line(
            "memory",
            "\(Numbers.bytes(Benchmark.peakMemory)) at most in this process, "
                + "\(Numbers.bytes(result.plannedMemory)) planned for results and scratch")
        line("engine", Engine.library)
    }
}

extension Benchmark.Mode: ExpressibleByArgument {}

/// What is measured: a model of a file, or an architecture with numbers drawn afresh.
private struct BenchSubject {
    let graph: LayerGraph
    let parameters: ParameterTable
    let keys: [ParameterPath: String]
    let isFile: Bool

    init(_ name: String, classes: Int?, seed: UInt64, options: ModelOptions) throws {
        if (try? ByteSource(path: name)) == nil, let known = try? Architecture.named(name) {
            let others = options.given.filter { $0 != "--input-size" }
            guard others.isEmpty else {
                throw ValidationError(
                    "\(name) is an architecture itself: leave \(others.joined(separator: ", ")) out.")
            }
            graph = try known.graph(ArchitectureOptions(classes: classes, inputSize: options.inputSize?.side))
            parameters = try Architecture.initialization(named: name).parameters(for: graph, seed: seed)
            (keys, isFile) = ([:], false)
            return
        }
        if classes != nil {
            throw ValidationError("--classes is for architectures; zoo surgery gives a model another head.")
        }
        let (model, _) = try options.open(name)
        (graph, parameters, keys, isFile) = (model.graph, model.parameters, model.keys, true)
    }
}

/// Repetitions that are done, for people who wait.
private final class BenchProgress {
    private var line: StepProgress?

    func show(_ done: Int, of total: Int?) {
        guard let total else { return }
        let line = line ?? StepProgress("repetitions", of: total)
        self.line = line
        line.show(done)
    }

    func finish() { line?.finish() }
}
