public import ZooLayerGraphs
public import ZooTensors

/// How fresh parameters are drawn.
public enum Initialization: String, Sendable, Hashable {
    /// What `torch.nn.Conv2d` and `Linear` do by themselves: weight and bias uniform in ±1/√fan-in.
    case torchDefault = "torch"
    /// What d2l does: weights by Glorot and Bengio's uniform rule, ±√(6 / (fan-in + fan-out)); biases as PyTorch's
    /// default.
    case xavierUniform = "xavier-uniform"

    /// Draws the parameters of one layer, in `f32`.
    ///
    /// Every parameter has its own random stream `init/<path>`, so that a layer gets the same numbers whatever
    /// else is drawn.
    public func parameters(for node: Node, seed: UInt64) throws(ZooError) -> [(ParameterPath, Tensor)] {
        if let result = try Initialization.neutral(node) { return result }
        var result: [(ParameterPath, Tensor)] = []
        let shapes = node.layer.parameterShapes
        guard let weight = shapes.first(where: { $0.role == .weight })?.shape, weight.rank >= 2 else {
            return []
        }
        let receptiveField = weight.dimensions.dropFirst(2).reduce(1, *)
        let fanIn = Double(weight[1] * receptiveField)
        let fanOut = Double(weight[0] * receptiveField)
        for (role, shape) in shapes {
            let bound =
                self == .xavierUniform && role == .weight
                ? squareRoot(6 / (fanIn + fanOut)) : 1 / squareRoot(max(fanIn, 1))
            let path = ParameterPath(node.path, role)
            let stream = RandomStream(seed: seed, name: "init/\(path)")
            let values = (0..<shape.elementCount).map { index in
                Float((2 * Double(stream.uniform(at: UInt64(index))) - 1) * bound)
            }
            result.append((path, try Tensor(values, shape: shape)))
        }
        return result
    }

    /// The parameters of layers that every reference starts with constants: a normalisation that changes nothing,
    /// and PyTorch's quarter for the slope of a PReLU.
    private static func neutral(_ node: Node) throws(ZooError) -> [(ParameterPath, Tensor)]? {
        let isSlope: Bool
        switch node.layer {
        case .batchNormalization, .normalization: isSlope = false
        case .parametricReLU: isSlope = true
        default: return nil
        }
        var result: [(ParameterPath, Tensor)] = []
        for specification in node.parameters {
            let value: Float =
                switch specification.path.role {
                case .weight: isSlope ? 0.25 : 1
                case .runningVariance: 1
                case .bias, .runningMean: 0
                }
            let values = [Float](repeating: value, count: specification.shape.elementCount)
            result.append((specification.path, try Tensor(values, shape: specification.shape)))
        }
        return result
    }

    /// Draws all parameters of a graph.
    public func parameters(for graph: LayerGraph, seed: UInt64) throws(ZooError) -> ParameterTable {
        var table = ParameterTable()
        for node in graph.nodes {
            for (path, tensor) in try parameters(for: node, seed: seed) { table[path] = tensor }
        }
        return table
    }
}
