import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Finds out which network a checkpoint belongs to: by the names that each dialect uses and by shapes; by
/// `model_config` where Keras wrote one; by order and shape alone only when the user names the architecture.
struct ArchitectureDetector {
    let checkpoint: Checkpoint
    let options: ArchitectureOptions
    /// What the user asked for.
    let architecture: Architecture?

    /// The plan of the one network that fits.
    func plan() throws(ZooError) -> ConversionPlan {
        guard !checkpoint.tensors.isEmpty else {
            throw ZooError(.missingTensor, "the file holds no tensors")
        }
        if [.kerasHDF5, .kerasWeights, .kerasArchive].contains(checkpoint.format) {
            return try KerasMatcher(checkpoint: checkpoint, options: options, architecture: architecture)
                .plan()
        }
        if let plan = try planByNames() { return plan }
        return try planByOrder()
    }

    private func planByNames() throws(ZooError) -> ConversionPlan? {
        var best: (dialect: Dialect, plan: ConversionPlan, coverage: Double)?
        var refusal: (error: ZooError, coverage: Double)?
        for dialect in Dialect.all where architecture == nil || architecture?.name == dialect.architecture {
            let keys = dialect.layers.map { "\($0.source).weight" }
            let coverage = Double(keys.count { checkpoint[$0] != nil }) / Double(max(keys.count, 1))
            guard coverage >= 0.6, coverage > (best?.coverage ?? 0) else { continue }
            do throws(ZooError) {
                best = (dialect, try plan(dialect), coverage)
            } catch {
                if coverage > (refusal?.coverage ?? 0) { refusal = (error, coverage) }
            }
        }
        // What the names fit best decides, also when it says no.
        if let refusal, refusal.coverage > (best?.coverage ?? 0) { throw refusal.error }
        return best?.plan
    }

    private func plan(_ dialect: Dialect) throws(ZooError) -> ConversionPlan {
        let architecture = try Architecture.named(dialect.architecture)
        var shapes: [ParameterPath: TensorShape] = [:]
        for tensor in checkpoint.tensors {
            if let path = dialect.path(for: tensor.name) { shapes[path] = tensor.shape }
        }
        let (graph, assumptions) = try architecture.fitted(shapes, options)
        var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
        for parameter in graph.parameters {
            if let key = dialect.key(for: parameter.path) { sources[parameter.path] = (key, .identity) }
        }
        return ConversionPlan(
            checkpoint: checkpoint, architecture: architecture, framework: .pytorch, dialect: dialect.title,
            graph: graph, sources: sources,
            assumptions: assumptions + [unseenChoices(of: architecture, because: dialect.title)])
    }

    /// What neither names nor shapes can prove.
    private func unseenChoices(of architecture: Architecture, because reason: String) -> String {
        let others = Architecture.all.map(\.name).filter { $0 != architecture.name }
        return
            "activation and pooling are those of \(architecture.title), because of \(reason); tensors don't show "
            + "them (choose with --architecture \(others.joined(separator: " or ")))"
    }

    /// Unknown names: the tensors must be a network's parameters in its own order.
    private func planByOrder() throws(ZooError) -> ConversionPlan {
        let tensors = checkpoint.tensors.filter { !$0.name.hasSuffix("num_batches_tracked") }
        var fitting: [ConversionPlan] = []
        for candidate in architecture.map({ [$0] }) ?? Architecture.all {
            let paths = try candidate.graph(ArchitectureOptions()).parameters.map(\.path)
            guard paths.count == tensors.count else { continue }
            var shapes: [ParameterPath: TensorShape] = [:]
            var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
            for (path, tensor) in zip(paths, tensors) {
                shapes[path] = tensor.shape
                sources[path] = (tensor.name, .identity)
            }
            guard let (graph, assumptions) = try? candidate.fitted(shapes, options) else { continue }
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
            throw unrecognised("the file's tensors are not those of \(asked.name)")
        }
        if fitting.isEmpty {
            throw unrecognised("no known architecture has these tensors", code: .unknownArchitecture)
        }
        let names = fitting.map(\.architecture.name)
        throw ZooError(
            .ambiguous,
            "names and shapes don't tell which network this is: \(names.joined(separator: ", ")) would fit",
            remedy: "Say which: --architecture \(names[0])")
    }

    private func unrecognised(_ problem: String, code: ZooError.Code = .mismatch) -> ZooError {
        let sample = checkpoint.tensors.prefix(3).map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
        let known = Architecture.all.map(\.name).joined(separator: ", ")
        return ZooError(
            code, problem, found: "\(checkpoint.tensors.count) tensors: \(sample)…",
            remedy: "Known architectures: \(known).")
    }
}
