public import ZooLayerGraphs
public import ZooTensors

/// How fresh parameters are drawn.
public enum Initialization: String, Sendable, Hashable, CaseIterable {
    /// What `torch.nn.Conv2d` and `Linear` do by themselves: weight and bias uniform in ±1/√fan-in.
    case torchDefault = "torch"
    /// What d2l does: weights by Glorot and Bengio's uniform rule, ±√(6 / (fan-in + fan-out)); biases as PyTorch's
    /// default.
    case xavierUniform = "xavier-uniform"
    /// torchvision's VGG: convolutions by He's normal rule, √(2 / fan-out); linear layers normal with standard
    /// deviation 0.01; biases zero.
    case vgg
    /// torchvision's ResNet: convolutions by He's normal rule, √(2 / fan-out); the linear layer as PyTorch's default.
    case resnet
    /// torchvision's EfficientNet: convolutions by He's normal rule, √(2 / fan-out), as if they had no groups; the
    /// linear layer uniform in ±1/√out; biases zero.
    case efficientNet = "efficientnet"

    /// The distribution of one parameter.
    private enum Distribution {
        case zero
        case uniform(bound: Double)
        case normal(standardDeviation: Double)
    }

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
        for (role, shape) in shapes {
            let path = ParameterPath(node.path, role)
            let stream = RandomStream(seed: seed, name: "init/\(path)")
            let values: [Float] =
                switch distribution(role, weight: weight) {
                case .zero: [Float](repeating: 0, count: shape.elementCount)
                case .uniform(let bound):
                    stream.uniforms(count: shape.elementCount).map { Float((2 * Double($0) - 1) * bound) }
                case .normal(let deviation):
                    stream.normals(count: shape.elementCount, standardDeviation: deviation)
                }
            result.append((path, try Tensor(values, shape: shape)))
        }
        return result
    }

    /// The distribution of a weight or a bias.
    /// - Parameter weight: shape of the layer's weight; with two axes it is a linear layer's.
    private func distribution(_ role: ParameterRole, weight: TensorShape) -> Distribution {
        let receptiveField = weight.dimensions.dropFirst(2).reduce(1, *)
        let fanIn = Double(max(weight[1] * receptiveField, 1))
        let fanOut = Double(max(weight[0] * receptiveField, 1))
        let isLinear = weight.rank == 2
        let kaiming = Distribution.normal(standardDeviation: squareRoot(2 / fanOut))
        switch (self, role) {
        case (.xavierUniform, .weight): return .uniform(bound: squareRoot(6 / (fanIn + fanOut)))
        case (.vgg, .weight): return isLinear ? .normal(standardDeviation: 0.01) : kaiming
        case (.resnet, .weight) where !isLinear: return kaiming
        case (.efficientNet, .weight): return isLinear ? .uniform(bound: 1 / squareRoot(fanOut)) : kaiming
        case (.vgg, _), (.efficientNet, _): return .zero
        case (.torchDefault, _), (.xavierUniform, _), (.resnet, _):
            return .uniform(bound: 1 / squareRoot(fanIn))
        }
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
