public import ZooLayerGraphs

/// What a plan is made for. Everything about a run that its kernels and its memory depend on.
public struct PlanConfiguration: Sendable, Hashable {
    /// What the plan is to compute.
    public enum Purpose: String, Sendable, Hashable {
        /// Results.
        case inference
        /// Results, and gradients after them.
        case training
    }

    /// What the plan is to compute.
    public var purpose: Purpose
    /// Pictures per run.
    public var batch: Int
    /// Size of the pictures; the graph's own when `nil`.
    public var input: InputShape?
    /// Whether layers do what they do only while training: dropout drops, and batch normalisations take their
    /// statistics from the batch.
    public var isTraining: Bool
    /// Paths of layers that stay in inference mode and get no gradients. Nothing is computed backward below the
    /// lowest layer that learns.
    public var frozen: Set<String>
    /// Layers whose results are wanted besides the output.
    public var keeping: Set<String>
    /// Gradients that are wanted besides the parameters'.
    public var gradients: GradientRequest

    /// The layout of feature maps; the planner's choice when `nil`. For measuring.
    package var layout: FeatureLayout?
    /// Threads, at most the engine's; the planner's choice when `nil`. For measuring.
    package var threads: Int?

    /// A configuration; layers are in training mode when gradients are computed, unless told otherwise.
    public init(
        _ purpose: Purpose, batch: Int, input: InputShape? = nil, isTraining: Bool? = nil,
        frozen: Set<String> = [], keeping: Set<String> = [], gradients: GradientRequest = GradientRequest()
    ) {
        self.purpose = purpose
        self.batch = batch
        self.input = input
        self.isTraining = isTraining ?? (purpose == .training)
        self.frozen = frozen
        self.keeping = keeping
        self.gradients = gradients
    }
}

/// How feature maps may lie in memory between layers.
package enum FeatureLayout: String, Sendable, Hashable, CaseIterable {
    /// Channels innermost.
    case channelsLast = "nhwc"
    /// Channels in blocks of a vector register's width innermost.
    case blocked
    /// Row-major.
    case plain = "nchw"
}
