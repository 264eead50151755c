public import ZooTensors

extension Layer {
    /// Multiply-adds for one result of this shape; only convolutions and linear layers count, as in torchvision's
    /// own figures. Transposed convolutions take every weight once for each place of what they read.
    public func multiplyAdds(output: TensorShape) -> Int {
        switch self {
        case .convolution(let layer):
            return Layer.product(
                output.elementCount, layer.inputChannels / max(layer.groups, 1), layer.kernel.height,
                layer.kernel.width)
        case .transposedConvolution(let layer):
            guard output.rank == 4 else { return 0 }
            let places = layer.operandExtent(of: Extent(output[2], output[3]))
            return Layer.product(
                output[0], places.height, places.width, layer.inputChannels,
                layer.outputChannels / max(layer.groups, 1), layer.kernel.height, layer.kernel.width)
        case .linear(let layer): return Layer.product(output.elementCount, layer.inputFeatures)
        case .batchNormalization, .normalization, .localResponseNormalization, .rescaling, .activation,
            .parametricReLU, .softmax, .pooling, .adaptivePooling, .globalPooling, .add, .multiply, .average,
            .concatenate, .padding, .cropping, .upsampling, .flatten, .reshape, .permute, .dropout,
            .spatialDropout, .stochasticDepth:
            return 0
        }
    }

    /// Elements of all parameters that are learned.
    public var parameterCount: Int { count { $0.isLearned } }

    /// Elements of all parameters that aren't learned: running statistics.
    public var statisticCount: Int { count { !$0.isLearned } }

    private func count(_ isWanted: (ParameterRole) -> Bool) -> Int {
        var sum = 0
        for parameter in parameterShapes where isWanted(parameter.role) {
            let (value, overflow) = sum.addingReportingOverflow(parameter.shape.elementCount)
            sum = overflow ? .max : value
        }
        return sum
    }

    /// The product, or the largest number where that doesn't fit.
    private static func product(_ factors: Int...) -> Int {
        var result = 1
        for factor in factors {
            let (value, overflow) = result.multipliedReportingOverflow(by: factor)
            if overflow { return .max }
            result = value
        }
        return result
    }

    /// The numbers that matter, in a form that people know: `1→6, 5×5, stride 2, padding 2`.
    public var details: String {
        switch self {
        case .convolution(let layer):
            var text = Layer.text(layer.inputChannels, layer.outputChannels, layer.kernel)
            if layer.stride != Extent(1) { text += ", stride \(Layer.text(layer.stride))" }
            text += Layer.text(layer.padding)
            if layer.dilation != Extent(1) { text += ", dilation \(Layer.text(layer.dilation))" }
            return text
        case .transposedConvolution(let layer):
            var text = Layer.text(layer.inputChannels, layer.outputChannels, layer.kernel)
            if layer.stride != Extent(1) { text += ", stride \(Layer.text(layer.stride))" }
            text += Layer.text(layer.padding)
            if layer.outputPadding != Extent(0) {
                text += ", output padding \(Layer.text(layer.outputPadding))"
            }
            if layer.dilation != Extent(1) { text += ", dilation \(Layer.text(layer.dilation))" }
            return layer.groups == 1 ? text : text + ", \(layer.groups) groups"
        case .linear(let layer): return "\(layer.inputFeatures)→\(layer.outputFeatures)"
        case .batchNormalization(let layer):
            var text = "\(layer.channels), epsilon \(layer.epsilon)"
            if !layer.hasScale { text += ", no weight" }
            return layer.hasCenter ? text : text + ", no bias"
        case .normalization(let layer): return "\(layer.channels)"
        case .localResponseNormalization(let layer):
            return "\(layer.size) channels, alpha \(layer.alpha), beta \(layer.beta), k \(layer.k)"
        case .rescaling(let layer):
            func text(_ numbers: [Double]) -> String {
                numbers.count == 1 ? "\(numbers[0])" : "\(numbers.count) numbers"
            }
            return "scale \(text(layer.scale)), offset \(text(layer.offset))"
        case .activation(let function): return function.details
        case .parametricReLU(let channels): return "\(channels)"
        case .pooling(let layer):
            var text = "\(layer.window.height)×\(layer.window.width), stride \(Layer.text(layer.stride))"
            text += Layer.text(layer.padding)
            if layer.ceilMode { text += ", ceil" }
            return text
        case .adaptivePooling(let layer): return "\(layer.output.height)×\(layer.output.width)"
        case .concatenate(let axis): return axis == 1 ? "" : "axis \(axis)"
        case .padding(let sides), .cropping(let sides):
            return "\(sides.top)/\(sides.left)/\(sides.bottom)/\(sides.right)"
        case .upsampling(let layer):
            return "×\(Layer.text(layer.factor)), \(layer.interpolation.rawValue.replacing("_", with: " "))"
        case .flatten(let order): return order.details
        case .reshape(let layer):
            return layer.shape.count == 1 ? "" : layer.order.details
        case .permute(let axes): return axes.map(String.init).joined(separator: ", ")
        case .dropout(let probability), .spatialDropout(let probability), .stochasticDepth(let probability):
            return "p \(probability)"
        case .softmax, .globalPooling, .add, .multiply, .average: return ""
        }
    }

    private static func text(_ input: Int, _ output: Int, _ kernel: Extent) -> String {
        "\(input)→\(output), \(kernel.height)×\(kernel.width)"
    }

    private static func text(_ extent: Extent) -> String {
        extent.height == extent.width ? "\(extent.height)" : "\(extent.height)×\(extent.width)"
    }

    private static func text(_ padding: Padding) -> String {
        if padding == .none { return "" }
        if padding == Padding(padding.top) { return ", padding \(padding.top)" }
        return ", padding \(padding.top)/\(padding.left)/\(padding.bottom)/\(padding.right)"
    }
}

extension TransposedConvolution {
    /// Rows and columns of the map that a result of this size is made of.
    fileprivate func operandExtent(of result: Extent) -> Extent {
        func size(
            _ size: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ added: Int, _ removed: Int
        ) -> Int {
            // Wrapping: a result that no map gives may be of any size.
            let spread = size &- added &+ removed &- dilation &* (kernel &- 1) &- 1
            return max(spread / max(stride, 1) &+ 1, 0)
        }
        return Extent(
            size(
                result.height, kernel.height, stride.height, dilation.height, outputPadding.height,
                padding.top &+ padding.bottom),
            size(
                result.width, kernel.width, stride.width, dilation.width, outputPadding.width,
                padding.left &+ padding.right))
    }
}

extension FlattenOrder {
    fileprivate var details: String { self == .channelsFirst ? "C, H, W" : "H, W, C" }
}

extension Activation {
    fileprivate var details: String {
        switch self {
        case .leakyReLU(let slope): return "slope \(slope)"
        case .rectifier(let numbers):
            let ceiling = numbers.ceiling.map { ", ceiling \($0)" } ?? ""
            return "slope \(numbers.slope), threshold \(numbers.threshold)\(ceiling)"
        case .hardSigmoid(let slope): return slope == 1.0 / 6 ? "" : "slope \(slope)"
        case .elu(let alpha): return "alpha \(alpha)"
        case .gelu(let approximate): return approximate ? "tanh" : ""
        case .relu, .relu6, .silu, .sigmoid, .tanh, .hardSwish, .selu, .softplus: return ""
        }
    }
}
