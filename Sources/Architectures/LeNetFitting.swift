public import ZooLayerGraphs
public import ZooTensors

extension LeNet {
    /// The network whose parameters have these shapes, as far as shapes tell.
    /// - Parameters:
    ///   - shapes: shapes in canonical layout, by canonical path; some may be missing.
    ///   - options: what the user asked for; it wins over what shapes leave open.
    /// - Returns: the network, and a sentence for each thing that shapes leave open.
    /// - Throws: ``ZooError`` when a shape can't be this network's.
    public static func fitted(
        _ variant: Variant, shapes: [ParameterPath: TensorShape], options: ArchitectureOptions
    ) throws(ZooError) -> (network: LeNet, assumptions: [String]) {
        var network = LeNet(variant)
        network.classes = options.classes ?? network.classes
        network.inputChannels = options.inputChannels ?? network.inputChannels
        var assumptions: [String] = []
        let first = ParameterPath(variant.firstConvolution, .weight)
        if let shape = shapes[first] {
            guard shape.rank == 4, shape[0] == 6, shape[2] == 5, shape[3] == 5, shape[1] > 0 else {
                throw ZooError(
                    .mismatch, "the first convolution is not a LeNet's", tensor: first.description,
                    expected: "[6, channels, 5, 5]", found: shape.description)
            }
            network.inputChannels = shape[1]
        }
        if let shape = shapes[ParameterPath(network.headPath, .weight)], shape.rank == 2 {
            network.classes = shape[0]
        }
        if variant != .classic, let shape = shapes[ParameterPath(variant.firstLinear, .weight)],
            shape.rank == 2
        {
            try network.setFeatures(shape[1], options: options, assumptions: &assumptions)
        } else if let size = options.inputSize {
            network.setInputSize(size)
        }
        return (network, assumptions)
    }

    private mutating func setFeatures(
        _ features: Int, options: ArchitectureOptions, assumptions: inout [String]
    ) throws(ZooError) {
        guard let side = (1...64).first(where: { 16 * $0 * $0 == features }) else {
            throw ZooError(
                .mismatch, "the first linear layer is not a LeNet's",
                tensor: ParameterPath(variant.firstLinear, .weight).description,
                expected: "16·side² columns (400 for the usual pictures)", found: "\(features)")
        }
        if let size = options.inputSize {
            setInputSize(size)
            if featureSize != side { firstPadding = 0 }
            guard featureSize == side else {
                throw ZooError(
                    .mismatch, "pictures of \(size)×\(size) don't give the features that the weights take",
                    expected: "\(side)×\(side)", found: "\(featureSize)×\(featureSize)")
            }
        } else if side == 5 {
            assumptions.append(
                "pictures are \(inputSize)×\(inputSize) with padding \(firstPadding) in the first convolution; 28×28 with padding 2 and 32×32 without "
                    + "have the same weights (choose with --input-size)")
        } else {
            inputSize = 4 * side + 12
            firstPadding = 0
            assumptions.append(
                "pictures are \(inputSize)×\(inputSize) without padding, worked out from \(features) features"
            )
        }
    }
}

extension LeNet.Variant {
    /// Path of the first convolution.
    public var firstConvolution: String {
        switch self {
        case .tutorial: "conv1"
        case .d2l: "net.0"
        case .classic: "feature_extractor.0"
        }
    }

    /// Path of the linear layer that takes the flattened features.
    var firstLinear: String {
        switch self {
        case .tutorial: "fc1"
        case .d2l: "net.7"
        case .classic: "classifier.0"
        }
    }
}
