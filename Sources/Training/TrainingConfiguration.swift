package import ZooLayerGraphs
public import ZooTensors

/// Everything that decides a training run besides model and data. Two runs with equal configurations, plans and
/// data give the same bits.
public struct TrainingConfiguration: Sendable, Hashable {
    /// Passes over the training pictures.
    public var epochs = 5
    /// Most steps in all: the run ends where they are taken, also within an epoch. `nil` sets no limit.
    public var maxSteps: Int?
    /// Pictures per step.
    public var batchSize = 64
    /// How gradients change parameters.
    public var optimizer = OptimizerRule.sgd(momentum: 0.9)
    /// Step size.
    public var learningRate = 0.01
    /// Epochs at the beginning in which only the head learns.
    public var headEpochs = 0
    /// Layers that never learn: parts of the network (`stem`, `stage1`, `body`), paths, what paths begin with, or
    /// patterns of paths, in which `*` stands for any run of characters.
    public var frozen: [String] = []
    /// Seed of every random choice.
    public var seed: UInt64 = 0
    /// Threads that compute; part of what decides the bits.
    public var threads = 2

    /// The defaults.
    public init() {}

    /// Lets the run take this many steps, whatever part of an epoch, or how many epochs, they come to.
    /// - Parameter pictures: how many pictures an epoch has.
    public mutating func limit(toSteps steps: Int, pictures: Int) {
        let perEpoch = max(1, (pictures + batchSize - 1) / batchSize)
        epochs = max(1, (steps + perEpoch - 1) / perEpoch)
        maxSteps = steps
    }

    /// The configuration as JSON.
    public var json: JSONValue {
        [
            "epochs": .integer(epochs), "max_steps": maxSteps.map { .integer($0) } ?? .null,
            "batch_size": .integer(batchSize), "optimizer": optimizer.json,
            "learning_rate": .number(learningRate), "head_epochs": .integer(headEpochs),
            "frozen": .array(frozen.map { .string($0) }), "seed": .string("\(seed)"),
            "threads": .integer(threads),
        ]
    }

    /// Reads the configuration back.
    public init(json: JSONValue) throws(ZooError) {
        guard let epochs = json["epochs"]?.intValue, let batchSize = json["batch_size"]?.intValue,
            let rule = json["optimizer"], let learningRate = json["learning_rate"]?.doubleValue,
            let headEpochs = json["head_epochs"]?.intValue, let frozen = json["frozen"]?.arrayValue,
            let seed = json["seed"]?.stringValue.flatMap({ UInt64($0) }),
            let threads = json["threads"]?.intValue,
            (1...1_000_000).contains(epochs), (1...65_536).contains(batchSize),
            (0...1_000_000).contains(headEpochs),
            (1...1_024).contains(threads), (json["max_steps"]?.intValue ?? 0) >= 0
        else { throw ZooError(.corrupt, "the training configuration is incomplete") }
        self.epochs = epochs
        self.maxSteps = json["max_steps"]?.intValue
        self.batchSize = batchSize
        self.optimizer = try OptimizerRule(json: rule)
        self.learningRate = learningRate
        self.headEpochs = headEpochs
        self.frozen = frozen.compactMap(\.stringValue)
        self.seed = seed
        self.threads = threads
    }

    /// Paths of the layers that never learn.
    /// - Throws: ``ZooError`` for a name or a pattern that stands for no layer.
    package func frozenPaths(of graph: LayerGraph) throws(ZooError) -> Set<String> {
        var paths: Set<String> = []
        for name in frozen {
            guard name.contains("*") else {
                paths.formUnion(try graph.nodes(in: name).map(\.path))
                continue
            }
            let pattern = Array(name.utf8)
            let found = graph.nodes.map(\.path).filter { matches(pattern, Array($0.utf8)) }
            guard !found.isEmpty else {
                throw ZooError(
                    .invalidArgument, "no layer of the network has a path like this", tensor: name,
                    remedy: "`zoo summary` lists the paths.")
            }
            paths.formUnion(found)
        }
        return paths
    }
}

/// Whether a text matches a pattern with `*`, in linear memory and without recursion.
private func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
    var p = 0
    var t = 0
    var star: (pattern: Int, text: Int)?
    while t < text.count {
        if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
            star = (p, t)
            p += 1
        } else if p < pattern.count, pattern[p] == text[t] {
            p += 1
            t += 1
        } else if let last = star {
            star = (last.pattern, last.text + 1)
            p = last.pattern + 1
            t = last.text + 1
        } else {
            return false
        }
    }
    return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
}
