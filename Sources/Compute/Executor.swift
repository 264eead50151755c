public import ZooLayerGraphs
public import ZooTensors

/// What computes a layer graph: its results, and the gradients of its parameters.
///
/// ``ReferenceExecutor`` is the oracle: plain loops in double precision. ``NativeExecutor`` is the fast one.
public protocol Executor: Sendable {
    /// The network.
    var graph: LayerGraph { get }

    /// Computes the network's result.
    /// - Parameters:
    ///   - input: `[N, C, H, W]` with N ≥ 1, the graph's channels, and any H and W that the layers can take.
    ///   - mode: inference, or a place in a training run.
    ///   - paths: nodes (or ``LayerGraph/inputPath``) whose results are wanted besides the output.
    /// - Throws: ``ZooError`` naming the layer that the input doesn't fit, or an unknown path.
    func forward(
        _ input: Tensor, mode: ExecutionMode, keeping paths: Set<String>
    ) throws(ZooError) -> ForwardResult

    /// Computes the gradients of a loss, given its gradient with respect to the network's result.
    /// - Parameters:
    ///   - input: `[N, C, H, W]`, as for ``forward(_:mode:keeping:)``.
    ///   - outputGradient: has the shape of the network's result.
    ///   - mode: inference, or a place in a training run.
    ///   - request: which gradients are wanted besides the parameters'.
    func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode, request: GradientRequest
    ) throws(ZooError) -> GradientResult
}

extension Executor {
    /// The network's answer.
    public func forward(_ input: Tensor, keeping paths: Set<String> = []) throws(ZooError) -> ForwardResult {
        try forward(input, mode: .inference, keeping: paths)
    }

    /// The gradients of all trainable parameters.
    public func gradients(
        input: Tensor, outputGradient: Tensor, mode: ExecutionMode = .inference
    ) throws(ZooError) -> GradientResult {
        try gradients(input: input, outputGradient: outputGradient, mode: mode, request: GradientRequest())
    }
}

/// What a forward pass gives.
public struct ForwardResult: Sendable {
    /// The result of the graph's output node: `[N, classes]` for a classifier.
    public let output: Tensor
    /// The results that were asked for, by path, in canonical layout: `[N, C, H, W]` or `[N, F]`.
    public let activations: [String: Tensor]
    /// Running statistics as a training pass leaves them: mean and variance of every batch normalisation that isn't
    /// frozen, `f32` or the executor's precision, `[C]`. Empty in inference mode; the executor's own stay as they are.
    public let statistics: ParameterTable

    init(output: Tensor, activations: [String: Tensor], statistics: ParameterTable = ParameterTable()) {
        self.output = output
        self.activations = activations
        self.statistics = statistics
    }
}

/// Which gradients are wanted besides those of the parameters.
public struct GradientRequest: Sendable, Hashable {
    /// Whether the gradient with respect to the network's input is wanted.
    public var input: Bool
    /// Nodes for whose results the gradient is wanted.
    public var activations: Set<String>

    /// By default the parameters' gradients alone.
    public init(input: Bool = false, activations: Set<String> = []) {
        self.input = input
        self.activations = activations
    }
}

/// What a backward pass gives. Layouts are canonical.
public struct GradientResult: Sendable {
    /// Gradients of the trainable parameters, summed over the batch, in node order.
    public let parameters: ParameterTable
    /// The gradient with respect to the input, if asked for: `[N, C, H, W]`.
    public let input: Tensor?
    /// Gradients with respect to the results asked for, by path; zeros where the output doesn't depend on one.
    public let activations: [String: Tensor]
    /// Running statistics as a training pass leaves them, as in ``ForwardResult/statistics``.
    public let statistics: ParameterTable

    init(
        parameters: ParameterTable, input: Tensor?, activations: [String: Tensor],
        statistics: ParameterTable = ParameterTable()
    ) {
        self.parameters = parameters
        self.input = input
        self.activations = activations
        self.statistics = statistics
    }
}
