public import ZooLayerGraphs
public import ZooTensors

/// A classifier in words, as people would write it down: `linear 512 256, relu, dropout 0.5, linear 256 5`. It stands
/// behind a body that is known, whose file has another head than the architecture's own.
public struct HeadDescription: Sendable, Hashable {
    /// How the body's feature map becomes a vector.
    public enum Features: String, Sendable, Hashable {
        /// In the architecture's own way.
        case own
        /// The mean of each channel.
        case average = "avgpool"
        /// The largest value of each channel.
        case maximum = "maxpool"
        /// The largest values and behind them the means: fastai's `AdaptiveConcatPool2d`.
        case both = "concatpool"
    }

    /// How the body's feature map becomes a vector.
    public let features: Features
    /// The layers, in order.
    public let layers: [Layer]
    /// What the framework applies at the end, which the graph leaves out: `softmax`.
    public let outputActivation: String?

    /// Words and what they stand for, as help texts show them.
    public static let grammar =
        "linear IN OUT, batchnorm N, dropout P, flatten, relu, relu6, leakyrelu SLOPE, silu, gelu, elu, selu, sigmoid, "
        + "tanh, hardswish, softplus; first avgpool, maxpool or concatpool; last softmax"

    /// Reads a description.
    /// - Throws: ``ZooError`` that names the word which isn't understood.
    public init(_ text: String) throws(ZooError) {
        var features = Features.own
        var layers: [Layer] = []
        var activation: String?
        let items = text.lowercased().split(separator: ",", omittingEmptySubsequences: false)
        for (position, item) in items.enumerated() {
            let words = item.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let name = words.first else {
                throw HeadDescription.fault("a head's description has nothing between two commas", text)
            }
            if let found = Features(rawValue: name), found != .own, words.count == 1 {
                guard position == 0 else {
                    throw HeadDescription.fault("\(name) stands first in a head's description", String(item))
                }
                features = found
            } else if name == "softmax", words.count == 1 {
                guard position == items.count - 1 else {
                    throw HeadDescription.fault("softmax stands last in a head's description", String(item))
                }
                activation = name
            } else {
                layers.append(try HeadDescription.layer(name, words.dropFirst().map { $0 }, String(item)))
            }
        }
        guard layers.contains(where: { if case .linear = $0 { true } else { false } }) else {
            throw HeadDescription.fault("a head has a linear layer at least", text)
        }
        (self.features, self.layers, self.outputActivation) = (features, layers, activation)
    }

    private static func layer(
        _ name: String, _ words: [String], _ item: String
    ) throws(ZooError) -> Layer {
        let numbers = words.compactMap { Double($0) }
        let counts = words.compactMap { Int($0) }.filter { (1...(1 << 24)).contains($0) }
        if let function = functions[name], words.isEmpty { return .activation(function) }
        switch name {
        case "linear" where counts.count == 2 && words.count == 2:
            return .linear(Linear(counts[0], counts[1]))
        case "batchnorm" where counts.count == 1 && words.count == 1:
            return .batchNormalization(BatchNormalization(counts[0]))
        case "dropout" where words.isEmpty: return .dropout(probability: 0.5)
        case "dropout" where words.count == 1 && numbers.first.map({ (0..<1).contains($0) }) == true:
            return .dropout(probability: numbers[0])
        case "leakyrelu" where words.isEmpty: return .activation(.leakyReLU(slope: 0.01))
        case "leakyrelu" where words.count == 1 && numbers.first.map({ $0.isFinite }) == true:
            return .activation(.leakyReLU(slope: numbers[0]))
        case "flatten" where words.isEmpty: return .flatten(.channelsFirst)
        default: throw fault("a head's description has something that isn't understood", item)
        }
    }

    private static let functions: [String: Activation] = [
        "relu": .relu, "relu6": .relu6, "silu": .silu, "swish": .silu, "gelu": .gelu(approximate: false),
        "elu": .elu(alpha: 1), "selu": .selu, "sigmoid": .sigmoid, "tanh": .tanh, "hardswish": .hardSwish,
        "softplus": .softplus,
    ]

    private static func fault(_ problem: String, _ found: String) -> ZooError {
        ZooError(
            .invalidArgument, problem, found: "\"\(found.drop(while: \.isWhitespace))\"",
            remedy: "Known are \(grammar).")
    }
}
