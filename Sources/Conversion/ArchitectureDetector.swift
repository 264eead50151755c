import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Finds out which network a checkpoint belongs to: by the names that each dialect uses and by shapes; by
/// `model_config` where Keras wrote one; by order and shape alone only when no names fit.
struct ArchitectureDetector {
    let checkpoint: Checkpoint
    let options: ArchitectureOptions
    /// What the user asked for.
    let architecture: Architecture?
    /// Name of the dialect that the user asked for.
    let dialect: String?
    /// What the user says of an EfficientNet's second scaling in Keras.
    let imageNetRescaling: Bool?
    /// The head that the user describes, where the file has another than the architecture's.
    let head: HeadDescription?

    /// The plan of the one network that fits.
    func plan() throws(ZooError) -> ConversionPlan {
        guard !checkpoint.tensors.isEmpty else {
            throw ZooError(.missingTensor, "the file holds no tensors")
        }
        let isKeras = [.kerasHDF5, .kerasWeights, .kerasArchive].contains(checkpoint.format)
        if let dialect, isKeras != (dialect == "keras") {
            throw ZooError(
                .mismatch, isKeras ? "the file is Keras'" : "the file is not Keras'", expected: dialect,
                found: checkpoint.format.title, remedy: "Leave --dialect out.")
        }
        if isKeras {
            guard head == nil else {
                throw ZooError(
                    .invalidArgument, "a Keras model says its head itself", remedy: "Leave --head out.")
            }
            return try KerasMatcher(
                checkpoint: checkpoint, options: options, architecture: architecture,
                imageNetRescaling: imageNetRescaling
            ).plan()
        }
        if imageNetRescaling != nil { throw KerasScaling.uncalledFor }
        let names = LayerNames(checkpoint)
        let candidates = candidates(names)
        do throws(ZooError) {
            if let plan = try planByNames(candidates, names) { return plan }
        } catch {
            throw stranger() ?? error
        }
        if let stranger = stranger() { throw stranger }
        return try planByOrder(candidates)
    }

    // MARK: By names

    /// A dialect and how well its names fit the file's.
    private struct Candidate {
        let dialect: Dialect
        let match: NameMatch
    }

    /// Dialects whose names look like the file's, those that fit best first; what the tables list first stays first.
    private func candidates(_ names: LayerNames) -> [Candidate] {
        var result: [Candidate] = []
        for family in DialectFamily.all where family.landmarks.contains(where: names.contains) {
            if let architecture, !family.architectures.contains(architecture.name) { continue }
            for dialect in family.dialects(for: names)
            where architecture == nil || architecture?.name == dialect.architecture {
                let match = NameMatch(dialect, names)
                if match.score > 0 { result.append(Candidate(dialect: dialect, match: match)) }
            }
        }
        return result.enumerated().sorted {
            ($1.element.match.score, $0.offset) < ($0.element.match.score, $1.offset)
        }.map(\.element)
    }

    /// The plan of the dialect whose names fit best, and among those with the same names the one whose shapes do.
    private func planByNames(
        _ candidates: [Candidate], _ names: LayerNames
    ) throws(ZooError) -> ConversionPlan? {
        guard let score = candidates.first?.match.score, score >= 0.6 else { return nil }
        var best = candidates.filter { $0.match.score > score - 1e-9 }
        if let dialect {
            // timm's ResNets have torchvision's names and numbers; both words are right.
            let asked = best.filter {
                $0.dialect.name == dialect
                    || (dialect == "timm" && $0.dialect.name == "torchvision"
                        && Dialect.of($0.dialect.architecture).contains {
                            $0.name == "timm" && $0.layers == best[0].dialect.layers
                        })
            }
            guard !asked.isEmpty else {
                let found = best.map(\.dialect.name)
                throw ZooError(
                    .mismatch, "the file's names are those of another dialect than the one asked for",
                    expected: dialect, found: found.joined(separator: " or "),
                    remedy: "Leave --dialect out, or say --dialect \(found[0]).")
            }
            best = asked
        } else if let configured = configured(best) {
            best = configured
        }
        var chosen: (plan: ConversionPlan, faults: Int)?
        var refusal: ZooError?
        for candidate in best {
            do throws(ZooError) {
                let plan = try plan(candidate, names, among: best)
                let faults = plan.missing.count + plan.mismatched.count
                if faults < (chosen?.faults ?? .max) { chosen = (plan, faults) }
            } catch {
                refusal = refusal ?? error
            }
        }
        if let chosen { return chosen.plan }
        if let refusal { throw refusal }
        return nil
    }

    /// The name that timm's `config.json` beside the weights gives the network.
    private var configuredName: String? {
        checkpoint.extras[CheckpointFolder.configurationKey]?["architecture"]?.stringValue
    }

    /// Those of several dialects with the same names that timm's `config.json` decides for.
    private func configured(_ candidates: [Candidate]) -> [Candidate]? {
        guard let name = configuredName else { return nil }
        let isTensorFlow = name.hasPrefix("tf_")
        let chosen = candidates.filter {
            $0.dialect.name == (isTensorFlow ? "timm-tf" : "timm")
                && $0.dialect.architecture == (isTensorFlow ? String(name.dropFirst(3)) : name)
        }
        return chosen.isEmpty ? nil : chosen
    }

    private func plan(
        _ candidate: Candidate, _ names: LayerNames, among others: [Candidate]
    ) throws(ZooError) -> ConversionPlan {
        let dialect = candidate.dialect
        let architecture = try Architecture.named(dialect.architecture)
        var options = options
        options.conventions = options.conventions ?? dialect.conventions
        options.isHeadless = options.isHeadless || candidate.match.isHeadless || head != nil
        if let crop = dialect.preprocessing?.crop, options.inputSize == nil {
            options.inputSize = crop.height
        }
        var shapes: [ParameterPath: TensorShape] = [:]
        for tensor in checkpoint.tensors {
            guard let parsed = ParameterPath(tensor.name) else { continue }
            if let pair = dialect.pair(source: parsed.node) {
                shapes[ParameterPath(pair.node, parsed.role)] =
                    parsed.role == .weight ? pair.canonicalShape(weight: tensor.shape) : tensor.shape
            } else if let head = candidate.match.renamedHead, parsed.node == head.source {
                shapes[ParameterPath(head.node, parsed.role)] = tensor.shape
            }
        }
        var (graph, assumptions) = try architecture.fitted(shapes, options)
        var described: [ParameterPath: String] = [:]
        let foreign = foreignHead(candidate)
        if let head {
            guard !foreign.names.isEmpty else {
                throw ZooError(
                    .invalidArgument, "the file has no head of its own for --head to describe",
                    remedy: candidate.match.isHeadless
                        ? "`zoo surgery` gives a body a new head." : "Leave --head out.")
            }
            let container = dialect.classifier.last?.path.split(separator: ".").first.map { String($0) }
            (graph, described) = try foreign.attached(head, to: graph, container: container ?? "classifier")
        }
        var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
        for parameter in graph.parameters {
            if let key = described[parameter.path] {
                sources[parameter.path] = (key, .identity)
            } else if let head = candidate.match.renamedHead, head.node == parameter.path.node {
                sources[parameter.path] = ("\(head.source).\(parameter.path.role.rawValue)", .identity)
            } else if let key = dialect.key(for: parameter.path) {
                sources[parameter.path] = (
                    key, dialect.transform(for: parameter.path, shape: parameter.shape)
                )
            }
        }
        let evidence = DetectionEvidence(
            architecture: architecture, dialect: dialect, match: candidate.match, graph: graph,
            checkpoint: checkpoint)
        return ConversionPlan(
            checkpoint: checkpoint, architecture: architecture, framework: .pytorch, dialect: dialect.title,
            graph: graph, sources: sources,
            assumptions: assumptions
                + evidence.assumptions(
                    others: others.map(\.dialect), isAsked: self.dialect != nil,
                    isSizeKnown: self.options.inputSize != nil),
            outputActivation: head?.outputActivation, setAside: setAside(candidate),
            origin: ConversionPlan.Origin(
                dialect: dialect,
                evidence: evidence.sentences(isAsked: self.options.isHeadless)
                    + (configuredName.map { ["config.json calls it \($0)"] } ?? [])
                    + (candidate.match.foreignHead.isEmpty || head != nil
                        ? [] : ["its head is another: \(foreign.list)"]),
                foreignHead: self.options.isHeadless || head != nil ? [] : candidate.match.foreignHead,
                remedy: foreign.remedy))
    }

    /// The layers that stand in the classifier's place.
    private func foreignHead(_ candidate: Candidate) -> ForeignHead {
        ForeignHead(
            names: candidate.match.renamedHead.map { [$0.source] } ?? candidate.match.foreignHead,
            checkpoint: checkpoint)
    }

    /// Keys of a classifier that the user doesn't want.
    private func setAside(_ candidate: Candidate) -> Set<String> {
        guard options.isHeadless else { return [] }
        let match = candidate.match
        var layers = Set(match.foreignHead)
        layers.formUnion(
            candidate.dialect.classifier.compactMap { candidate.dialect.pair(node: $0.path)?.source })
        if let head = match.renamedHead { layers.insert(head.source) }
        return Set(
            checkpoint.tensors.map(\.name).filter { key in
                key.lastIndex(of: ".").map { layers.contains(String(key[..<$0])) } ?? false
            })
    }

    // MARK: By order

    /// Unknown names: the tensors must be a network's parameters in its own order.
    private func planByOrder(_ candidates: [Candidate]) throws(ZooError) -> ConversionPlan {
        let tensors = checkpoint.tensors.filter { !$0.name.hasSuffix("num_batches_tracked") }
        var fitting: [ConversionPlan] = []
        var refusal: ZooError?
        for candidate in architecture.map({ [$0] }) ?? Architecture.all {
            let asIs = ArchitectureOptions(isHeadless: options.isHeadless)
            let paths = try candidate.graph(asIs).parameters.map(\.path)
            guard paths.count == tensors.count else { continue }
            var shapes: [ParameterPath: TensorShape] = [:]
            var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
            for (path, tensor) in zip(paths, tensors) {
                shapes[path] = tensor.shape
                sources[path] = (tensor.name, .identity)
            }
            let graph: LayerGraph
            let assumptions: [String]
            do throws(ZooError) {
                (graph, assumptions) = try candidate.fitted(shapes, options)
            } catch {
                refusal = error
                continue
            }
            let plan = ConversionPlan(
                checkpoint: checkpoint, architecture: candidate, framework: .pytorch,
                dialect: "unknown names, matched by order and shape", graph: graph, sources: sources,
                assumptions: assumptions + [
                    "every parameter was matched by its place and shape, not by its name"
                ])
            if plan.missing.isEmpty, plan.mismatched.isEmpty, plan.unused.isEmpty { fitting.append(plan) }
        }
        if let asked = architecture {
            if let plan = fitting.first { return plan }
            if let refusal, refusal.code == .ambiguous { throw refusal }
            throw unrecognised("the file's tensors are not those of \(asked.name)", candidates)
        }
        if fitting.isEmpty {
            throw unrecognised(
                "no known architecture has these tensors", candidates, code: .unknownArchitecture)
        }
        if fitting.count == 1 { return fitting[0] }
        let names = fitting.map(\.architecture.name)
        throw ZooError(
            .ambiguous,
            "names and shapes don't tell which network this is: \(names.joined(separator: ", ")) would fit",
            remedy: "Say which: --architecture \(names[0])")
    }

    /// Networks that are known for not being the one that shares their name.
    private func stranger() -> ZooError? {
        checkpoint.tensors.first {
            $0.shape.rank == 4 && $0.shape[0] == 96 && $0.shape[2] == 11 && $0.shape[3] == 11
        }.map { AlexNet.ofTwelve(found: $0.shape, tensor: $0.name) }
    }

    private func unrecognised(
        _ problem: String, _ candidates: [Candidate], code: ZooError.Code = .mismatch
    ) -> ZooError {
        let sample = checkpoint.tensors.prefix(3).map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        let known = Architecture.all.map(\.name).joined(separator: ", ")
        let near = candidates.prefix(2).filter { $0.match.score >= 0.2 }.map {
            "\($0.dialect.architecture) (\($0.match.found) of \($0.match.wanted) layers by \($0.dialect.title))"
        }
        return ZooError(
            code, problem, found: "\(checkpoint.tensors.count) tensors: \(sample)…",
            remedy: (near.isEmpty ? "" : "Nearest are \(near.joined(separator: " and ")). ")
                + "Known architectures: \(known).")
    }
}
