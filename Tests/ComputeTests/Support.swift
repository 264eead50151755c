import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The numbers that make-layer-goldens.py fills its tensors with.
func pattern(_ shape: TensorShape, _ salt: Int) throws -> Tensor {
    try Tensor(patternValues(shape.elementCount, salt), shape: shape)
}

func patternValues(_ count: Int, _ salt: Int) -> [Double] {
    (0..<count).map { Double(($0 * $0 * 7 + $0 * 37 + salt * 11) % 101 - 50) / 64 }
}

/// Three numbers that nearly any mistake changes.
func fingerprint(_ tensor: Tensor) throws -> [Double] {
    let values = try tensor.doubles()
    return [
        dot(values, patternValues(values.count, 1)), dot(values, patternValues(values.count, 2)),
        values.reduce(0) { max($0, abs($1)) },
    ]
}

func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

/// Random parameters of the size that PyTorch's default initialisation gives.
func randomParameters(for graph: LayerGraph, seed: UInt64 = 1) throws -> ParameterTable {
    var table = ParameterTable()
    for specification in graph.parameters {
        let stream = RandomStream(seed: seed, name: "init/\(specification.path)")
        let fanIn = max(specification.shape.dimensions.dropFirst().reduce(1, *), 1)
        let reach = specification.path.role == .bias ? 0.1 : 1 / Double(fanIn).squareRoot()
        let values = (0..<specification.shape.elementCount).map {
            let uniform = Double(stream.uniform(at: UInt64($0)))
            return Float(
                specification.path.role == .runningVariance ? 0.5 + uniform : (uniform * 2 - 1) * reach)
        }
        table[specification.path] = try Tensor(values, shape: specification.shape)
    }
    return table
}

/// Normally distributed numbers.
func randomTensor(_ shape: TensorShape, name: String, seed: UInt64 = 1) throws -> Tensor {
    let stream = RandomStream(seed: seed, name: name)
    return try Tensor((0..<shape.elementCount).map { Float(stream.normal(at: UInt64($0))) }, shape: shape)
}

/// A graph of one layer.
func single(_ layer: Layer, input: InputShape) throws -> LayerGraph {
    try LayerGraph(architecture: "custom", input: input, chain: [("layer", layer)])
}

/// A variable of the process' environment.
func environment(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    return unsafe String(cString: value)
}
