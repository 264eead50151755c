public import ZooArchitectures
public import ZooModels
public import ZooTensors

/// Draws all of a model's numbers afresh, as the architecture's own framework would: what fine-tuning is compared
/// with.
public struct FreshStart: Sendable, Hashable {
    /// How the numbers are drawn; the architecture's own way when `nil`.
    public var initialization: Initialization?
    /// Seed of the drawing.
    public var seed: UInt64

    /// A fresh start from a seed.
    public init(initialization: Initialization? = nil, seed: UInt64 = 0) {
        self.initialization = initialization
        self.seed = seed
    }

    /// Applies it.
    public func apply(to model: Model) throws(ZooError) -> Model {
        let scheme = initialization ?? Architecture.initialization(named: model.graph.architecture)
        var provenance = model.provenance
        provenance.history.append("drew all numbers afresh (seed \(seed))")
        return try Model(
            graph: model.graph, parameters: scheme.parameters(for: model.graph, seed: seed), keys: model.keys,
            preprocessing: model.preprocessing, labels: model.labels, provenance: provenance)
    }
}
