import ZooLayerGraphs
import ZooTensors

/// Element-wise functions. Comparisons are written so that NaN stays NaN, and derivatives where there are two of
/// them are those that PyTorch takes.
struct ReferenceActivation: ReferenceOperation {
    let function: Activation

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        operands[0].map(function.value)
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let derivative = function.derivative
        return ReferenceGradients(operand: flow.zipped(with: operands[0]) { $0 * derivative($1) })
    }
}

/// `torch.nn.functional.prelu` with a number for each channel.
struct ReferenceParametricReLU: ReferenceOperation {
    let weight: ReferenceValue

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        ChannelPlanes(operands[0].shape).map(operands[0]) { $0 > 0 ? $0 : $0 * weight.elements[$1] }
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        let planes = ChannelPlanes(flow.shape)
        let input = operands[0].elements
        let slopes = planes.map(operands[0]) { $0 > 0 ? 1 : weight.elements[$1] }
        let toWeight = planes.sums { position, _ in flow.elements[position] * min(input[position], 0) }
        return ReferenceGradients(
            operand: flow.zipped(with: slopes) { $0 * $1 }, weight: ReferenceValue(weight.shape, toWeight))
    }
}

extension Activation {
    /// The function.
    fileprivate var value: (Double) -> Double {
        switch self {
        case .relu: { $0 < 0 ? 0 : $0 }
        case .relu6: { $0 < 0 ? 0 : $0 > 6 ? 6 : $0 }
        case .leakyReLU(let slope): { $0 < 0 ? slope * $0 : $0 }
        case .rectifier(let numbers): { numbers.value($0) }
        case .silu: { $0 * logistic($0) }
        case .sigmoid: logistic
        case .tanh: hyperbolicTangent
        case .hardSwish: { $0 * hardLogistic($0, slope: 1.0 / 6) }
        case .hardSigmoid(let slope): { hardLogistic($0, slope: slope) }
        case .elu(let alpha): { $0 < 0 ? alpha * exponentialMinusOne($0) : $0 }
        case .selu: { Selu.scale * ($0 < 0 ? Selu.alpha * exponentialMinusOne($0) : $0) }
        case .gelu(approximate: false): { $0 * normalDistribution($0) }
        case .gelu(approximate: true): { 0.5 * $0 * (1 + hyperbolicTangent(Gelu.argument($0))) }
        case .softplus: { max($0, 0) + logarithmOfOnePlus(exponential(-abs($0))) }
        }
    }

    /// Its derivative.
    fileprivate var derivative: (Double) -> Double {
        switch self {
        case .relu: { $0 <= 0 ? 0 : 1 }
        case .relu6: { $0 <= 0 || $0 >= 6 ? 0 : 1 }
        case .leakyReLU(let slope): { $0 > 0 ? 1 : slope }
        case .rectifier(let numbers): { numbers.derivative($0) }
        case .silu:
            { x in
                let s = logistic(x)
                return s * (1 + x * (1 - s))
            }
        case .sigmoid:
            { x in
                let s = logistic(x)
                return s * (1 - s)
            }
        case .tanh:
            { x in
                let t = hyperbolicTangent(x)
                return 1 - t * t
            }
        case .hardSwish: { $0 <= -3 ? 0 : $0 < 3 ? $0 / 3 + 0.5 : 1 }
        case .hardSigmoid(let slope):
            { x in
                let y = slope * x + 0.5
                return y <= 0 || y >= 1 ? 0 : slope
            }
        case .elu(let alpha): { $0 <= 0 ? alpha * exponential($0) : 1 }
        case .selu: { Selu.scale * ($0 <= 0 ? Selu.alpha * exponential($0) : 1) }
        case .gelu(approximate: false):
            { x in
                let density = exponential(-0.5 * x * x) / squareRoot(2 * Double.pi)
                return normalDistribution(x) + x * density
            }
        case .gelu(approximate: true):
            { x in
                let t = hyperbolicTangent(Gelu.argument(x))
                return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Gelu.argumentDerivative(x)
            }
        case .softplus: logistic
        }
    }
}

extension Activation.Rectifier {
    fileprivate func value(_ x: Double) -> Double {
        if let ceiling, x >= ceiling { return ceiling }
        return x < threshold ? slope * (x - threshold) : x
    }

    fileprivate func derivative(_ x: Double) -> Double {
        if let ceiling, x >= ceiling { return 0 }
        return x > threshold ? 1 : slope
    }
}

private func logistic(_ x: Double) -> Double { 1 / (1 + exponential(-x)) }

private func hardLogistic(_ x: Double, slope: Double) -> Double {
    let y = slope * x + 0.5
    return y < 0 ? 0 : y > 1 ? 1 : y
}

/// The distribution function of the standard normal distribution.
private func normalDistribution(_ x: Double) -> Double { 0.5 * (1 + errorFunction(x / squareRoot(2))) }

/// The two numbers of the self-normalising exponential unit.
private enum Selu {
    static let alpha = 1.6732632423543772848170429916717
    static let scale = 1.0507009873554804934193349852946
}

/// What the hyperbolic tangent in GELU's approximation is taken of.
private enum Gelu {
    private static let factor = squareRoot(2 / Double.pi)

    static func argument(_ x: Double) -> Double { factor * (x + 0.044715 * x * x * x) }

    static func argumentDerivative(_ x: Double) -> Double { factor * (1 + 3 * 0.044715 * x * x) }
}
