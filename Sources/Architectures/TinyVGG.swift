public import ZooLayerGraphs
public import ZooTensors

/// TinyVGG: two blocks of two 3×3 convolutions with ten channels, for teaching.
///
/// Source: Wang et al., "CNN Explainer: learning convolutional neural networks with interactive visualization", IEEE
/// TVCG 2020, arXiv 2004.15004, as learnpytorch.io has it in PyTorch. Its three versions differ in the zeros around
/// the maps: one on each side for Fashion-MNIST's 1×28×28 and in one course for 3×64×64, none in the other.
public struct TinyVGG: Sendable, Hashable {
    /// Rows of the last linear layer.
    public var classes = 3
    /// Channels of every convolution.
    public var hiddenChannels = 10
    /// Channels of the pictures.
    public var inputChannels = 3
    /// Side of the square pictures; 4 at least with padding, 16 without.
    public var inputSize = 64
    /// Zeros on each side of a convolution's map: 1 keeps its size, 0 takes two off it.
    public var padding = 1

    /// The network for 3×64×64 with padding.
    public init() {}

    /// Side of the maps that the second block leaves.
    public var featureSize: Int {
        (0..<2).reduce(inputSize) { side, _ in (side + 4 * padding - 4) / 2 }
    }

    /// The network. Stage *n* is block *n*; the first convolution with its ReLU is the stem.
    /// - Parameter isHeadless: whether it ends with the flattened features.
    /// - Throws: ``ZooError`` for pictures that are too small.
    public func graph(isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        var builder = NetworkBuilder()
        var channels = inputChannels
        func convolve(_ path: String, _ index: Int, _ builder: inout NetworkBuilder) {
            builder.add(
                "\(path).\(index)",
                .convolution(
                    Convolution(channels, hiddenChannels, kernel: Extent(3), padding: Padding(padding))))
            builder.add("\(path).\(index + 1)", .activation(.relu))
            channels = hiddenChannels
        }
        for block in 1...2 {
            let path = "conv_block_\(block)"
            if block == 1 { builder.part("stem") { convolve(path, 0, &$0) } }
            builder.part("stage\(block)") {
                if block > 1 { convolve(path, 0, &$0) }
                convolve(path, 2, &$0)
                $0.add("\(path).4", .pooling(Pooling(.maximum, window: Extent(2))))
            }
        }
        builder.add("classifier.0", .flatten(.channelsFirst))
        builder.classifier(head: TinyVGG.head) {
            $0.add(
                TinyVGG.head, .linear(Linear(hiddenChannels * featureSize * featureSize, classes)))
        }
        return try builder.graph(
            "tinyvgg", input: InputShape(channels: inputChannels, height: inputSize, width: inputSize),
            head: TinyVGG.head, isHeadless: isHeadless)
    }

    private static let head = "classifier.1"
}

extension TinyVGG {
    /// The network as an entry of the list.
    static let architecture = Architecture(
        name: "tinyvgg", title: "TinyVGG, two blocks of two convolutions", family: "TinyVGG",
        paper: "Wang et al. 2020, arXiv 2004.15004; learnpytorch.io",
        initialization: .torchDefault,
        preprocessing: Preprocessing(channels: .rgb, resize: Extent(64), isAssumed: true),
        graph: { (options) throws(ZooError) in
            try Architecture.require(options, "tinyvgg", conventions: [])
            return try TinyVGG(options).graph(isHeadless: options.isHeadless)
        },
        fitted: { (shapes, options) throws(ZooError) in
            try Architecture.require(options, "tinyvgg", conventions: [])
            var network = TinyVGG(options)
            let assumptions = try network.fit(shapes, inputSize: options.inputSize)
            return (try network.graph(isHeadless: options.isHeadless), assumptions)
        })

    private init(_ options: ArchitectureOptions) {
        classes = options.classes ?? classes
        inputChannels = options.inputChannels ?? inputChannels
        inputSize = options.inputSize ?? inputSize
    }
}

extension TinyVGG {
    /// Sides of the pictures in the published versions.
    private static let publishedSizes = [64, 28]

    /// Takes on what shapes tell.
    /// - Parameters:
    ///   - shapes: shapes by canonical path; some may be missing.
    ///   - asked: side of the pictures, if the user said it.
    /// - Returns: a sentence for each thing that shapes leave open.
    /// - Throws: ``ZooError`` for shapes of another network, and when two sizes of pictures, one with padding and one
    ///   without, explain the linear layer equally well.
    private mutating func fit(
        _ shapes: [ParameterPath: TensorShape], inputSize asked: Int?
    ) throws(ZooError) -> [String] {
        let first = ParameterPath("conv_block_1.0", .weight)
        if let shape = shapes[first] {
            guard shape.rank == 4, (1...65_536).contains(shape[0]), (1...4_096).contains(shape[1]),
                shape[2] == 3, shape[3] == 3
            else { throw TinyVGG.stranger(first, expected: "[hidden, channels, 3, 3]", shape) }
            (hiddenChannels, inputChannels) = (shape[0], shape[1])
        }
        let head = ParameterPath(TinyVGG.head, .weight)
        guard let shape = shapes[head] else {
            return [
                "convolutions have padding \(padding), for pictures of \(inputSize)×\(inputSize): only the "
                    + "classifier's first linear layer would tell"
            ]
        }
        guard shape.rank == 2, shape[0] > 0, shape[1] % hiddenChannels == 0,
            let side = (1...4_096).first(where: { $0 * $0 == shape[1] / hiddenChannels })
        else { throw TinyVGG.stranger(head, expected: "[classes, \(hiddenChannels)·side²]", shape) }
        classes = shape[0]
        return try fit(side: side, inputSize: asked)
    }

    /// Finds the padding with which pictures leave maps of a side.
    private mutating func fit(side: Int, inputSize asked: Int?) throws(ZooError) -> [String] {
        // Of the four sizes that leave the same maps, the smallest: each pooling may drop a row and a column.
        let explanations =
            [(padding: 1, sizes: 4 * side..<4 * side + 4)] + [
                (padding: 0, sizes: 4 * side + 12..<4 * side + 16)
            ]
        if let asked {
            guard let match = explanations.first(where: { $0.sizes.contains(asked) }) else {
                throw ZooError(
                    .mismatch, "pictures of \(asked)×\(asked) don't give the features that the weights take",
                    tensor: "\(TinyVGG.head).weight", expected: "\(hiddenChannels)·\(side)·\(side)",
                    found: "from \(4 * side) pixels on with padding, from \(4 * side + 12) on without")
            }
            (padding, inputSize) = (match.padding, asked)
            return []
        }
        func text(_ padding: Int, _ size: Int) -> String {
            "\(size)×\(size) with padding \(padding)"
        }
        let usual = explanations.compactMap { explanation in
            TinyVGG.publishedSizes.first(where: explanation.sizes.contains).map {
                (padding: explanation.padding, size: $0)
            }
        }
        let maps = "\(TinyVGG.head) takes \(hiddenChannels)·\(side)·\(side) numbers"
        guard usual.count == 1 else {
            throw ZooError(
                .ambiguous, "two sizes of pictures explain the linear layer: \(maps)",
                tensor: "\(TinyVGG.head).weight",
                found: "\(text(1, 4 * side)), or \(text(0, 4 * side + 12))",
                remedy: "Say which: --input-size \(4 * side) or --input-size \(4 * side + 12).")
        }
        (padding, inputSize) = usual[0]
        let other = padding == 1 ? text(0, 4 * side + 12) : text(1, 4 * side)
        return [
            "pictures are \(text(padding, inputSize)), as published, for \(maps); \(other) would give as many "
                + "(choose with --input-size)"
        ]
    }

    private static func stranger(
        _ path: ParameterPath, expected: String, _ found: TensorShape
    ) -> ZooError {
        ZooError(
            .mismatch, "a tensor is not TinyVGG's", tensor: path.description, expected: expected,
            found: found.description)
    }
}
