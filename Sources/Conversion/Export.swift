public import ZooCheckpoints
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// The way out: a model's tensors as another framework names and lays them out.
public enum Export {
    /// Whose names a state dict gets.
    public enum Names: Sendable, Hashable {
        /// Those of the PyTorch file that the model came from; else those of the first library that has the network
        /// with the model's numbers; else canonical paths.
        case source
        /// Canonical paths.
        case canonical
        /// Those of a dialect, `torchvision`, `timm`.
        case dialect(String)
    }

    /// A state dict and what had to be assumed for it.
    public struct StateDict: Sendable {
        /// Tensors in the graph's order.
        public var tensors: [NamedTensor] = []
        /// The name that each parameter got.
        public var keys: [ParameterPath: String] = [:]
        /// What was assumed or differs only in training, one sentence each.
        public var notes: [String] = []
        /// In what the network whose names these are computes other numbers with them; empty unless that was allowed.
        public var inexact: [String] = []
    }

    /// A PyTorch state dict, which `load_state_dict` takes strictly: BatchNorm's counters stand in it too.
    /// - Parameter allowsInexact: whether a dialect's names are given although its network computes other numbers.
    /// - Throws: ``ZooError`` when the dialect that was asked for lacks the network, or has it with other numbers.
    public static func pytorch(
        _ model: Model, names: Names = .source, allowsInexact: Bool = false
    ) throws(ZooError) -> StateDict {
        var result = StateDict()
        let (dialect, keys) = try naming(model, names, allowsInexact: allowsInexact, &result)
        var unknownCounters = 0
        for (path, tensor) in model.parameters.entries {
            // What a network with other numbers has no layer for.
            if !result.inexact.isEmpty, dialect?.key(for: path) == nil { continue }
            let key = keys[path] ?? dialect?.key(for: path) ?? path.description
            let transform = dialect?.transform(for: path, shape: tensor.shape) ?? .identity
            result.tensors.append(NamedTensor(key, try transform.fromCanonical(tensor)))
            result.keys[path] = key
            // The counter comes after the statistics, as in PyTorch's own state dicts.
            let suffix = ParameterRole.runningVariance.rawValue
            guard path.role == .runningVariance, key.hasSuffix("." + suffix),
                case .batchNormalization? = model.graph[path.node]?.layer
            else { continue }
            let counted = model.provenance.batchCounters[path.node]
            if counted == nil { unknownCounters += 1 }
            result.tensors.append(
                NamedTensor(
                    key.dropLast(suffix.count) + ConversionPlan.counter,
                    try Tensor([Int64(counted ?? 0)], shape: [])))
        }
        if unknownCounters > 0 {
            result.notes.append(
                "assumed: \(ConversionPlan.counter) of \(unknownCounters) batch normalisations, which the source "
                    + "doesn't tell, is written as 0; no result depends on it")
        }
        return result
    }

    /// The model in Keras' terms. With the names of the dialect `keras`, a network that keras.applications has gets the
    /// layers that it has there, so that its own network takes the weights.
    /// - Parameter isWeightsOnly: whether the numbers that no weight shows are left to the network that takes them.
    /// - Throws: ``ZooError`` naming the layer that Keras can't express, or what keras.applications' network would
    ///   compute in another way.
    public static func keras(
        _ model: Model, names: Names = .source, isWeightsOnly: Bool = false
    ) throws(ZooError) -> KerasModel {
        let isAsked = names == kerasNames
        let form = try KerasApplicationForm(model, isAsked: isAsked)
        if isAsked, isWeightsOnly, !form.differences.isEmpty {
            throw ZooError(
                .mismatch,
                "keras.applications' \(model.graph.architecture) would give other numbers with these weights",
                found: form.differences.joined(separator: "; "),
                remedy: "Write the whole model, to a .keras or .h5 file.")
        }
        return try KerasModel(form.model, notes: form.notes)
    }

    /// The model that ``keras(_:names:isWeightsOnly:)`` writes, in canonical terms.
    public static func kerasForm(of model: Model, names: Names) throws(ZooError) -> Model {
        try KerasApplicationForm(model, isAsked: names == kerasNames).model
    }

    /// The names of keras.applications.
    public static let kerasNames = Names.dialect("keras")

    /// The dialect whose names and layouts are used, and the keys that go before them.
    private static func naming(
        _ model: Model, _ names: Names, allowsInexact: Bool, _ result: inout StateDict
    ) throws(ZooError) -> (dialect: Dialect?, keys: [ParameterPath: String]) {
        let known = Dialect.of(model.graph.architecture)
        switch names {
        case .canonical: return (nil, [:])
        case .dialect(let name):
            guard let dialect = known.first(where: { $0.name == name }) else {
                let others = known.map(\.name).joined(separator: ", ")
                throw ZooError(
                    .unsupported, "\(name) has no names for this network", found: model.graph.architecture,
                    remedy: others.isEmpty
                        ? "Leave --to out, or say --to torchvision for the network's own names."
                        : "It is known as \(others) have it.")
            }
            let differences = try DialectDifferences(model.graph, dialect)
            if allowsInexact, !differences.isExact {
                result.inexact = differences.inResults
                result.notes += differences.inTraining
            } else {
                result.notes += try differences.refused(model)
            }
            return (dialect, [:])
        case .source:
            if model.provenance.dialect == Framework.pytorch.rawValue {
                return (known.first { $0.name == model.provenance.naming }, model.keys)
            }
            let exact = known.compactMap { try? DialectDifferences(model.graph, $0) }.filter(\.isExact)
            guard let nearest = exact.first(where: { $0.inTraining.isEmpty }) ?? exact.first else {
                return (nil, [:])
            }
            result.notes += nearest.inTraining
            return (nearest.dialect, [:])
        }
    }
}
