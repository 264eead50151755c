import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Writers of the layers with weights.
extension KerasExport {
    // MARK: Convolutions

    /// What both kinds of convolution say about their windows.
    private func window(
        _ kernel: Extent, _ stride: Extent, _ dilation: Extent, padding: String, hasBias: Bool
    ) -> JSONObject {
        [
            "kernel_size": KerasExport.pair(kernel), "strides": KerasExport.pair(stride),
            "padding": .string(padding), "data_format": dataFormat,
            "dilation_rate": KerasExport.pair(dilation), "use_bias": .bool(hasBias),
        ]
    }

    /// `valid` or `same`, if that means this padding on this map.
    func paddingName(
        _ padding: Padding, _ map: TensorShape, window: Extent, stride: Extent, dilation: Extent = Extent(1)
    ) throws(ZooError) -> String? {
        if padding == .none { return "valid" }
        let same = try KerasArguments.WindowPadding.same.sides(
            map, window: window, stride: stride, dilation: dilation)
        return padding == same ? "same" : nil
    }

    /// The name of a convolution's padding; `nil` when a layer before it has to put the zeros there. keras.applications
    /// has such layers before convolutions with strides, and `same` wherever it means the same.
    private func paddingName(of node: Node, _ layer: Convolution) throws(ZooError) -> String? {
        let names = try paddingNames(of: node)
        guard application?[node.path] != nil else { return names.first }
        if layer.stride != Extent(1), layer.padding != .none { return nil }
        return names.last
    }

    /// The names that a convolution's padding has, wherever the same layer stands; none for padding of its own.
    private func paddingNames(of node: Node) throws(ZooError) -> [String] {
        var names = ["valid", "same"]
        for position in users[node.parameterOwner] ?? [] {
            let user = graph.nodes[position]
            guard case .convolution(let layer) = user.layer, let map = shapes[user.inputs[0]] else {
                return []
            }
            let same = try KerasArguments.WindowPadding.same.sides(
                map, window: layer.kernel, stride: layer.stride, dilation: layer.dilation)
            names.removeAll { layer.padding != ($0 == "same" ? same : Padding.none) }
        }
        return names
    }

    /// A map with zeros around it, which a layer of Keras' has no number for.
    mutating func padded(_ operand: Value, _ padding: Padding, for node: Node) throws(ZooError) -> Value {
        let shape = try ZooLayerGraphs.Layer.padding(padding).outputShape(for: operand.shape)
        return try add(
            "ZeroPadding2D", node, ["padding": KerasExport.sides(padding), "data_format": dataFormat],
            [operand], shape: shape, name: "\(name(of: node))_pad")
    }

    private func requireOneStep(_ node: Node, _ stride: Extent, _ dilation: Extent) throws(ZooError) {
        guard stride == Extent(1) || dilation == Extent(1) else {
            throw refuse(node, "Keras has no convolution with both strides and dilation")
        }
    }

    mutating func convolution(
        _ node: Node, _ layer: Convolution, _ operand: Value
    ) throws(ZooError) -> Value {
        try requireOneStep(node, layer.stride, layer.dilation)
        var source = operand
        let padding = try paddingName(of: node, layer)
        if padding == nil { source = try padded(operand, layer.padding, for: node) }
        var config = window(
            layer.kernel, layer.stride, layer.dilation, padding: padding ?? "valid", hasBias: layer.hasBias)
        if let pointwise = separablePartner(of: node, layer) {
            return try separable(node, layer, pointwise, source, config)
        }
        let isDepthwise = layer.isKerasDepthwise
        let multiplier = layer.outputChannels / max(layer.inputChannels, 1)
        config["activation"] = .string(takeActivation(of: node))
        if isDepthwise {
            config["depth_multiplier"] = .integer(multiplier)
        } else {
            config["filters"] = .integer(layer.outputChannels)
            config["groups"] = .integer(layer.groups)
        }
        let owner = node.parameterOwner
        let kernel = try weight(
            owner, .weight, "kernel", isDepthwise ? .depthwise(multiplier: multiplier) : .kerasConvolution)
        return try finish(
            add(
                isDepthwise ? "DepthwiseConv2D" : "Conv2D", node, config, [source], owner: owner,
                weights: [kernel] + bias(owner, layer.hasBias)), node)
    }

    private func bias(_ owner: String, _ hasBias: Bool) throws(ZooError) -> [NamedTensor] {
        hasBias ? [try weight(owner, .bias, "bias")] : []
    }

    /// The second half of a SeparableConv2D, whose first half a convolution is: the two that Keras' layer was read as.
    private func separablePartner(of node: Node, _ layer: Convolution) -> (Node, Convolution)? {
        guard node.path.hasSuffix(".depthwise"), !layer.hasBias, layer.groups == layer.inputChannels,
            layer.stride.height == layer.stride.width, let reader = soleReader(of: node.path),
            case .convolution(let mixing) = reader.layer,
            reader.path == node.path.dropLast("depthwise".count) + "pointwise",
            mixing.kernel == Extent(1), mixing.stride == Extent(1), mixing.padding == .none,
            mixing.groups == 1, (node.sharing == nil) == (reader.sharing == nil)
        else { return nil }
        return (reader, mixing)
    }

    private mutating func separable(
        _ node: Node, _ layer: Convolution, _ partner: (node: Node, layer: Convolution), _ source: Value,
        _ config: JSONObject
    ) throws(ZooError) -> Value {
        var config = config
        let multiplier = layer.outputChannels / max(layer.inputChannels, 1)
        // The whole layer's activation and name are those of the path without its last part.
        let whole = Node(
            String(node.path.dropLast(".depthwise".count)), partner.node.layer, inputs: node.inputs)
        config["depth_multiplier"] = .integer(multiplier)
        config["filters"] = .integer(partner.layer.outputChannels)
        config["use_bias"] = .bool(partner.layer.hasBias)
        config["activation"] = .string(takeActivation(of: partner.node, named: whole.path))
        let (first, second) = (node.parameterOwner, partner.node.parameterOwner)
        let value = try add(
            "SeparableConv2D", whole, config, [source], shape: shapes[partner.node.path], owner: first,
            weights: [
                weight(first, .weight, "depthwise_kernel", .depthwise(multiplier: multiplier)),
                weight(second, .weight, "pointwise_kernel", .kerasConvolution),
            ] + bias(second, partner.layer.hasBias))
        absorbed.insert(partner.node.path)
        set(value, for: partner.node)
        return try finish(value, partner.node)
    }

    mutating func transposed(
        _ node: Node, _ layer: TransposedConvolution, _ operand: Value
    ) throws(ZooError) -> Value {
        try requireOneStep(node, layer.stride, layer.dilation)
        guard layer.groups == 1 else { throw refuse(node, "Keras has no transposed convolution with groups") }
        let form = try KerasTransposedForm(layer, map: operand.shape)
        let cut = form.cropping
        var config = window(
            layer.kernel, layer.stride, layer.dilation, padding: form.isSame ? "same" : "valid",
            hasBias: layer.hasBias)
        config["filters"] = .integer(layer.outputChannels)
        config["output_padding"] = form.outputPadding.map(KerasExport.pair) ?? .null
        // What is cut off behind the layer comes before its activation.
        config["activation"] = .string(cut == .none ? takeActivation(of: node) : "linear")
        let owner = node.parameterOwner
        guard let shape = shapes[node.path] else { throw refuse(node, "a layer has no shape") }
        let whole = try ZooLayerGraphs.Layer.padding(cut).outputShape(for: shape)
        let value = try add(
            "Conv2DTranspose", node, config, [operand], shape: whole, owner: owner,
            weights: [weight(owner, .weight, "kernel", .kerasConvolution)] + bias(owner, layer.hasBias))
        guard cut != .none else { return try finish(value, node) }
        return try add(
            "Cropping2D", node, ["cropping": KerasExport.sides(cut), "data_format": dataFormat], [value],
            name: "\(name(of: node))_crop")
    }

    // MARK: Dense

    mutating func dense(_ node: Node, _ layer: Linear, _ operand: Value) throws(ZooError) -> Value {
        let owner = node.parameterOwner
        let transform = flattens.transforms[owner] ?? .kerasDense
        return try finish(
            add(
                "Dense", node,
                [
                    "units": .integer(layer.outputFeatures), "use_bias": .bool(layer.hasBias),
                    "activation": .string(takeActivation(of: node)),
                ], [operand], owner: owner,
                weights: [weight(owner, .weight, "kernel", transform)] + bias(owner, layer.hasBias)), node)
    }

    // MARK: Activations inside layers

    /// The activation behind a layer that becomes the layer's own: one that was read as a part of it, or, in networks
    /// that have a name, any.
    private func partner(of node: Node, named path: String? = nil) -> (node: Node, name: String)? {
        guard let reader = soleReader(of: node.path) else { return nil }
        let whole = path ?? node.path
        switch reader.layer {
        case .activation(let function):
            guard let name = KerasExport.name(of: function) else { return nil }
            let isPart = reader.path == "\(whole).\(function.name)"
            let isShared = users[node.parameterOwner]?.count != 1
            let isKnown = application.map { $0[node.path] != nil } ?? (graph.architecture != "custom")
            return isPart || isKnown && !isShared ? (reader, name) : nil
        case .softmax:
            // Keras' own is over the last axis.
            guard reader.path == "\(whole).softmax", let rank = shapes[node.path]?.rank,
                order == .channelsLast || rank == 2
            else { return nil }
            return (reader, "softmax")
        default: return nil
        }
    }

    private func takeActivation(of node: Node, named path: String? = nil) -> String {
        partner(of: node, named: path)?.name ?? "linear"
    }

    /// Gives the layer's value to the activation that went into it.
    private mutating func finish(_ value: Value, _ node: Node) throws(ZooError) -> Value {
        let place = node.path.hasSuffix(".pointwise") ? String(node.path.dropLast(".pointwise".count)) : nil
        let partner = partner(of: node) ?? place.flatMap { self.partner(of: node, named: $0) }
        if let partner, layers[value.layer].config["activation"]?.stringValue == partner.name {
            absorbed.insert(partner.node.path)
            set(value, for: partner.node)
        }
        return value
    }

    // MARK: Normalisations

    mutating func batchNormalization(
        _ node: Node, _ layer: BatchNormalization, _ operand: Value
    ) throws(ZooError) -> Value {
        if !layer.usesBiasedVariance {
            note(
                "Keras' running variances follow the batch's biased variance while training; those of this model "
                    + "followed the unbiased one")
        }
        let owner = node.parameterOwner
        var weights: [NamedTensor] = []
        if layer.hasScale { weights.append(try weight(owner, .weight, "gamma")) }
        if layer.hasCenter { weights.append(try weight(owner, .bias, "beta")) }
        weights.append(try weight(owner, .runningMean, "moving_mean"))
        weights.append(try weight(owner, .runningVariance, "moving_variance"))
        return try add(
            "BatchNormalization", node,
            [
                "axis": .integer(channelAxis(rank: operand.shape.rank)),
                // 1 − 0.01 is 0.99 and some rounding; twelve digits are more than anyone chose.
                "momentum": .number(((1 - layer.momentum) * 1e12).rounded() / 1e12),
                "epsilon": .number(layer.epsilon), "center": .bool(layer.hasCenter),
                "scale": .bool(layer.hasScale),
            ], [operand], owner: owner, weights: weights)
    }

    mutating func normalization(
        _ node: Node, _ layer: Normalization, _ operand: Value
    ) throws(ZooError) -> Value {
        var config: JSONObject = [
            "axis": [.integer(channelAxis(rank: operand.shape.rank))], "invert": false, "mean": .null,
            "variance": .null,
        ]
        if let constants = layer.constants {
            config["mean"] = .array(constants.mean.map { .number($0) })
            config["variance"] = .array(constants.variance.map { .number($0) })
            return try add("Normalization", node, config, [operand])
        }
        note(
            "how many samples a Normalization was adapted to isn't kept: its count, which computes nothing, is 0"
        )
        let owner = node.parameterOwner
        let count = try Tensor(zeros: [], elementType: .i64)
        return try add(
            "Normalization", node, config, [operand], owner: owner,
            weights: [
                weight(owner, .runningMean, "mean"), weight(owner, .runningVariance, "variance"),
                NamedTensor("count", count),
            ])
    }

    mutating func parametricReLU(_ node: Node, _ operand: Value) throws(ZooError) -> Value {
        let rank = operand.shape.rank
        var stored = [Int](repeating: 1, count: rank - 1)
        let channel = order == .channelsLast ? rank - 2 : 0
        stored[channel] = operand.shape[1]
        let shared = (0..<rank - 1).filter { $0 != channel }.map { JSONValue.integer($0 + 1) }
        let owner = node.parameterOwner
        return try add(
            "PReLU", node, ["shared_axes": shared.isEmpty ? .null : .array(shared)], [operand], owner: owner,
            weights: [
                weight(owner, .weight, "alpha", .reshape(from: stored, to: [operand.shape[1]]))
            ])
    }
}

/// How Keras says what a transposed convolution does: which padding, which output padding, and what a Cropping2D has to
/// take away behind it.
struct KerasTransposedForm {
    let isSame: Bool
    let outputPadding: Extent?
    let cropping: Padding

    /// - Throws: ``ZooError`` when Keras can't reach as far as the layer does.
    init(_ layer: TransposedConvolution, map: TensorShape) throws(ZooError) {
        func spread(_ isSame: Bool, _ added: Extent?) -> (Padding, Extent) {
            let rows = KerasGraphBuilder.spread(
                map[2], layer.kernel.height, layer.stride.height, layer.dilation.height, isSame, added?.height
            )
            let columns = KerasGraphBuilder.spread(
                map[3], layer.kernel.width, layer.stride.width, layer.dilation.width, isSame, added?.width)
            return (
                Padding(top: rows.before, left: columns.before, bottom: rows.after, right: columns.after),
                Extent(rows.added, columns.added)
            )
        }
        for (isSame, added) in [(false, nil), (true, nil), (true, layer.outputPadding)] as [(Bool, Extent?)]
        where spread(isSame, added) == (layer.padding, layer.outputPadding) {
            (self.isSame, outputPadding, cropping) = (isSame, added, .none)
            return
        }
        // Keras' output padding with `same`, from what is left of the full result.
        for height in 0..<max(layer.stride.height, 1) {
            for width in 0..<max(layer.stride.width, 1)
            where spread(true, Extent(height, width)) == (layer.padding, layer.outputPadding) {
                (isSame, outputPadding, cropping) = (true, Extent(height, width), .none)
                return
            }
        }
        // Everything, and then what is too much taken away; rows that only the bias reaches come with `valid`.
        let beyond = Extent(
            max(layer.outputPadding.height - layer.padding.bottom, 0),
            max(layer.outputPadding.width - layer.padding.right, 0))
        guard beyond.height < layer.stride.height, beyond.width < layer.stride.width else {
            throw ZooError(
                .unsupported, "Keras' transposed convolutions don't reach that far",
                found: "output padding \(layer.outputPadding.height)×\(layer.outputPadding.width)")
        }
        isSame = false
        outputPadding = beyond
        cropping = Padding(
            top: layer.padding.top, left: layer.padding.left,
            bottom: max(layer.padding.bottom - layer.outputPadding.height, 0),
            right: max(layer.padding.right - layer.outputPadding.width, 0))
    }
}
