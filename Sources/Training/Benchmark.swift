internal import CZooKernels
internal import ZooCompute
public import ZooLayerGraphs
public import ZooTensors

/// Measures what a network costs on this machine: one piece of work again and again, each time on other pictures.
///
/// A repetition begins with a batch `[N, C, H, W]` of `f32` in ordinary memory and ends with logits in ordinary
/// memory; one of training holds the loss, the backward pass, the running statistics and the optimizer's update as
/// well. Making the plan is timed apart.
public struct Benchmark: Sendable, Hashable {
    /// The work.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Logits.
        case inference
        /// A step in which everything learns.
        case training = "train"
        /// A step in which the head alone learns, behind a body in inference mode.
        case frozen
    }

    /// The work.
    public var mode = Mode.inference
    /// Pictures per repetition.
    public var batch = 1
    /// Threads that compute.
    public var threads: Int
    /// Repetitions before the clock runs.
    public var warmup = 3
    /// Repetitions that are timed; as many as two seconds hold, and at least ten, when `nil`.
    public var iterations: Int?
    /// Seed of pictures and labels.
    public var seed: UInt64 = 0
    /// How training updates parameters.
    public var optimizer = OptimizerRule.sgd(momentum: 0.9)
    /// Step size of training.
    public var learningRate = 0.001

    /// Repetitions after which a run without a number of its own may end, and the seconds that it fills.
    private static let fewest = 10
    private static let wantedSeconds = 2.0
    /// Different batches, which take turns.
    static let batchCount = 4
    /// Steps of training after which the parameters are kept.
    static let provenSteps = 3

    /// The defaults: inference, one picture, as many threads as there are processors.
    public init() { threads = Engine.processorCount }

    /// What was measured, and what was computed while it was.
    public struct Result: Sendable {
        /// Seconds of each timed repetition.
        public var seconds: [Double] = []
        /// Seconds until the plan was there.
        public var planSeconds = 0.0
        /// Seconds of the first repetition.
        public var firstSeconds = 0.0
        /// Bytes for results, gradients and scratch, as planned.
        public var plannedMemory = 0
        /// The resolved plan, schema `menagerie/plan/1`.
        public var plan: JSONValue = .null
        /// The pictures, `[batches, N, C, H, W]`.
        public var pictures: Tensor
        /// Their classes, `[batches, N]`.
        public var labels: Tensor
        /// Inference: the logits of each batch, `[batches, N, …]`.
        public var logits: Tensor?
        /// Training: the loss of each of the first three steps.
        public var losses: [Double] = []
        /// Training: the parameters after the first three steps.
        public var parameters: ParameterTable?

        /// The middle of the repetitions' seconds.
        public var median: Double {
            let sorted = seconds.sorted()
            guard !sorted.isEmpty else { return 0 }
            return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
        }
        /// The least of the repetitions' seconds.
        public var minimum: Double { seconds.min() ?? 0 }
    }

    /// Measures.
    /// - Parameter progress: is told the repetitions that are done and how many there will be, if that is known.
    /// - Throws: ``ZooError`` when a parameter is missing, or the network has no head to train.
    public func run(
        _ graph: LayerGraph, _ parameters: ParameterTable, progress: (Int, Int?) -> Void = { _, _ in }
    ) throws(ZooError) -> Result {
        guard batch > 0, iterations ?? 1 > 0, warmup >= 0 else {
            throw ZooError(.invalidArgument, "a benchmark needs at least one picture and one repetition")
        }
        let work: any BenchmarkWork =
            switch mode {
            case .inference: try InferenceWork(self, graph, parameters)
            case .training, .frozen: try TrainingWork(self, graph, parameters)
            }
        var result = Result(pictures: work.material.pictures, labels: work.material.labels)
        result.planSeconds = work.planSeconds
        var number = 0
        func repeated() throws(ZooError) -> Double {
            let began = MonotonicClock.seconds()
            try work.run(number % Benchmark.batchCount)
            let seconds = MonotonicClock.seconds() - began
            number += 1
            if number == 1 { result.firstSeconds = seconds }
            try work.keep(&result, after: number)
            return seconds
        }
        for _ in 0..<warmup {
            _ = try repeated()
            progress(number, iterations.map { warmup + $0 })
        }
        let began = MonotonicClock.seconds()
        while result.seconds.count < iterations ?? .max {
            result.seconds.append(try repeated())
            progress(number, iterations.map { warmup + $0 })
            let isLong = MonotonicClock.seconds() - began > Benchmark.wantedSeconds
            if iterations == nil, isLong, result.seconds.count >= Benchmark.fewest { break }
        }
        try work.finish(&result)
        return result
    }

    /// The most memory that this process has had resident, in bytes; 0 where the system doesn't tell.
    public static var peakMemory: Int { Int(zoo_peak_memory()) }

    // MARK: Where the time goes

    /// An operation of a plan and what it takes.
    public struct ProfiledOperation: Sendable {
        /// `repack`, `forward` or `backward`.
        public let pass: String
        /// Layers that it works for.
        public let layers: [String]
        /// `Conv2d + ReLU`.
        public let title: String
        /// The kernel's name.
        public let kernel: String
        /// Seconds on average.
        public let seconds: Double
        /// Multiply-adds.
        public let multiplyAdds: Double
        /// Bytes of its operands, each once.
        public let byteCount: Int
    }

    /// Times each operation of the plan by itself, one after the other as in a run.
    public func profile(
        _ graph: LayerGraph, _ parameters: ParameterTable, runs: Int
    ) throws(ZooError) -> [ProfiledOperation] {
        let engine = try Engine(threads: threads)
        var configuration = PlanConfiguration(mode == .inference ? .inference : .training, batch: batch)
        let frozen = try frozenPaths(graph)
        configuration.frozen = frozen
        let executor = try NativeExecutor(
            graph: graph, parameters: parameters, engine: engine, frozen: frozen, mostly: configuration)
        let plan = try executor.plan(for: configuration)
        let material = try BenchmarkMaterial(self, graph)
        let moment = TrainingMoment(seed: seed)
        return try engine.run { (context) throws(ZooError) in
            // Every operation finds its operands as a run leaves them.
            if mode == .inference {
                _ = try plan.forward(material.batches[0], nil, context)
            } else {
                _ = try plan.gradients(
                    input: material.batches[0], outputGradient: Tensor(zeros: plan.outputShape), moment,
                    context)
            }
            var result: [ProfiledOperation] = []
            let parts: [(String, PlanPart)] =
                [("repack", .repack), ("forward", .forward)]
                + (mode == .inference ? [] : [("backward", .backward)])
            for (name, part) in parts {
                for (step, seconds) in try plan.profile(part, runs: runs, context) {
                    result.append(
                        ProfiledOperation(
                            pass: name, layers: step.paths, title: step.title, kernel: step.kernel,
                            seconds: seconds, multiplyAdds: step.multiplyAdds, byteCount: step.byteCount))
                }
            }
            return result
        }
    }

    /// Multiply-adds per second of the machine's vector units, measured on as many threads.
    public func peakRate(seconds: Double = 0.3) throws(ZooError) -> Double {
        let threads = threads
        return try Engine(threads: threads).run { (_) throws(ZooError) in
            zoo_multiply_add_rate(Int32(clamping: threads), seconds)
        }
    }

    /// Layers that stay as they are.
    func frozenPaths(_ graph: LayerGraph) throws(ZooError) -> Set<String> {
        guard mode == .frozen else { return [] }
        guard let head = graph.head else {
            throw ZooError(
                .invalidArgument, "the network has no head that could learn alone",
                remedy: "Measure --mode train, or give it a head with zoo surgery.")
        }
        return Set(graph.nodes.map(\.path)).subtracting([head])
    }
}

/// Pictures and classes that are drawn from the seed.
struct BenchmarkMaterial {
    let pictures: Tensor
    let labels: Tensor
    let batches: [Tensor]
    let classes: [[Int32]]
    let classCount: Int

    init(_ benchmark: Benchmark, _ graph: LayerGraph) throws(ZooError) {
        let shape = graph.input.shape(batch: benchmark.batch)
        let count = Benchmark.batchCount
        guard benchmark.mode == .inference || graph.classCount != nil else {
            throw ZooError(
                .invalidArgument,
                "the network has no head with one row per class, so there is no loss to train with",
                remedy: "Measure --mode inference, or give it a head with zoo surgery.")
        }
        classCount = graph.classCount ?? 0
        var batches: [Tensor] = []
        var classes: [[Int32]] = []
        for number in 0..<count {
            // Pixels as most networks get them: in ±2.
            let numbers = RandomStream(seed: benchmark.seed, name: "bench/pictures", step: UInt64(number))
                .uniforms(count: shape.elementCount).map { ($0 - 0.5) * 4 }
            batches.append(try Tensor(numbers, shape: shape))
            let labels = RandomStream(seed: benchmark.seed, name: "bench/labels", step: UInt64(number))
            let limit = Float(classCount)
            classes.append(
                labels.uniforms(count: benchmark.batch).map { Int32(min($0 * limit, max(limit - 1, 0))) })
        }
        self.batches = batches
        self.classes = classes
        pictures = try Tensor.joined(batches).reshaped(TensorShape([count] + shape.dimensions))
        labels = try Tensor(
            classes.flatMap { $0.map(Int64.init) }, shape: TensorShape([count, benchmark.batch]))
    }
}

/// What is done again and again.
private protocol BenchmarkWork: AnyObject {
    var material: BenchmarkMaterial { get }
    var planSeconds: Double { get }
    /// Does it once, with one of the batches.
    func run(_ batch: Int) throws(ZooError)
    /// Notes, outside the time, what a repetition came to.
    func keep(_ result: inout Benchmark.Result, after repetitions: Int) throws(ZooError)
    func finish(_ result: inout Benchmark.Result) throws(ZooError)
}

private final class InferenceWork: BenchmarkWork {
    let material: BenchmarkMaterial
    let planSeconds: Double
    private let executor: NativeExecutor
    private let plan: ExecutionPlan
    private var outputs: [Tensor?]
    private var last = 0
    private var newest: Tensor?

    init(_ benchmark: Benchmark, _ graph: LayerGraph, _ parameters: ParameterTable) throws(ZooError) {
        material = try BenchmarkMaterial(benchmark, graph)
        let began = MonotonicClock.seconds()
        let configuration = PlanConfiguration(.inference, batch: benchmark.batch)
        executor = try NativeExecutor(
            graph: graph, parameters: parameters, engine: Engine(threads: benchmark.threads),
            mostly: configuration)
        plan = try executor.plan(for: configuration)
        planSeconds = MonotonicClock.seconds() - began
        outputs = [Tensor?](repeating: nil, count: Benchmark.batchCount)
    }

    func run(_ batch: Int) throws(ZooError) {
        newest = try executor.forward(material.batches[batch]).output
        last = batch
    }

    func keep(_ result: inout Benchmark.Result, after repetitions: Int) throws(ZooError) {
        outputs[last] = newest
    }

    func finish(_ result: inout Benchmark.Result) throws(ZooError) {
        for batch in outputs.indices where outputs[batch] == nil {
            outputs[batch] = try executor.forward(material.batches[batch]).output
        }
        let all = outputs.compactMap(\.self)
        result.logits = try Tensor.joined(all)
            .reshaped(TensorShape([all.count] + plan.outputShape.dimensions))
        result.plan = plan.json
        result.plannedMemory = plan.memoryByteCount
    }
}

private final class TrainingWork: BenchmarkWork {
    let material: BenchmarkMaterial
    let planSeconds: Double
    private let backend: NativeBackend
    private let update: OptimizerUpdate
    private let memory: Int
    private var loss = 0.0

    init(_ benchmark: Benchmark, _ graph: LayerGraph, _ parameters: ParameterTable) throws(ZooError) {
        material = try BenchmarkMaterial(benchmark, graph)
        update = OptimizerUpdate(rule: benchmark.optimizer, learningRate: benchmark.learningRate)
        let frozen = try benchmark.frozenPaths(graph)
        let began = MonotonicClock.seconds()
        backend = try NativeBackend(
            graph: graph, parameters: parameters, batch: benchmark.batch, seed: benchmark.seed,
            threads: benchmark.threads, frozen: frozen)
        planSeconds = MonotonicClock.seconds() - began
        memory = backend.plan["memory_bytes"]?.intValue ?? 0
    }

    func run(_ batch: Int) throws(ZooError) {
        let (labels, classes) = (material.classes[batch], material.classCount)
        var found = 0.0
        try backend.step(material.batches[batch], update: update) { (logits) throws(ZooError) in
            let result = try CrossEntropy.evaluate(logits: logits, classes: classes, labels: labels)
            found = result.loss
            return result.gradient
        }
        loss = found
    }

    func keep(_ result: inout Benchmark.Result, after repetitions: Int) throws(ZooError) {
        guard repetitions <= Benchmark.provenSteps else { return }
        result.losses.append(loss)
        if repetitions == Benchmark.provenSteps { result.parameters = try backend.parameters() }
    }

    func finish(_ result: inout Benchmark.Result) throws(ZooError) {
        result.plan = backend.plan
        result.plannedMemory = memory
    }
}
