public import ZooTensors

extension Layer {
    /// Multiply-adds for one result of this shape; only convolutions and linear layers count, as in torchvision's
    /// own figures.
    public func multiplyAdds(output: TensorShape) -> Int {
        switch self {
        case .convolution(let layer):
            output.elementCount * (layer.inputChannels / max(layer.groups, 1)) * layer.kernel.height
                * layer.kernel.width
        case .linear(let layer): output.elementCount * layer.inputFeatures
        case .activation, .pooling, .flatten, .softmax, .dropout: 0
        }
    }

    /// Elements of all parameters.
    public var parameterCount: Int { parameterShapes.reduce(0) { $0 + $1.shape.elementCount } }

    /// The numbers that matter, in a form that people know: `1→6, 5×5, stride 2, padding 2`.
    public var details: String {
        switch self {
        case .convolution(let layer):
            var text =
                "\(layer.inputChannels)→\(layer.outputChannels), \(layer.kernel.height)×\(layer.kernel.width)"
            if layer.stride != Extent(1) { text += ", stride \(Layer.text(layer.stride))" }
            text += Layer.text(layer.padding)
            if layer.dilation != Extent(1) { text += ", dilation \(Layer.text(layer.dilation))" }
            return text
        case .linear(let layer): return "\(layer.inputFeatures)→\(layer.outputFeatures)"
        case .pooling(let layer):
            var text = "\(layer.window.height)×\(layer.window.width), stride \(Layer.text(layer.stride))"
            text += Layer.text(layer.padding)
            if layer.ceilMode { text += ", ceil" }
            return text
        case .flatten(let order): return order == .channelsFirst ? "C, H, W" : "H, W, C"
        case .dropout(let probability): return "p \(probability)"
        case .activation, .softmax: return ""
        }
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
