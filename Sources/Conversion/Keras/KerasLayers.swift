import ZooLayerGraphs
import ZooTensors

/// The layers that are known, one reader each.
extension KerasGraphBuilder {
    typealias Reader = @Sendable (inout KerasGraphBuilder, Site, [Value]) throws(ZooError) -> Value

    /// Whether a class can be read.
    static func isKnown(_ className: String) -> Bool {
        className == "InputLayer" || readers[className] != nil || inert.contains(className)
    }

    /// Whether a class acts while training only and has no node.
    static func isInert(_ className: String) -> Bool { inert.contains(className) }

    /// Whether a class takes more than one input.
    static func takesSeveral(_ className: String) -> Bool { merging.contains(className) }

    private static let merging: Set<String> = ["Add", "Multiply", "Average", "Concatenate", "Merge"]

    /// Layers that act while training only, for which the graph has no node: data augmentation and noise.
    private static let inert: Set<String> = [
        "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
        "RandomBrightness",
        "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization",
    ]

    private static let readers: [String: Reader] = [
        "Conv2D": { (b, s, v) throws(ZooError) in try b.convolution(s, v[0]) },
        "Convolution2D": { (b, s, v) throws(ZooError) in try b.convolution(s, v[0]) },
        "AtrousConvolution2D": { (b, s, v) throws(ZooError) in try b.convolution(s, v[0]) },
        "DepthwiseConv2D": { (b, s, v) throws(ZooError) in try b.depthwise(s, v[0]) },
        "SeparableConv2D": { (b, s, v) throws(ZooError) in try b.separable(s, v[0]) },
        "SeparableConvolution2D": { (b, s, v) throws(ZooError) in try b.separable(s, v[0]) },
        "Conv2DTranspose": { (b, s, v) throws(ZooError) in try b.transposed(s, v[0]) },
        "Convolution2DTranspose": { (b, s, v) throws(ZooError) in try b.transposed(s, v[0]) },
        "Dense": { (b, s, v) throws(ZooError) in try b.dense(s, v[0]) },
        "BatchNormalization": { (b, s, v) throws(ZooError) in try b.batchNormalization(s, v[0]) },
        "SyncBatchNormalization": { (b, s, v) throws(ZooError) in try b.batchNormalization(s, v[0]) },
        "BatchNormalizationV1": { (b, s, v) throws(ZooError) in try b.batchNormalization(s, v[0]) },
        "BatchNormalizationV2": { (b, s, v) throws(ZooError) in try b.batchNormalization(s, v[0]) },
        "Normalization": { (b, s, v) throws(ZooError) in try b.normalization(s, v[0]) },
        "Rescaling": { (b, s, v) throws(ZooError) in try b.rescaling(s, v[0]) },
        "Activation": { (b, s, v) throws(ZooError) in try b.activation(s, v[0]) },
        "ReLU": { (b, s, v) throws(ZooError) in try b.activation(s, v[0]) },
        "LeakyReLU": { (b, s, v) throws(ZooError) in try b.activation(s, v[0]) },
        "ThresholdedReLU": { (b, s, v) throws(ZooError) in try b.activation(s, v[0]) },
        "ELU": { (b, s, v) throws(ZooError) in try b.activation(s, v[0]) },
        "PReLU": { (b, s, v) throws(ZooError) in try b.parametricReLU(s, v[0]) },
        "Softmax": { (b, s, v) throws(ZooError) in try b.softmaxLayer(s, v[0]) },
        "MaxPooling2D": { (b, s, v) throws(ZooError) in try b.pooling(.maximum, s, v[0]) },
        "AveragePooling2D": { (b, s, v) throws(ZooError) in try b.pooling(.average, s, v[0]) },
        "GlobalMaxPooling2D": { (b, s, v) throws(ZooError) in try b.globalPooling(.maximum, s, v[0]) },
        "GlobalAveragePooling2D": { (b, s, v) throws(ZooError) in try b.globalPooling(.average, s, v[0]) },
        "Flatten": { (b, s, v) throws(ZooError) in try b.flatten(s, v[0]) },
        "Reshape": { (b, s, v) throws(ZooError) in try b.reshape(s, v[0]) },
        "Permute": { (b, s, v) throws(ZooError) in try b.permute(s, v[0]) },
        "Dropout": { (b, s, v) throws(ZooError) in try b.dropout(s, v[0]) },
        "SpatialDropout2D": { (b, s, v) throws(ZooError) in try b.spatialDropout(s, v[0]) },
        "Add": { (b, s, v) throws(ZooError) in try b.merge(.add, s, v) },
        "Multiply": { (b, s, v) throws(ZooError) in try b.merge(.multiply, s, v) },
        "Average": { (b, s, v) throws(ZooError) in try b.merge(.average, s, v) },
        "Concatenate": { (b, s, v) throws(ZooError) in try b.concatenate(s, v, axis: "axis") },
        "Merge": { (b, s, v) throws(ZooError) in try b.keras1Merge(s, v) },
        "ZeroPadding2D": { (b, s, v) throws(ZooError) in
            try b.emit(.padding(s.arguments.sides("padding", default: Padding(1))), v, at: s)
        },
        "Cropping2D": { (b, s, v) throws(ZooError) in
            try b.emit(.cropping(s.arguments.sides("cropping", default: .none)), v, at: s)
        },
        "UpSampling2D": { (b, s, v) throws(ZooError) in try b.upsampling(s, v[0]) },
    ]

    /// Reads one call of a layer.
    mutating func read(_ site: Site, _ operands: [Value]) throws(ZooError) -> Value {
        let className = site.layer.className
        if Self.inert.contains(className), let value = operands.first {
            assume("\(className) \(site.layer.path) acts while training only and was left out")
            return value
        }
        guard let reader = Self.readers[className] else {
            throw ZooError(.unsupported, "this kind of layer isn't known", found: className)
        }
        return try reader(&self, site, operands)
    }

    /// The activation that a layer has of its own, behind it.
    mutating func activated(_ value: Value, _ site: Site) throws(ZooError) -> Value {
        let activation = try activation(of: site.arguments)
        switch activation {
        case .none: return value
        case .softmax:
            try requireChannelSoftmax(axis: -1, value, site)
            return try emit(.softmax, [value], at: site, part: "softmax")
        case .function(let function):
            return try emit(.activation(function), [value], at: site, part: function.name)
        }
    }

    private mutating func activation(of arguments: KerasArguments) throws(ZooError) -> KerasActivation {
        let activation = try KerasActivation(arguments, isKeras3: dialect.version >= 3)
        if case .function(.hardSigmoid) = activation, dialect.isVersionAssumed {
            assume(
                "hard_sigmoid is that of Keras \(dialect.version), because the file doesn't name its version; "
                    + "Keras 3 changed it")
        }
        return activation
    }

    /// Probabilities are over the channels; in a channels_first model Keras' default is the columns of a map.
    private func requireChannelSoftmax(axis: Int, _ value: Value, _ site: Site) throws(ZooError) {
        guard canonicalAxis(axis, rank: value.shape.rank) == 1 else {
            throw ZooError(
                .unsupported, "a softmax over another axis than the channels isn't read",
                tensor: site.layer.path,
                found: "axis \(axis) of \(kerasShape(value.shape))")
        }
    }

    // MARK: Element-wise layers

    private mutating func activation(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        if let function = try KerasActivation.layer(site.arguments) {
            return try emit(.activation(function), [value], at: site)
        }
        switch try activation(of: site.arguments) {
        case .none: return value
        case .softmax:
            try requireChannelSoftmax(axis: -1, value, site)
            return try emit(.softmax, [value], at: site)
        case .function(let function): return try emit(.activation(function), [value], at: site)
        }
    }

    private mutating func softmaxLayer(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let member = site.arguments["axis"] ?? .integer(-1)
        guard let place = (member.arrayValue.map { $0.count == 1 ? $0[0] : .null } ?? member).intValue else {
            throw site.arguments.refuse("axis")
        }
        try requireChannelSoftmax(axis: place, value, site)
        return try emit(.softmax, [value], at: site)
    }

    private mutating func rescaling(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let layer = Rescaling(
            scale: try site.arguments.numbers("scale"),
            offset: try site.arguments.numbers("offset", default: [0]))
        if value.node == LayerGraph.inputPath { scalesPixels = true }
        return try emit(.rescaling(layer), [value], at: site)
    }

    private mutating func dropout(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        try emit(dropoutLayer(site.arguments, value.shape), [value], at: site)
    }

    /// Extents of 1 in `noise_shape` are masked together: all but the batch for stochastic depth, rows and columns for
    /// whole channels.
    private func dropoutLayer(_ arguments: KerasArguments, _ shape: TensorShape) throws(ZooError) -> Layer {
        let rate = try arguments.number("rate", "p", default: 0.5)
        guard (0..<1).contains(rate) else { throw arguments.refuse("rate") }
        guard let mask = arguments["noise_shape"] else { return .dropout(probability: rate) }
        guard let list = mask.arrayValue, list.count == shape.rank, list[0].intValue != 1 else {
            throw arguments.refuse("noise_shape")
        }
        let extents = [1] + kerasShape(shape)
        let channel = dialect.order == .channelsLast ? list.count - 1 : 1
        var sharesChannels = true
        var sharesPlaces = true
        var sharesNothing = true
        for axis in 1..<list.count where extents[axis] > 1 {
            let isShared = list[axis].intValue == 1
            guard isShared || list[axis] == .null || list[axis].intValue == extents[axis] else {
                throw arguments.refuse("noise_shape")
            }
            if isShared { sharesNothing = false }
            if axis == channel { sharesChannels = isShared } else if !isShared { sharesPlaces = false }
        }
        if sharesNothing { return .dropout(probability: rate) }
        guard sharesPlaces else { throw arguments.refuse("noise_shape") }
        return sharesChannels ? .stochasticDepth(probability: rate) : .spatialDropout(probability: rate)
    }

    private mutating func spatialDropout(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let rate = try site.arguments.number("rate", "p", default: 0.5)
        guard (0..<1).contains(rate) else { throw site.arguments.refuse("rate") }
        return try emit(.spatialDropout(probability: rate), [value], at: site)
    }

    // MARK: Layers of several inputs

    private mutating func merge(_ layer: Layer, _ site: Site, _ values: [Value]) throws(ZooError) -> Value {
        let rank = values.map(\.shape.rank).max() ?? 2
        var operands: [Value] = []
        for (index, value) in values.enumerated() {
            guard value.shape.rank < rank else {
                operands.append(value)
                continue
            }
            guard site.layer.module?.hasPrefix("keras.src.ops") != true else {
                throw ZooError(.unsupported, "an operation on values of different ranks isn't read")
            }
            // Keras puts axes of 1 behind the batch until the ranks agree.
            let extents = [Int](repeating: 1, count: rank - value.shape.rank) + kerasShape(value.shape)
            operands.append(
                try emit(
                    .reshape(Reshape(canonicalExtents(extents), order: dialect.order)), [value], at: site,
                    part: "expand\(index)"))
        }
        return try emit(layer, operands, at: site)
    }

    private mutating func concatenate(_ site: Site, _ values: [Value], axis name: String) throws(ZooError)
        -> Value
    {
        let place = site.arguments[name]
        guard let number = (place ?? .integer(-1)).intValue,
            let axis = canonicalAxis(number, rank: values[0].shape.rank)
        else { throw site.arguments.refuse(name) }
        return try emit(.concatenate(axis: axis), values, at: site)
    }

    private mutating func keras1Merge(_ site: Site, _ values: [Value]) throws(ZooError) -> Value {
        switch try site.arguments.text("mode", default: "sum") {
        case "sum": return try merge(.add, site, values)
        case "mul": return try merge(.multiply, site, values)
        case "ave": return try merge(.average, site, values)
        case "concat": return try concatenate(site, values, axis: "concat_axis")
        default: throw site.arguments.refuse("mode")
        }
    }

    // MARK: Layers that change shapes

    private mutating func pooling(
        _ operation: Pooling.Operation, _ site: Site, _ value: Value
    ) throws(ZooError) -> Value {
        let window = try site.arguments.extent("pool_size", default: Extent(2))
        let stride = try site.arguments.extent("strides", default: window)
        let padding = try site.arguments.windowPadding()
        guard value.shape.rank == 4 else { throw notAMap(value) }
        let layer = Pooling(
            operation, window: window, stride: stride,
            padding: try padding.sides(value.shape, window: window, stride: stride, dilation: Extent(1)),
            countsPadding: false)
        return try emit(.pooling(layer), [value], at: site)
    }

    private mutating func globalPooling(
        _ operation: Pooling.Operation, _ site: Site, _ value: Value
    ) throws(ZooError) -> Value {
        let keeps = try site.arguments.bool("keepdims", default: false)
        return try emit(.globalPooling(GlobalPooling(operation, keepsDimensions: keeps)), [value], at: site)
    }

    private mutating func flatten(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let format = try site.arguments.text("data_format", default: "channels_last")
        guard value.shape.rank > 2 else { return try emit(.flatten(.channelsFirst), [value], at: site) }
        // With channels_first Keras moves the channels to the end before it flattens.
        switch (format, dialect.order) {
        case ("channels_first", .channelsLast): throw site.arguments.refuse("data_format")
        case ("channels_first", .channelsFirst): return try emit(.flatten(.channelsLast), [value], at: site)
        case (_, let order): return try emit(.flatten(order), [value], at: site)
        }
    }

    private mutating func reshape(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        var extents = try site.arguments.integers("target_shape", "dims")
        let count = value.shape.elementCount
        let known = TensorShape(extents.filter { $0 != -1 })
        guard !extents.isEmpty, extents.count <= 8, extents.count(where: { $0 == -1 }) <= 1,
            extents.allSatisfy({ $0 > 0 || $0 == -1 }), known.elementCount > 0
        else { throw site.arguments.refuse("target_shape") }
        if let free = extents.firstIndex(of: -1) { extents[free] = count / known.elementCount }
        return try emit(
            .reshape(Reshape(canonicalExtents(extents), order: dialect.order)), [value], at: site)
    }

    private mutating func permute(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let order = try site.arguments.integers("dims")
        let rank = value.shape.rank
        guard order.sorted() == Array(1..<rank) else { throw site.arguments.refuse("dims") }
        // Keras' axis k of the result is its axis order[k − 1] of the operand; both sides in canonical numbers.
        var axes = [Int](repeating: 0, count: rank)
        for (index, source) in order.enumerated() {
            guard let to = canonicalAxis(index + 1, rank: rank), let from = canonicalAxis(source, rank: rank)
            else {
                throw site.arguments.refuse("dims")
            }
            axes[to] = from
        }
        return try emit(.permute(axes: axes), [value], at: site)
    }

    private mutating func upsampling(_ site: Site, _ value: Value) throws(ZooError) -> Value {
        let name = try site.arguments.text("interpolation", default: "nearest")
        guard let interpolation = Upsampling.Interpolation(rawValue: name), name != "bilinear_aligned_corners"
        else { throw site.arguments.refuse("interpolation") }
        let factor = try site.arguments.extent("size", default: Extent(2))
        return try emit(.upsampling(Upsampling(factor, interpolation: interpolation)), [value], at: site)
    }

    func notAMap(_ value: Value) -> ZooError {
        ZooError(
            .mismatch, "a layer for feature maps gets something else",
            found: "\(kerasShape(value.shape)) for one picture")
    }
}
