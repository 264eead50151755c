public import ZooTensors

/// How a gradient changes a parameter. The rules are PyTorch's, to the order of operations.
public enum OptimizerRule: Sendable, Hashable {
    /// `torch.optim.SGD`: g ← g + wd·p; buffer ← μ·buffer + (1 − dampening)·g (g itself at the first step);
    /// p ← p − lr·buffer, or with Nesterov's look-ahead p ← p − lr·(g + μ·buffer).
    case sgd(momentum: Float = 0, dampening: Float = 0, weightDecay: Float = 0, nesterov: Bool = false)
    /// `torch.optim.Adam`: first and second moments with bias correction; weight decay is added to the gradient.
    case adam(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Float = 0)

    /// Name of the rule.
    public var name: String {
        switch self {
        case .sgd: "sgd"
        case .adam: "adam"
        }
    }

    /// Tensors that the rule keeps per parameter, by name.
    public var slots: [String] {
        switch self {
        case .sgd(let momentum, _, _, _): momentum == 0 ? [] : ["momentum_buffer"]
        case .adam: ["exp_avg", "exp_avg_sq"]
        }
    }

    /// The rule with its numbers.
    public var json: JSONValue {
        switch self {
        case .sgd(let momentum, let dampening, let weightDecay, let nesterov):
            [
                "name": "sgd", "momentum": .number(Double(momentum)), "dampening": .number(Double(dampening)),
                "weight_decay": .number(Double(weightDecay)), "nesterov": .bool(nesterov),
            ]
        case .adam(let beta1, let beta2, let epsilon, let weightDecay):
            [
                "name": "adam", "beta1": .number(beta1), "beta2": .number(beta2), "epsilon": .number(epsilon),
                "weight_decay": .number(Double(weightDecay)),
            ]
        }
    }

    /// Reads the rule back.
    public init(json: JSONValue) throws(ZooError) {
        func number(_ member: String) throws(ZooError) -> Double {
            guard let value = json[member]?.doubleValue else {
                throw ZooError(.corrupt, "the optimizer has no number \"\(member)\"")
            }
            return value
        }
        switch json["name"]?.stringValue {
        case "sgd":
            self = .sgd(
                momentum: Float(try number("momentum")), dampening: Float(try number("dampening")),
                weightDecay: Float(try number("weight_decay")), nesterov: json["nesterov"]?.boolValue ?? false
            )
        case "adam":
            self = .adam(
                beta1: try number("beta1"), beta2: try number("beta2"), epsilon: try number("epsilon"),
                weightDecay: Float(try number("weight_decay")))
        default:
            throw ZooError(
                .unsupported, "the optimizer is unknown", found: json["name"]?.stringValue ?? "none")
        }
    }
}
