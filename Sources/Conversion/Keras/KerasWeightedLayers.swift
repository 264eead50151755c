import ZooLayerGraphs
import ZooTensors

/// The layers with variables.
extension KerasGraphBuilder {
    private typealias Variable = KerasNetwork.Variable

    /// How a convolution's kernel is stored: `[kH, kW, in, out]`, but as in PyTorch by Keras 1 with channels first.
    private var kernelTransform: LayoutTransform {
        let isOriginal = dialect.version == 1 && dialect.order == .channelsFirst
        return turned(isOriginal ? .identity : .kerasConvolution)
    }

    private func turned(_ transform: LayoutTransform) -> LayoutTransform {
        dialect.turnsKernels ? .turned(transform) : transform
    }

    /// The node whose parameters a part of a layer has.
    private func owner(_ site: Site, _ part: String? = nil) -> String {
        part.map { "\(site.path).\($0)" } ?? site.path
    }

    private func kernel(
        _ site: Site, _ transform: LayoutTransform, name: String = "kernel", part: String? = nil
    ) -> KerasNetwork.Variable {
        Variable(
            parameter: ParameterPath(owner(site, part), .weight), name: name, transform: transform,
            isStatistic: false)
    }

    private func vector(
        _ site: Site, _ role: ParameterRole, name: String, part: String? = nil,
        transform: LayoutTransform = .identity
    ) -> KerasNetwork.Variable {
        Variable(
            parameter: ParameterPath(owner(site, part), role), name: name, transform: transform,
            isStatistic: !role.isLearned)
    }

    // MARK: Convolutions

    /// A kernel's size, which Keras 1 gave in two numbers.
    private static func kernelExtent(_ arguments: KerasArguments) throws(ZooError) -> Extent {
        guard arguments["nb_row"] != nil else { return try arguments.extent("kernel_size") }
        return Extent(try arguments.integer("nb_row"), try arguments.integer("nb_col"))
    }

    mutating func convolution(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let arguments = site.arguments
        guard value.shape.rank == 4 else { throw notAMap(value) }
        let kernel = try KerasGraphBuilder.kernelExtent(arguments)
        let stride = try arguments.extent("strides", "subsample", default: Extent(1))
        let dilation = try arguments.extent("dilation_rate", "atrous_rate", default: Extent(1))
        let layer = Convolution(
            value.shape[1], try arguments.integer("filters", "nb_filter"), kernel: kernel, stride: stride,
            padding: try arguments.windowPadding().sides(
                value.shape, window: kernel, stride: stride, dilation: dilation),
            dilation: dilation, groups: try arguments.integer("groups", default: 1),
            hasBias: try arguments.bool("use_bias", "bias", default: true))
        let result = try emit(.convolution(layer), [value], at: site, hasParameters: true)
        add(
            [self.kernel(site, kernelTransform)] + (layer.hasBias ? [vector(site, .bias, name: "bias")] : []),
            of: site)
        return try activated(result, site)
    }

    /// The numbers that depthwise and separable convolutions share; the bias is the caller's.
    private func depthwiseLayer(_ site: Site, _ value: Value) throws(ZooError) -> (
        Convolution, multiplier: Int
    ) {
        let arguments = site.arguments
        guard value.shape.rank == 4 else { throw notAMap(value) }
        let kernel = try KerasGraphBuilder.kernelExtent(arguments)
        let stride = try arguments.extent("strides", "subsample", default: Extent(1))
        let dilation = try arguments.extent("dilation_rate", default: Extent(1))
        let multiplier = try arguments.integer("depth_multiplier", default: 1)
        let channels = value.shape[1]
        let padding = try arguments.windowPadding().sides(
            value.shape, window: kernel, stride: stride, dilation: dilation)
        let layer = Convolution(
            channels, try Checked.product(channels, multiplier), kernel: kernel, stride: stride,
            padding: padding,
            dilation: dilation, groups: channels, hasBias: false)
        return (layer, multiplier)
    }

    mutating func depthwise(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        var (layer, multiplier) = try depthwiseLayer(site, value)
        layer.hasBias = try site.arguments.bool("use_bias", default: true)
        let result = try emit(.convolution(layer), [value], at: site, hasParameters: true)
        let weight = kernel(site, turned(.depthwise(multiplier: multiplier)), name: "depthwise_kernel")
        add([weight] + (layer.hasBias ? [vector(site, .bias, name: "bias")] : []), of: site)
        return try activated(result, site)
    }

    mutating func separable(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let (layer, multiplier) = try depthwiseLayer(site, value)
        let spread = try emit(
            .convolution(layer), [value], at: site, part: "depthwise", hasParameters: true)
        let mixing = Convolution(
            layer.outputChannels, try site.arguments.integer("filters", "nb_filter"), kernel: Extent(1),
            hasBias: try site.arguments.bool("use_bias", "bias", default: true))
        let result = try emit(
            .convolution(mixing), [spread], at: site, part: "pointwise", hasParameters: true)
        add(
            [
                kernel(
                    site, turned(.depthwise(multiplier: multiplier)), name: "depthwise_kernel",
                    part: "depthwise"),
                kernel(site, .kerasConvolution, name: "pointwise_kernel", part: "pointwise"),
            ] + (mixing.hasBias ? [vector(site, .bias, name: "bias", part: "pointwise")] : []), of: site)
        return try activated(result, site)
    }

    /// The gradient of a convolution with Keras' padding: `same` leaves n·stride elements, and what has to go for that
    /// goes at both ends, the odd element at the end.
    mutating func transposed(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let arguments = site.arguments
        guard value.shape.rank == 4 else { throw notAMap(value) }
        let kernel = try arguments.extent("kernel_size")
        let stride = try arguments.extent("strides", default: Extent(1))
        let dilation = try arguments.extent("dilation_rate", default: Extent(1))
        let isSame = try arguments.windowPadding() == .same
        var added: Extent?
        if arguments["output_padding"] != nil { added = try arguments.extent("output_padding") }
        let rows = KerasGraphBuilder.spread(
            value.shape[2], kernel.height, stride.height, dilation.height, isSame, added?.height)
        let columns = KerasGraphBuilder.spread(
            value.shape[3], kernel.width, stride.width, dilation.width, isSame, added?.width)
        let layer = TransposedConvolution(
            value.shape[1], try arguments.integer("filters"), kernel: kernel, stride: stride,
            padding: Padding(
                top: rows.before, left: columns.before, bottom: rows.after, right: columns.after),
            outputPadding: Extent(rows.added, columns.added), dilation: dilation,
            groups: try arguments.integer("groups", default: 1),
            hasBias: try arguments.bool("use_bias", default: true))
        let result = try emit(.transposedConvolution(layer), [value], at: site, hasParameters: true)
        add(
            [self.kernel(site, turned(.kerasConvolution))]
                + (layer.hasBias ? [vector(site, .bias, name: "bias")] : []), of: site)
        return try activated(result, site)
    }

    /// What is cut off a transposed convolution's full result along an axis, and what is added behind it.
    static func spread(
        _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ isSame: Bool, _ added: Int?
    ) -> (before: Int, after: Int, added: Int) {
        // Numbers are at most 2²⁴ (2⁴⁰ for the size), so nothing here overflows; zeros are refused with the layer.
        guard kernel > 0, size > 0, size <= 1 << 38 else { return (0, 0, 0) }
        let reach = (kernel - 1) * dilation + 1
        let full = (size - 1) * stride + reach
        let wanted: Int
        if isSame {
            wanted = added.map { (size - 1) * stride + reach % 2 + $0 } ?? size * stride
        } else {
            wanted = full + (added ?? max(stride - reach, 0))
        }
        let cut = max(full - wanted, 0)
        return (cut / 2, cut - cut / 2, max(wanted - full, 0))
    }

    // MARK: Dense

    mutating func dense(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let units = try site.arguments.integer("units", "output_dim")
        let hasBias = try site.arguments.bool("use_bias", "bias", default: true)
        let layer: Layer
        let transform: LayoutTransform
        switch (value.shape.rank, dialect.order) {
        case (2, _):
            layer = .linear(Linear(value.shape[1], units, hasBias: hasBias))
            transform = .kerasDense
        case (4, .channelsLast):
            // On each place of a map the same matrix: a convolution of one element.
            layer = .convolution(Convolution(value.shape[1], units, kernel: Extent(1), hasBias: hasBias))
            transform = .denseOnChannels
        default:
            throw ZooError(
                .unsupported, "a Dense layer on values of this shape isn't read",
                found: "\(kerasShape(value.shape)) for one picture", remedy: "Put Flatten before it in Keras."
            )
        }
        let result = try emit(layer, [value], at: site, hasParameters: true)
        add([kernel(site, transform)] + (hasBias ? [vector(site, .bias, name: "bias")] : []), of: site)
        return try activated(result, site)
    }

    // MARK: Normalisations

    /// Whether a layer works along the channels, as every layer here has to.
    private func requireChannels(_ site: Site, _ value: Value) throws(ZooError) {
        let member = site.arguments["axis"]
        let number = member?.arrayValue.map { $0.count == 1 ? $0[0] : .null } ?? member ?? .integer(-1)
        guard let axis = number.intValue, canonicalAxis(axis, rank: value.shape.rank) == 1 else {
            throw site.arguments.refuse("axis")
        }
    }

    mutating func batchNormalization(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let arguments = site.arguments
        try requireChannels(site, value)
        guard try arguments.integer("mode", default: 0) == 0 else { throw arguments.refuse("mode") }
        guard try !arguments.bool("renorm", default: false) else { throw arguments.refuse("renorm") }
        let momentum = try arguments.number("momentum", default: 0.99)
        let layer = BatchNormalization(
            value.shape[1], epsilon: try arguments.number("epsilon", default: 1e-3),
            // 1 − 0.99 is 0.01 and some rounding; twelve digits are more than anyone chose.
            momentum: ((1 - momentum) * 1e12).rounded() / 1e12,
            hasScale: try arguments.bool("scale", default: true),
            hasCenter: try arguments.bool("center", default: true), usesBiasedVariance: true)
        let result = try emit(.batchNormalization(layer), [value], at: site, hasParameters: true)
        add(
            (layer.hasScale ? [vector(site, .weight, name: "gamma")] : [])
                + (layer.hasCenter ? [vector(site, .bias, name: "beta")] : [])
                + [
                    vector(site, .runningMean, name: "moving_mean"),
                    vector(site, .runningVariance, name: "moving_variance"),
                ], of: site)
        return result
    }

    mutating func normalization(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let arguments = site.arguments
        guard try !arguments.bool("invert", default: false) else { throw arguments.refuse("invert") }
        let channels = value.shape[1]
        if value.node == LayerGraph.inputPath { scalesPixels = true }
        guard arguments["mean"] == nil else {
            // One number for all, or one per channel.
            let isSingle = arguments["mean"]?.doubleValue != nil
            if !isSingle { try requireChannels(site, value) }
            let mean = try arguments.numbers("mean")
            let variance = try arguments.numbers("variance")
            func spread(_ numbers: [Double]) -> [Double] {
                numbers.count == 1 && channels <= 1 << 16
                    ? [Double](repeating: numbers[0], count: channels) : numbers
            }
            let constants = Normalization.Constants(mean: spread(mean), variance: spread(variance))
            return try emit(.normalization(Normalization(channels, constants: constants)), [value], at: site)
        }
        try requireChannels(site, value)
        let result = try emit(.normalization(Normalization(channels)), [value], at: site, hasParameters: true)
        add(
            [
                vector(site, .runningMean, name: "mean"), vector(site, .runningVariance, name: "variance"),
                Variable(parameter: nil, name: "count", transform: .identity, isStatistic: true),
            ], of: site)
        return result
    }

    /// One slope per channel; a slope for each place has no layer here.
    mutating func parametricReLU(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let extents = kerasShape(value.shape)
        let channel = dialect.order == .channelsLast ? extents.count - 1 : 0
        var shared = Set<Int>()
        if site.arguments["shared_axes"] != nil { shared = Set(try site.arguments.integers("shared_axes")) }
        var stored = extents
        for axis in extents.indices where axis != channel {
            guard extents[axis] == 1 || shared.contains(axis + 1) else {
                throw ZooError(
                    .unsupported, "a PReLU with a slope for each place isn't read",
                    found: "shared_axes \(shared.sorted())", remedy: "Share the slopes over rows and columns."
                )
            }
            stored[axis] = 1
        }
        guard !shared.contains(channel + 1) else { throw site.arguments.refuse("shared_axes") }
        let channels = value.shape[1]
        let result = try emit(.parametricReLU(channels: channels), [value], at: site, hasParameters: true)
        let transform: LayoutTransform =
            stored.count == 1 ? .identity : .reshape(from: stored, to: [channels])
        add([vector(site, .weight, name: "alpha", transform: transform)], of: site)
        return result
    }
}
