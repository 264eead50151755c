public import ZooLayerGraphs
public import ZooTensors

/// LeNet-5 in the forms that people train today.
///
/// Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proceedings
/// of the IEEE 86 (1998). No common form keeps the paper's trainable subsampling, partial connection table and
/// radial basis output; all replace them by pooling, full convolution and a linear layer.
public struct LeNet: Sendable, Hashable {
    /// The forms that share the name. Weights never tell activation and pooling, names only sometimes.
    public enum Variant: String, Sendable, Hashable, CaseIterable {
        /// The PyTorch tutorial's `Net`: ReLU, max pooling, three linear layers.
        case tutorial = "lenet"
        /// "Dive into Deep Learning": sigmoid, average pooling, padding 2.
        case d2l = "lenet-d2l"
        /// The form closest to the paper: tanh, average pooling, a third convolution with 120 channels.
        case classic = "lenet-classic"
    }

    /// Which form; it decides structure and names.
    public var variant: Variant
    /// Rows of the last linear layer.
    public var classes: Int
    /// Channels of the pictures.
    public var inputChannels: Int
    /// Side of the square pictures.
    public var inputSize: Int
    /// Zeros around the picture in the first convolution.
    public var firstPadding: Int
    /// The function after each layer but the last.
    public var activation: Activation
    /// How each 2×2 window is reduced.
    public var pooling: Pooling.Operation

    /// A variant with its own defaults.
    public init(_ variant: Variant = .tutorial, classes: Int = 10, inputChannels: Int = 1) {
        self.variant = variant
        self.classes = classes
        self.inputChannels = inputChannels
        self.inputSize = variant == .d2l ? 28 : 32
        self.firstPadding = variant == .d2l ? 2 : 0
        self.pooling = variant == .tutorial ? .maximum : .average
        switch variant {
        case .tutorial: self.activation = .relu
        case .d2l: self.activation = .sigmoid
        case .classic: self.activation = .tanh
        }
    }

    /// Side of the feature maps that the second pooling leaves; 5 for the usual sizes.
    public var featureSize: Int { ((inputSize + 2 * firstPadding - 4) / 2 - 4) / 2 }

    /// The network.
    /// - Parameter isHeadless: whether it ends with the flattened features.
    /// - Throws: ``ZooError`` when pictures of this size are too small for it.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        let layers = variant == .classic ? classicLayers : commonLayers
        var builder = NetworkBuilder()
        func add(_ range: Range<Int>, to builder: inout NetworkBuilder) {
            for (path, layer) in layers[range] { builder.add(path, layer) }
        }
        // Each part ends with its pooling, the classic form's last with the third convolution's activation.
        builder.part("stem") { add(0..<3, to: &$0) }
        builder.part("stage1") { add(3..<6, to: &$0) }
        if variant == .classic { builder.part("stage2") { add(6..<8, to: &$0) } }
        let features = variant == .classic ? 9 : 7
        add((features - 1)..<features, to: &builder)
        builder.classifier(head: headPath) { add(features..<layers.count, to: &$0) }
        return try builder.graph(
            variant.rawValue,
            input: InputShape(channels: inputChannels, height: inputSize, width: inputSize), head: headPath,
            isHeadless: isHeadless)
    }

    /// Path of the last linear layer.
    public var headPath: String {
        switch variant {
        case .tutorial: "fc3"
        case .d2l: "net.11"
        case .classic: "classifier.2"
        }
    }

    private var activationLayer: Layer { .activation(activation) }
    private var poolingLayer: Layer { .pooling(Pooling(pooling, window: Extent(2))) }

    private var commonLayers: [(String, Layer)] {
        let layers: [(String, Layer)] = [
            (
                "conv1",
                .convolution(Convolution(inputChannels, 6, kernel: Extent(5), padding: Padding(firstPadding)))
            ),
            ("\(activation.name)1", activationLayer),
            ("pool1", poolingLayer),
            ("conv2", .convolution(Convolution(6, 16, kernel: Extent(5)))),
            ("\(activation.name)2", activationLayer),
            ("pool2", poolingLayer),
            ("flatten", .flatten(.channelsFirst)),
            ("fc1", .linear(Linear(16 * featureSize * featureSize, 120))),
            ("\(activation.name)3", activationLayer),
            ("fc2", .linear(Linear(120, 84))),
            ("\(activation.name)4", activationLayer),
            ("fc3", .linear(Linear(84, classes))),
        ]
        guard variant == .d2l else { return layers }
        return layers.enumerated().map { ("net.\($0.offset)", $0.element.1) }
    }

    private var classicLayers: [(String, Layer)] {
        [
            (
                "feature_extractor.0",
                .convolution(
                    Convolution(inputChannels, 6, kernel: Extent(5), padding: Padding(firstPadding)))
            ),
            ("feature_extractor.1", activationLayer),
            ("feature_extractor.2", poolingLayer),
            ("feature_extractor.3", .convolution(Convolution(6, 16, kernel: Extent(5)))),
            ("feature_extractor.4", activationLayer),
            ("feature_extractor.5", poolingLayer),
            ("feature_extractor.6", .convolution(Convolution(16, 120, kernel: Extent(5)))),
            ("feature_extractor.7", activationLayer),
            ("flatten", .flatten(.channelsFirst)),
            ("classifier.0", .linear(Linear(120, 84))),
            ("classifier.1", activationLayer),
            ("classifier.2", .linear(Linear(84, classes))),
        ]
    }
}
