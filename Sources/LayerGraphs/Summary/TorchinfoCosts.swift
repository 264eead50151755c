public import ZooTensors

extension Layer {
    /// Multiply-adds for one result of this shape as torchinfo counts them (`LayerInfo.calculate_macs`, 1.8):
    /// convolutions take each weight and each bias once per picture and place of the result, every other layer its
    /// weights and biases once per picture. Layers without learned parameters are free.
    public func torchinfoMultAdds(output: TensorShape) -> Int {
        var factors = [parameterCount] + output.dimensions.prefix(1)
        switch self {
        case .convolution, .transposedConvolution: factors += output.dimensions.dropFirst(2)
        default: break
        }
        var result = 1
        for factor in factors {
            let (value, overflow) = result.multipliedReportingOverflow(by: factor)
            if overflow { return .max }
            result = value
        }
        return result
    }

    /// Height and width of the kernel or window, for layers that have one.
    var window: Extent? {
        switch self {
        case .convolution(let layer): layer.kernel
        case .transposedConvolution(let layer): layer.kernel
        case .pooling(let layer): layer.window
        default: nil
        }
    }
}
