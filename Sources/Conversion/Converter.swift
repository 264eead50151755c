import ZooArchitectures
public import ZooCheckpoints
public import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// Turns a checkpoint into a model.
public struct Converter: Sendable {
    /// What the user decides.
    public struct Options: Sendable, Hashable {
        /// Name of the architecture; recognised from the file when `nil`.
        public var architecture: String?
        /// Name of the dialect, where tensors leave it open whose numbers they go with (`timm-tf`).
        public var dialect: String?
        /// Whether only the body is wanted, without the classifier that the file may have.
        public var isHeadless = false
        /// The head that stands in the place of the architecture's own.
        public var head: HeadDescription?
        /// Side of the pictures, where weights leave it open.
        public var inputSize: Int?
        /// Whether pixels are scaled once more behind an EfficientNet's Normalization, where a Keras file of weights
        /// alone doesn't tell; `nil` to go by what the Normalization holds.
        public var imageNetRescaling: Bool?
        /// Go on when the file lacks parameters or has others: what is missing is initialised afresh.
        public var allowPartial = false
        /// Take numbers that are infinite or none at all.
        public var allowsNonFinite = false
        /// Names of the classes, if the user has them.
        public var labels: [String]?
        /// What turns a picture into the network's input, if that is known; else the architecture's usual way is
        /// assumed.
        public var preprocessing: Preprocessing?

        /// Strict, and everything recognised from the file.
        public init() {}
    }

    let options: Options

    /// A converter with these options.
    public init(options: Options = Options()) { self.options = options }

    /// What converting the checkpoint would do.
    /// - Throws: ``ZooError`` when no architecture fits, or several do.
    public func plan(_ checkpoint: Checkpoint) throws(ZooError) -> ConversionPlan {
        do throws(ZooError) {
            var asked = ArchitectureOptions()
            asked.inputSize = options.inputSize
            asked.isHeadless = options.isHeadless
            var architecture: Architecture?
            if let name = options.architecture { architecture = try Architecture.named(name) }
            if let name = options.dialect, !Dialect.names.contains(name) { throw Dialect.unknown(name) }
            let detector = ArchitectureDetector(
                checkpoint: checkpoint, options: asked, architecture: architecture, dialect: options.dialect,
                imageNetRescaling: options.imageNetRescaling, head: options.head)
            return try detector.plan()
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    /// Converts the checkpoint.
    /// - Throws: ``ZooError`` as ``plan(_:)`` does, when the plan isn't complete (unless partial loading is
    ///   allowed), or when a tensor can't be read.
    public func convert(_ checkpoint: Checkpoint) throws(ZooError) -> (model: Model, report: ConversionReport)
    {
        let plan = try plan(checkpoint)
        if !options.allowPartial { try plan.requireComplete(file: checkpoint.path) }
        do throws(ZooError) {
            return try carryOut(plan, on: checkpoint)
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    /// Reads the tensors that a plan names, and initialises what it lacks.
    func carryOut(
        _ plan: ConversionPlan, on checkpoint: Checkpoint
    ) throws(ZooError) -> (model: Model, report: ConversionReport) {
        var parameters = ParameterTable()
        var keys: [ParameterPath: String] = [:]
        for entry in plan.entries {
            guard let source = checkpoint[entry.key] else { continue }
            guard source.elementType.isFloatingPoint else {
                throw ZooError(
                    .unsupported, "a parameter is stored as whole numbers", tensor: entry.key,
                    found: source.elementType.rawValue)
            }
            let tensor = try entry.transform.toCanonical(source.load()).contiguous().converted(to: .f32)
            if !options.allowsNonFinite, let found = try tensor.nonFiniteCounts() {
                throw ZooError(
                    .mismatch, "a parameter has numbers that aren't finite", tensor: entry.key,
                    expected: "\(tensor.elementCount) finite numbers for \(entry.path)",
                    found: "\(found.nans) that are NaN, \(found.infinities) infinite",
                    remedy: "Training may have diverged; zoo inspect --stats shows where. "
                        + "zoo convert --allow-nonfinite takes them as they are.")
            }
            parameters[entry.path] = tensor
            keys[entry.path] = entry.key
        }
        var initialised: [ParameterPath] = []
        for node in plan.graph.nodes {
            let absent = node.parameters.map(\.path).filter { parameters[$0] == nil }
            if absent.isEmpty { continue }
            for (path, tensor) in try plan.architecture.initialization.parameters(for: node, seed: 0)
            where absent.contains(path) {
                parameters[path] = tensor
                initialised.append(path)
            }
        }
        let (labels, labelNotes) = labels(of: checkpoint, for: plan.graph)
        let name = checkpoint.path.map { path in String(path.split(separator: "/").last ?? "") }
        let model = try Model(
            graph: plan.graph, parameters: parameters, keys: keys,
            preprocessing: options.preprocessing ?? preprocessing(for: plan), labels: labels,
            provenance: Provenance(
                source: name, format: checkpoint.format.rawValue, dialect: plan.framework.rawValue,
                naming: plan.origin.dialect?.name, outputActivation: plan.outputActivation,
                dataFormat: plan.dataFormat, batchCounters: try counters(plan, on: checkpoint),
                assumptions: plan.assumptions))
        let report = ConversionReport(
            plan: plan, source: checkpoint.path, format: checkpoint.format,
            notes: checkpoint.notes + labelNotes, warnings: checkpoint.warnings, initialised: initialised)
        return (model, report)
    }

    /// The user's names of the classes, else those that the checkpoint brings along when they are as many as the
    /// classes.
    private func labels(
        of checkpoint: Checkpoint, for graph: LayerGraph
    ) -> (names: [String]?, notes: [String]) {
        if let names = options.labels { return (names, []) }
        guard let found = checkpoint.classLabels else { return (nil, []) }
        guard found.names.count == graph.classCount else {
            let classes = graph.classCount.map { "\($0)" } ?? "no"
            return (
                nil,
                [
                    "left out the \(found.names.count) names in \(found.origin): the network has \(classes) classes"
                ]
            )
        }
        return (found.names, ["took the names of the \(found.names.count) classes from \(found.origin)"])
    }

    /// The values of BatchNorm's counters, by the path of their layer.
    private func counters(_ plan: ConversionPlan, on checkpoint: Checkpoint) throws(ZooError) -> [String: Int]
    {
        var result: [String: Int] = [:]
        for (node, key) in plan.counters {
            guard let tensor = checkpoint[key], tensor.shape.elementCount == 1,
                tensor.elementType == .i64, let value = try tensor.load().scalars(Int64.self).first
            else { continue }
            result[node] = Int(value)
        }
        return result
    }

    /// What the source does to pictures, at the size that the network takes.
    private func preprocessing(for plan: ConversionPlan) -> Preprocessing {
        let result =
            plan.origin.preprocessing ?? plan.origin.dialect?.preprocessing ?? plan.architecture.preprocessing
        return result.fitted(to: plan.graph.input)
    }
}

extension Preprocessing {
    /// The same for pictures of another size and number of channels.
    package func fitted(to input: InputShape) -> Preprocessing {
        var result = self
        let size = Extent(input.height, input.width)
        if let crop, let side = shorterSide, crop != size {
            // The share of the picture that the middle is stays the same.
            result.shorterSide = (side * min(size.height, size.width) + crop.height / 2) / max(crop.height, 1)
            result.crop = size
        } else if crop == nil {
            result.resize = size
        }
        if input.channels != 3 {
            // Grey pictures get the mean of the colours' numbers.
            result.channels = .grey
            func mean(_ values: [Double]) -> [Double] {
                values.count == 3 ? [values.reduce(0, +) / 3] : values
            }
            (result.mean, result.standardDeviation) = (mean(result.mean), mean(result.standardDeviation))
        } else {
            result.channels = result.channels == .grey ? .rgb : result.channels
        }
        return result
    }
}
