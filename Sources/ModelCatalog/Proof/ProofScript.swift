import CZooData
import ZooLayerGraphs
import ZooTensors

/// The program of a proof kit.
enum ProofScript {
    /// `check.py` for a framework, with the network in the framework's own layers where that is a plain chain.
    static func text(framework: ProofKit.Framework, graph: LayerGraph) -> String {
        let network =
            switch framework {
            case .pytorch: pytorchNetwork(graph)
            case .keras: kerasNetwork(graph)
            }
        guard let network else { return source(framework) }
        return source(framework).replacing(
            "    return None  # NETWORK", with: network.map { "    " + $0 }.joined(separator: "\n"))
    }

    /// The program as it is in the repository's `zoo/proof`.
    private static func source(_ framework: ProofKit.Framework) -> String {
        let file = unsafe zoo_proof_script(framework == .keras ? 1 : 0)
        return unsafe String(
            decoding: UnsafeBufferPointer(start: file.bytes, count: file.count), as: UTF8.self)
    }

    /// The layers of a network in which each reads the one before it, with their paths.
    private static func chain(_ graph: LayerGraph) -> [Node]? {
        var previous = LayerGraph.inputPath
        for node in graph.nodes {
            guard node.inputs == [previous], node.sharing == nil else { return nil }
            previous = node.path
        }
        return previous == graph.output ? graph.nodes : nil
    }

    // MARK: PyTorch

    private static func pytorchNetwork(_ graph: LayerGraph) -> [String]? {
        let paths = Set(graph.nodes.map(\.path))
        guard let nodes = chain(graph) else { return nil }
        var layers: [String] = []
        for node in nodes {
            // A module can't be a layer and hold others.
            let parents = node.path.split(separator: ".").indices.dropFirst().map { count in
                node.path.split(separator: ".").prefix(count).joined(separator: ".")
            }
            guard let layer = pytorch(node.layer), !parents.contains(where: paths.contains),
                node.path.allSatisfy({ $0.isLetter || $0.isNumber || "._-".contains($0) })
            else { return nil }
            layers.append("    (\"\(node.path)\", \(layer)),")
        }
        return [
            "root = nn.Sequential()", "for name, layer in [",
        ] + layers + [
            "]:", "    *parents, last = name.split(\".\")", "    module = root", "    for parent in parents:",
            "        if parent not in module._modules:",
            "            module.add_module(parent, nn.Sequential())",
            "        module = module._modules[parent]", "    module.add_module(last, layer)", "return root",
        ]
    }

    private static func pair(_ extent: Extent) -> String { "(\(extent.height), \(extent.width))" }

    private static func text(_ flag: Bool) -> String { flag ? "True" : "False" }

    private static func pytorch(_ layer: Layer) -> String? {
        switch layer {
        case .convolution(let layer) where layer.padding.isSymmetric:
            "nn.Conv2d(\(layer.inputChannels), \(layer.outputChannels), \(pair(layer.kernel)), "
                + "stride=\(pair(layer.stride)), padding=(\(layer.padding.top), \(layer.padding.left)), "
                + "dilation=\(pair(layer.dilation)), groups=\(layer.groups), bias=\(text(layer.hasBias)))"
        case .transposedConvolution(let layer) where layer.padding.isSymmetric:
            "nn.ConvTranspose2d(\(layer.inputChannels), \(layer.outputChannels), \(pair(layer.kernel)), "
                + "stride=\(pair(layer.stride)), padding=(\(layer.padding.top), \(layer.padding.left)), "
                + "output_padding=\(pair(layer.outputPadding)), dilation=\(pair(layer.dilation)), "
                + "groups=\(layer.groups), bias=\(text(layer.hasBias)))"
        case .linear(let layer):
            "nn.Linear(\(layer.inputFeatures), \(layer.outputFeatures), bias=\(text(layer.hasBias)))"
        case .batchNormalization(let layer) where layer.hasScale && layer.hasCenter:
            "nn.BatchNorm2d(\(layer.channels), eps=\(layer.epsilon), momentum=\(layer.momentum))"
        case .activation(let function): pytorch(function)
        case .parametricReLU(let channels): "nn.PReLU(\(channels))"
        case .softmax: "nn.Softmax(1)"
        case .pooling(let layer) where layer.padding.isSymmetric:
            (layer.operation == .maximum ? "nn.MaxPool2d(" : "nn.AvgPool2d(")
                + "\(pair(layer.window)), stride=\(pair(layer.stride)), "
                + "padding=(\(layer.padding.top), \(layer.padding.left)), ceil_mode=\(text(layer.ceilMode))"
                + (layer.operation == .maximum ? ")" : ", count_include_pad=\(text(layer.countsPadding)))")
        case .adaptivePooling(let layer):
            (layer.operation == .maximum ? "nn.AdaptiveMaxPool2d(" : "nn.AdaptiveAvgPool2d(")
                + "\(pair(layer.output)))"
        case .globalPooling(let layer) where layer.keepsDimensions:
            layer.operation == .maximum ? "nn.AdaptiveMaxPool2d(1)" : "nn.AdaptiveAvgPool2d(1)"
        case .padding(let sides):
            "nn.ZeroPad2d((\(sides.left), \(sides.right), \(sides.top), \(sides.bottom)))"
        case .flatten(.channelsFirst): "nn.Flatten()"
        case .dropout(let probability): "nn.Dropout(\(probability))"
        case .spatialDropout(let probability): "nn.Dropout2d(\(probability))"
        default: nil
        }
    }

    private static func pytorch(_ function: Activation) -> String? {
        switch function {
        case .relu: "nn.ReLU()"
        case .relu6: "nn.ReLU6()"
        case .leakyReLU(let slope): "nn.LeakyReLU(\(slope))"
        case .silu: "nn.SiLU()"
        case .sigmoid: "nn.Sigmoid()"
        case .tanh: "nn.Tanh()"
        case .hardSwish: "nn.Hardswish()"
        case .hardSigmoid(let slope) where slope == 1.0 / 6: "nn.Hardsigmoid()"
        case .elu(let alpha): "nn.ELU(\(alpha))"
        case .selu: "nn.SELU()"
        case .gelu(let approximate): "nn.GELU(\(approximate ? "\"tanh\"" : ""))"
        case .softplus: "nn.Softplus()"
        default: nil
        }
    }

    // MARK: Keras

    private static func kerasNetwork(_ graph: LayerGraph) -> [String]? {
        guard let nodes = chain(graph) else { return nil }
        var layers: [String] = []
        for node in nodes {
            guard let layer = keras(node.layer) else { return nil }
            layers.append("    layers.\(layer),")
        }
        let input = graph.input
        return [
            "layers = keras.layers", "return keras.Sequential([",
            "    keras.Input((\(input.height), \(input.width), \(input.channels))),",
        ] + layers + ["])"]
    }

    private static func keras(_ layer: Layer) -> String? {
        switch layer {
        case .convolution(let layer) where layer.groups == 1:
            keras(layer)
        case .linear(let layer): "Dense(\(layer.outputFeatures), use_bias=\(text(layer.hasBias)))"
        case .batchNormalization(let layer):
            "BatchNormalization(epsilon=\(layer.epsilon), momentum=\(1 - layer.momentum), "
                + "scale=\(text(layer.hasScale)), center=\(text(layer.hasCenter)))"
        case .activation(let function): keras(function)
        case .pooling(let layer) where layer.padding == .none && !layer.ceilMode:
            (layer.operation == .maximum ? "MaxPooling2D(" : "AveragePooling2D(")
                + "\(pair(layer.window)), strides=\(pair(layer.stride)))"
        case .globalPooling(let layer):
            (layer.operation == .maximum ? "GlobalMaxPooling2D(" : "GlobalAveragePooling2D(")
                + "keepdims=\(text(layer.keepsDimensions)))"
        case .padding(let sides):
            "ZeroPadding2D(((\(sides.top), \(sides.bottom)), (\(sides.left), \(sides.right))))"
        case .flatten: "Flatten()"
        case .dropout(let probability): "Dropout(\(probability))"
        case .softmax: "Softmax()"
        default: nil
        }
    }

    private static func keras(_ layer: Convolution) -> String? {
        let (kernel, sides) = (layer.kernel, layer.padding)
        let isSame =
            layer.stride == Extent(1) && layer.dilation == Extent(1) && sides.isSymmetric
            && 2 * sides.top == kernel.height - 1 && 2 * sides.left == kernel.width - 1
        guard isSame || sides == .none else { return nil }
        return "Conv2D(\(layer.outputChannels), \(pair(kernel)), strides=\(pair(layer.stride)), "
            + "padding=\"\(isSame ? "same" : "valid")\", dilation_rate=\(pair(layer.dilation)), "
            + "use_bias=\(text(layer.hasBias)))"
    }

    private static func keras(_ function: Activation) -> String? {
        switch function {
        case .relu, .relu6, .silu, .sigmoid, .tanh, .selu, .softplus: "Activation(\"\(function.name)\")"
        case .elu(let alpha): "ELU(\(alpha))"
        default: nil
        }
    }
}
