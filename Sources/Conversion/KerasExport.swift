import ZooCheckpoints
import ZooLayerGraphs
import ZooModels
import ZooTensors

/// Writes a chain of layers in Keras' terms.
struct KerasExport {
    let model: Model

    func layers() throws(ZooError) -> [Export.KerasLayer] {
        let transforms = try KerasLayout.weightTransforms(model.graph)
        var result: [Export.KerasLayer] = []
        var previous = LayerGraph.inputPath
        let nodes = model.graph.nodes
        var names = Set<String>()
        for (position, node) in nodes.enumerated() {
            guard node.inputs == [previous] else {
                throw ZooError(
                    .unsupported, "a Keras Sequential can't express a network that branches",
                    tensor: node.path)
            }
            guard node.sharing == nil else {
                throw ZooError(
                    .unsupported, "a Keras Sequential can't express a layer in two places", tensor: node.path)
            }
            previous = node.path
            // An activation right behind a convolution or linear layer becomes that layer's own.
            if case .activation = node.layer, position > 0, takesActivation(nodes[position - 1].layer) {
                continue
            }
            var function: Activation?
            if takesActivation(node.layer), position + 1 < nodes.count,
                case .activation(let next) = nodes[position + 1].layer
            {
                function = next
            }
            if let padding = separatePadding(node.layer) {
                result.append(padding(uniqueName(name(of: node) + "_pad", &names)))
            }
            let isLast = position == nodes.count - 1
            let ending =
                try function.map(name(of:)) ?? (isLast ? model.provenance.outputActivation : nil) ?? "linear"
            result.append(
                try layer(
                    node, name: uniqueName(name(of: node), &names), activation: ending,
                    transform: transforms[node.path] ?? .identity))
        }
        return result
    }

    private func takesActivation(_ layer: Layer) -> Bool {
        switch layer {
        case .convolution, .linear: true
        default: false
        }
    }

    /// The source's own name for a layer that came from Keras, else the path with Keras' characters.
    private func name(of node: Node) -> String {
        if model.provenance.dialect == Framework.keras.rawValue, model.provenance.format == "keras-hdf5",
            let key = model.keys[ParameterPath(node.path, .weight)], let slash = key.firstIndex(of: "/")
        {
            return String(key[..<slash])
        }
        return node.path.replacing(".", with: "_")
    }

    /// Keras' name of a function that it has under one name in all versions, with no number to choose.
    private func name(of function: Activation) throws(ZooError) -> String {
        switch function {
        case .relu, .sigmoid, .tanh, .softplus, .selu: return function.name
        case .relu6, .leakyReLU, .rectifier, .silu, .hardSwish, .hardSigmoid, .elu, .gelu:
            throw ZooError(.unsupported, "this activation isn't written for Keras yet", found: function.title)
        }
    }

    private func uniqueName(_ wanted: String, _ taken: inout Set<String>) -> String {
        var name = wanted
        var number = 1
        while !taken.insert(name).inserted {
            name = "\(wanted)_\(number)"
            number += 1
        }
        return name
    }

    /// Whether Keras' `same` means the same zeros as the layer's padding, for stride 1.
    private func isSame(_ layer: Convolution) -> Bool {
        layer.stride == Extent(1) && layer.padding.isSymmetric && layer.kernel.height % 2 == 1
            && layer.kernel.width % 2 == 1
            && layer.padding.top == layer.dilation.height * (layer.kernel.height - 1) / 2
            && layer.padding.left == layer.dilation.width * (layer.kernel.width - 1) / 2
    }

    /// A ZeroPadding2D in front of a convolution whose padding neither `same` nor `valid` gives.
    private func separatePadding(_ layer: Layer) -> ((String) -> Export.KerasLayer)? {
        guard case .convolution(let layer) = layer, layer.padding != .none, !isSame(layer) else { return nil }
        let sides: JSONValue = [
            [.integer(layer.padding.top), .integer(layer.padding.bottom)],
            [.integer(layer.padding.left), .integer(layer.padding.right)],
        ]
        return { name in
            Export.KerasLayer(
                name: name, className: "ZeroPadding2D",
                config: ["name": .string(name), "padding": sides, "data_format": "channels_last"], weights: []
            )
        }
    }

    private func layer(
        _ node: Node, name: String, activation: String, transform: LayoutTransform
    ) throws(ZooError) -> Export.KerasLayer {
        func pair(_ extent: Extent) -> JSONValue { [.integer(extent.height), .integer(extent.width)] }
        var config: JSONObject = ["name": .string(name), "dtype": "float32"]
        var className: String
        switch node.layer {
        case .convolution(let layer):
            className = "Conv2D"
            config["filters"] = .integer(layer.outputChannels)
            config["kernel_size"] = pair(layer.kernel)
            config["strides"] = pair(layer.stride)
            config["padding"] = isSame(layer) ? "same" : "valid"
            config["dilation_rate"] = pair(layer.dilation)
            config["groups"] = .integer(layer.groups)
            config["use_bias"] = .bool(layer.hasBias)
            config["data_format"] = "channels_last"
            config["activation"] = .string(activation)
        case .linear(let layer):
            className = "Dense"
            config["units"] = .integer(layer.outputFeatures)
            config["use_bias"] = .bool(layer.hasBias)
            config["activation"] = .string(activation)
        case .activation(let function):
            className = "Activation"
            config["activation"] = .string(try self.name(of: function))
        case .pooling(let layer):
            guard layer.padding == .none, !layer.ceilMode else {
                throw ZooError(
                    .unsupported, "Keras' pooling layers can't express this padding or ceil mode",
                    tensor: node.path)
            }
            className = layer.operation == .maximum ? "MaxPooling2D" : "AveragePooling2D"
            config["pool_size"] = pair(layer.window)
            config["strides"] = pair(layer.stride)
            config["padding"] = "valid"
            config["data_format"] = "channels_last"
        case .flatten:
            className = "Flatten"
            config["data_format"] = "channels_last"
        case .softmax: className = "Softmax"
        case .dropout(let probability):
            className = "Dropout"
            config["rate"] = .number(probability)
        case .transposedConvolution, .batchNormalization, .normalization, .rescaling, .parametricReLU,
            .adaptivePooling, .globalPooling, .add, .multiply, .average, .concatenate, .padding, .cropping,
            .upsampling, .reshape, .permute, .spatialDropout, .stochasticDepth:
            throw ZooError(
                .unsupported, "layers of this kind aren't written for Keras yet", tensor: node.path,
                found: node.layer.kind)
        }
        var weights: [NamedTensor] = []
        for (role, _) in node.layer.parameterShapes {
            guard let tensor = model.parameters[ParameterPath(node.path, role)] else { continue }
            let isWeight = role == .weight
            weights.append(
                NamedTensor(
                    isWeight ? "kernel" : "bias", isWeight ? try transform.fromCanonical(tensor) : tensor))
        }
        return Export.KerasLayer(name: name, className: className, config: config, weights: weights)
    }
}
