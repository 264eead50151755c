public import ZooLayerGraphs
public import ZooTensors

/// A small convolutional autoencoder: stages that halve the map, and a decoder of transposed convolutions that undoes
/// them one by one and gives a picture of the input's size. Its encoder can be a classifier's body.
///
/// Source: Masci, Meier, Cireșan, Schmidhuber, "Stacked convolutional auto-encoders for hierarchical feature
/// extraction", ICANN 2011, in the two forms that PyTorch's tutorials have.
public struct Autoencoder: Sendable, Hashable {
    /// How a stage halves the map.
    public enum Form: String, Sendable, Hashable, CaseIterable {
        /// By the stride of its convolution; the decoder's kernels are the encoder's.
        case strided = "autoencoder"
        /// By a 2×2 maximum after it; the decoder's kernels are 2×2.
        case pooled = "autoencoder-pooled"
    }

    /// How a stage halves the map.
    public var form: Form
    /// Channels that each stage gives.
    public var channels: [Int]
    /// Channels of a last convolution that takes the map whole and leaves 1×1; `nil` when there is none.
    public var codeChannels: Int?
    /// Side of the stages' kernels; odd where a maximum follows.
    public var kernel = 3
    /// The function after each stage and, but for the last, each of the decoder's layers.
    public var activation = Activation.relu
    /// The function at the end.
    public var outputActivation = Activation.sigmoid
    /// Channels of the pictures.
    public var inputChannels = 1
    /// Side of the square pictures.
    public var inputSize = 28

    /// A form with the usual channels.
    public init(_ form: Form = .strided) {
        self.form = form
        channels = form == .strided ? [16, 32] : [16, 4]
        codeChannels = form == .strided ? 64 : nil
    }

    /// The autoencoder: `[N, C, H, W]` in and out.
    /// - Throws: ``ZooError`` for pictures that are too small, and numbers that no network has.
    public func graph() throws(ZooError) -> LayerGraph {
        let sides = try sides()
        var builder = NetworkBuilder()
        encode(sides, &builder)
        builder.decoder { decode(sides, &$0) }
        return try builder.graph(form.rawValue, input: input, head: nil)
    }

    /// The encoder with a linear layer for classes behind it.
    /// - Parameter isHeadless: whether it ends with the features that the linear layer takes.
    /// - Throws: ``ZooError`` as ``graph()`` does.
    public func classifier(classes: Int, isHeadless: Bool = false) throws(ZooError) -> LayerGraph {
        let sides = try sides()
        var builder = NetworkBuilder()
        encode(sides, &builder)
        builder.add("flatten", .flatten(.channelsFirst))
        let side = codeChannels == nil ? sides[sides.count - 1] : 1
        let features = (codeChannels ?? channels[channels.count - 1]) * side * side
        builder.classifier(head: Autoencoder.head) {
            $0.add(Autoencoder.head, .linear(Linear(features, classes)))
        }
        return try builder.graph(
            form.rawValue, input: input, head: Autoencoder.head, isHeadless: isHeadless)
    }

    static let head = "classifier"

    private var input: InputShape {
        InputShape(channels: inputChannels, height: inputSize, width: inputSize)
    }

    private var padding: Int { (kernel - 1) / 2 }

    /// Stage after stage; the first is the stem.
    private func encode(_ sides: [Int], _ builder: inout NetworkBuilder) {
        var input = inputChannels
        for (stage, output) in channels.enumerated() {
            builder.part(stage == 0 ? "stem" : "stage\(stage)") {
                let first = stage * layersPerStage
                $0.add(
                    "encoder.\(first)",
                    .convolution(
                        Convolution(
                            input, output, kernel: Extent(kernel), stride: Extent(form == .strided ? 2 : 1),
                            padding: Padding(padding))))
                $0.add("encoder.\(first + 1)", .activation(activation))
                if form == .pooled {
                    $0.add("encoder.\(first + 2)", .pooling(Pooling(.maximum, window: Extent(2))))
                }
            }
            input = output
        }
        guard let codeChannels else { return }
        builder.part("stage\(channels.count)") {
            $0.add(
                "encoder.\(channels.count * layersPerStage)",
                .convolution(Convolution(input, codeChannels, kernel: Extent(sides[sides.count - 1]))))
        }
    }

    /// The stages backwards, each to the size that it came from.
    private func decode(_ sides: [Int], _ builder: inout NetworkBuilder) {
        var index = 0
        func add(_ layer: TransposedConvolution, _ activation: Activation) {
            builder.add("decoder.\(index)", .transposedConvolution(layer))
            builder.add("decoder.\(index + 1)", .activation(activation))
            index += 2
        }
        if let codeChannels, let last = channels.last {
            add(
                TransposedConvolution(codeChannels, last, kernel: Extent(sides[sides.count - 1])), activation)
        }
        let (kernel, padding) = form == .strided ? (kernel, padding) : (2, 0)
        for stage in channels.indices.reversed() {
            let smallest = (sides[stage + 1] - 1) * 2 - 2 * padding + kernel
            add(
                TransposedConvolution(
                    channels[stage], stage == 0 ? inputChannels : channels[stage - 1], kernel: Extent(kernel),
                    stride: Extent(2), padding: Padding(padding),
                    outputPadding: Extent(sides[stage] - smallest)),
                stage == 0 ? outputActivation : activation)
        }
    }

    /// Layers of a stage, by which the paths count.
    var layersPerStage: Int { form == .strided ? 2 : 3 }

    /// Sides of the maps before the first stage and after each.
    func sides() throws(ZooError) -> [Int] {
        let numbers = channels + [codeChannels ?? 1, inputChannels]
        guard (1...16).contains(channels.count), numbers.allSatisfy({ (1...65_536).contains($0) }),
            (1...1_024).contains(kernel), form == .strided || kernel % 2 == 1
        else {
            throw ZooError(
                .invalidArgument, "an autoencoder can't have these stages",
                expected: "1 to 16 with 1 to 65536 channels"
                    + (form == .pooled ? " and an odd kernel" : ""),
                found: "\(channels.count) of \(numbers.map(String.init).joined(separator: ", ")) channels, "
                    + "kernel \(kernel)")
        }
        var sides = [inputSize]
        for _ in channels {
            let side = sides[sides.count - 1]
            let next = form == .strided ? (side + 2 * padding - kernel) / 2 + 1 : side / 2
            guard next > 0, form == .pooled || side + 2 * padding >= kernel else {
                throw ZooError(
                    .invalidArgument, "\(channels.count) stages leave nothing of the pictures",
                    found: "\(inputSize)×\(inputSize)")
            }
            sides.append(next)
        }
        return sides
    }
}

extension Autoencoder.Form {
    /// The form as an entry of the list.
    var architecture: Architecture {
        let form = self
        return Architecture(
            name: rawValue,
            title: self == .strided
                ? "convolutional autoencoder, halving by strides"
                : "convolutional autoencoder, halving by maxima",
            family: "Autoencoder", paper: "Masci, Meier, Cireșan, Schmidhuber 2011, ICANN",
            initialization: .torchDefault,
            preprocessing: Preprocessing(channels: .grey, resize: Extent(28), isAssumed: true),
            graph: { (options) throws(ZooError) in
                try Architecture.require(options, form.rawValue, conventions: [])
                return try Autoencoder(form, options).graph(options)
            },
            fitted: { (shapes, options) throws(ZooError) in
                try Architecture.require(options, form.rawValue, conventions: [])
                var network = Autoencoder(form, options)
                var options = options
                let assumptions = try network.fit(shapes, options: &options)
                return (try network.graph(options), assumptions)
            })
    }
}

extension Autoencoder {
    fileprivate init(_ form: Form, _ options: ArchitectureOptions) {
        self.init(form)
        inputChannels = options.inputChannels ?? inputChannels
        inputSize = options.inputSize ?? inputSize
    }

    /// A classifier where classes or features are asked for, else the autoencoder itself.
    fileprivate func graph(_ options: ArchitectureOptions) throws(ZooError) -> LayerGraph {
        guard options.isHeadless || options.classes != nil else { return try graph() }
        return try classifier(classes: options.classes ?? 1, isHeadless: options.isHeadless)
    }
}
