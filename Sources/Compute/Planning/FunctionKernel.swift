import COneDNNShim
import CZooKernels
import ZooLayerGraphs

/// What computes an element-wise function: oneDNN where it has the function with these numbers, or a kernel of ours.
enum FunctionKernel {
    case library(zoo_dnn_function)
    case own(zoo_function_kind, [Double])

    init(_ function: Activation) {
        switch function {
        case .relu: self = .library(zoo_dnn_function(kind: .relu, alpha: 0, beta: 0))
        case .relu6: self = .library(zoo_dnn_function(kind: .clip, alpha: 0, beta: 6))
        case .leakyReLU(let slope) where slope >= 0:
            self = .library(zoo_dnn_function(kind: .relu, alpha: Float(slope), beta: 0))
        case .leakyReLU(let slope): self = .own(.rectifier, [slope, 0, .infinity])
        case .rectifier(let numbers):
            self = .own(.rectifier, [numbers.slope, numbers.threshold, numbers.ceiling ?? .infinity])
        case .silu: self = .library(zoo_dnn_function(kind: .swish, alpha: 1, beta: 0))
        case .sigmoid: self = .library(zoo_dnn_function(kind: .logistic, alpha: 0, beta: 0))
        case .tanh: self = .library(zoo_dnn_function(kind: .tanh, alpha: 0, beta: 0))
        case .hardSwish: self = .own(.hard_swish, [])
        case .hardSigmoid(let slope): self = .own(.hard_sigmoid, [slope])
        case .elu(let alpha): self = .own(.exponential, [1, alpha])
        // The constants of Klambauer et al., "Self-Normalizing Neural Networks", as PyTorch has them.
        case .selu: self = .own(.exponential, [1.0507009873554805, 1.0507009873554805 * 1.6732632423543772])
        case .gelu(let approximate): self = .own(approximate ? .gelu_tanh : .gelu, [])
        case .softplus: self = .own(.softplus, [])
        }
    }

    /// oneDNN's function, which it can also apply to results of its other kernels.
    var library: zoo_dnn_function? {
        if case .library(let function) = self { function } else { nil }
    }

    /// Whether the gradient is found from the operand, or else from the result.
    var needsOperand: Bool {
        switch self {
        case .library(let function): function.kind == .swish
        case .own: true
        }
    }
}

extension zoo_dnn_function {
    /// A function to be applied to the result of another kernel.
    init(fused function: Activation?) {
        self =
            function.flatMap { FunctionKernel($0).library }
            ?? zoo_dnn_function(kind: .none, alpha: 0, beta: 0)
    }
}

extension zoo_dnn_fusion {
    /// What a step does to its result on the way to memory.
    init(_ step: LoweredGraph.Step) {
        self.init(adds_to_destination: step.addend != nil, function: zoo_dnn_function(fused: step.fused))
    }

    /// Nothing.
    static var none: zoo_dnn_fusion {
        zoo_dnn_fusion(adds_to_destination: false, function: zoo_dnn_function(fused: nil))
    }
}
