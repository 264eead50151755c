import ZooLayerGraphs
import ZooTensors

/// What a layer applies to its result.
enum KerasActivation: Hashable {
    case none
    case function(Activation)
    case softmax

    /// Reads the activation of a layer's configuration: a name, a function, or a layer in the place of one.
    /// - Parameter isKeras3: Keras 3 changed what `hard_sigmoid` is.
    init(_ arguments: KerasArguments, isKeras3: Bool) throws(ZooError) {
        guard let value = arguments["activation"] else {
            self = .none
            return
        }
        if let name = value.stringValue {
            guard let known = KerasActivation(name: name, isKeras3: isKeras3) else {
                throw arguments.refuse("activation")
            }
            self = known
            return
        }
        // {"class_name": "function", "config": "relu6", …} or {"class_name": "LeakyReLU", "config": {…}, …}
        if let name = value["config"]?.stringValue {
            guard let known = KerasActivation(name: name, isKeras3: isKeras3) else {
                throw arguments.refuse("activation", .string(name))
            }
            self = known
            return
        }
        guard let className = value["class_name"]?.stringValue, let config = value["config"] else {
            throw arguments.refuse("activation")
        }
        let inner = KerasArguments(config: config, path: arguments.path, className: className)
        if className == "Activation" {
            guard inner["activation"]?.stringValue != nil else { throw arguments.refuse("activation") }
            self = try KerasActivation(inner, isKeras3: isKeras3)
        } else if className == "Softmax" {
            self = .softmax
        } else if let function = try KerasActivation.layer(inner) {
            self = .function(function)
        } else {
            throw arguments.refuse("activation", .string(className))
        }
    }

    /// The functions that Keras knows by name.
    init?(name: String, isKeras3: Bool) {
        switch name {
        case "linear": self = .none
        case "softmax": self = .softmax
        case "relu": self = .function(.relu)
        case "relu6": self = .function(.relu6)
        case "leaky_relu": self = .function(.leakyReLU(slope: 0.2))
        case "sigmoid": self = .function(.sigmoid)
        case "tanh": self = .function(.tanh)
        case "silu", "swish": self = .function(.silu)
        case "hard_silu", "hard_swish": self = .function(.hardSwish)
        case "hard_sigmoid": self = .function(.hardSigmoid(slope: isKeras3 ? 1.0 / 6 : 0.2))
        case "elu": self = .function(.elu(alpha: 1))
        case "selu": self = .function(.selu)
        case "gelu": self = .function(.gelu(approximate: false))
        case "softplus": self = .function(.softplus)
        default: return nil
        }
    }

    /// The activation layers; `nil` for another class.
    static func layer(_ arguments: KerasArguments) throws(ZooError) -> Activation? {
        switch arguments.className {
        case "ReLU":
            let ceiling = arguments["max_value"] == nil ? nil : try arguments.number("max_value", default: 0)
            return Activation.Rectifier(
                slope: try arguments.number("negative_slope", default: 0),
                threshold: try arguments.number("threshold", default: 0), ceiling: ceiling
            ).activation
        case "LeakyReLU":
            return .leakyReLU(slope: try arguments.number("negative_slope", "alpha", default: 0.3))
        case "ThresholdedReLU":
            return Activation.Rectifier(threshold: try arguments.number("theta", default: 1)).activation
        case "ELU": return .elu(alpha: try arguments.number("alpha", default: 1))
        default: return nil
        }
    }
}
