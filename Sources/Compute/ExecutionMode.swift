/// Whether a network answers or learns. It matters to layers that behave differently while training: dropout in its
/// three forms, and batch normalisation.
public enum ExecutionMode: Sendable, Hashable {
    /// Every layer is a fixed function; dropout is the identity, and batch normalisation takes its running statistics.
    case inference
    /// Dropout zeroes elements, drawn for this place in a run; batch normalisation takes the batch's statistics.
    case training(TrainingMoment)
}

/// A place in a training run: all that random masks depend on. Equal moments give equal masks, whatever the
/// layout, the batch size or the number of threads.
public struct TrainingMoment: Sendable, Hashable {
    /// Seed of the run.
    public var seed: UInt64
    /// Number of the optimizer step, counted from the run's start.
    public var step: UInt64
    /// Number of the batch's first sample within the step; the others follow it.
    public var firstSample: UInt64

    /// A place in a run.
    public init(seed: UInt64, step: UInt64 = 0, firstSample: UInt64 = 0) {
        self.seed = seed
        self.step = step
        self.firstSample = firstSample
    }
}
