package import ZooLayerGraphs
package import ZooTensors

/// What computes for a ``Trainer``: it owns the parameters and the optimizer's state while a run lasts.
///
/// ``ReferenceBackend`` is plain Swift in double precision, the oracle of the tests; ``NativeBackend`` runs
/// execution plans and updates parameters where they lie.
package protocol TrainingBackend: AnyObject {
    /// The resolved plan; a run is resumed under an equal one only.
    var plan: JSONValue { get }

    /// Names the nodes whose parameters don't learn from now on.
    func freeze(_ paths: Set<String>) throws(ZooError)

    /// Logits of a batch `[N, C, H, W]` in inference mode, row-major.
    func logits(_ inputs: Tensor) throws(ZooError) -> [Float]

    /// One step: forward, the gradient of the loss (which `lossGradient` gives for the logits), backward, update.
    func step(
        _ inputs: Tensor, update: OptimizerUpdate,
        lossGradient: ([Float]) throws(ZooError) -> [Float]
    ) throws(ZooError)

    /// The parameters as they are now, canonical layout, `f32`.
    func parameters() throws(ZooError) -> ParameterTable

    /// What the optimizer keeps per parameter, canonical layout, `f32`.
    func optimizerState() throws(ZooError) -> [ParameterPath: [String: Tensor]]

    /// Puts a state of the optimizer back.
    func setOptimizerState(_ state: [ParameterPath: [String: Tensor]]) throws(ZooError)
}

/// An optimizer's rule with the numbers of one step.
package struct OptimizerUpdate: Sendable, Hashable {
    /// The rule.
    package let rule: OptimizerRule
    /// Step size.
    package let learningRate: Double

    package init(rule: OptimizerRule, learningRate: Double) {
        self.rule = rule
        self.learningRate = learningRate
    }
}
