import ZooLayerGraphs
import ZooTensors

extension LeNet.Variant {
    /// The variant as an entry of the list.
    var architecture: Architecture {
        let title =
            switch self {
            case .tutorial: "LeNet, ReLU and max pooling (as in PyTorch's tutorial)"
            case .d2l: "LeNet, sigmoid and average pooling (Dive into Deep Learning)"
            case .classic: "LeNet-5, tanh and average pooling (closest to the paper)"
            }
        let variant = self
        return Architecture(
            name: rawValue, title: title, family: "LeNet",
            paper: "LeCun et al. 1998, Proceedings of the IEEE 86(11)",
            initialization: self == .d2l ? .xavierUniform : .torchDefault,
            preprocessing: LeNet(self).preprocessing,
            graph: { (options) throws(ZooError) in
                try Architecture.require(options, variant.rawValue, conventions: [])
                var network = LeNet(variant)
                network.classes = options.classes ?? network.classes
                network.inputChannels = options.inputChannels ?? network.inputChannels
                if let size = options.inputSize { network.setInputSize(size) }
                return try network.graph(isHeadless: options.isHeadless)
            },
            fitted: { (shapes, options) throws(ZooError) in
                try Architecture.require(options, variant.rawValue, conventions: [])
                let (network, assumptions) = try LeNet.fitted(variant, shapes: shapes, options: options)
                return (try network.graph(isHeadless: options.isHeadless), assumptions)
            })
    }
}

extension LeNet {
    /// Changes the picture size; 28 gets padding 2 and 32 none, which both leave 5×5 feature maps.
    public mutating func setInputSize(_ size: Int) {
        inputSize = size
        firstPadding = size == 28 ? 2 : 0
    }

    /// Grey pictures of the network's size, scaled to 0…1. Sources normalise in different ways and weights don't
    /// tell, so this is an assumption.
    public var preprocessing: Preprocessing {
        Preprocessing(
            channels: inputChannels == 3 ? .rgb : .grey, resize: Extent(inputSize), isAssumed: true)
    }
}
