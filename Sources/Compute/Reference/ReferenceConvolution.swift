import ZooLayerGraphs
import ZooTensors

/// `torch.nn.functional.conv2d` by its definition: at each place of the result, the sum of the weighted elements that
/// the kernel sees there.
struct ReferenceConvolution: ReferenceOperation {
    let windows: ConvolutionWindows
    let weight: ReferenceValue
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: windows.outputs)
        if let bias { output = ChannelPlanes(windows.outputs).map(output) { bias.elements[$1] } }
        windows.apply(weight.elements, to: operands[0].elements, adding: &output.elements)
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toInput = ReferenceValue(zeros: windows.inputs)
        windows.applyTransposed(weight.elements, to: flow.elements, adding: &toInput.elements)
        let toWeight = ReferenceValue(
            weight.shape,
            windows.weightGradient(inputs: operands[0].elements, outputs: flow.elements))
        return ReferenceGradients(
            operand: toInput, weight: toWeight, bias: bias.map { $0.gradient(flow) })
    }
}

/// `torch.nn.functional.conv_transpose2d`: the convolution from its result to its operand, backwards.
struct ReferenceTransposedConvolution: ReferenceOperation {
    let windows: ConvolutionWindows
    let weight: ReferenceValue
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: windows.inputs)
        if let bias { output = ChannelPlanes(windows.inputs).map(output) { bias.elements[$1] } }
        windows.applyTransposed(weight.elements, to: operands[0].elements, adding: &output.elements)
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toOperand = ReferenceValue(zeros: windows.outputs)
        windows.apply(weight.elements, to: flow.elements, adding: &toOperand.elements)
        let toWeight = ReferenceValue(
            weight.shape,
            windows.weightGradient(inputs: flow.elements, outputs: operands[0].elements))
        return ReferenceGradients(
            operand: toOperand, weight: toWeight, bias: bias.map { $0.gradient(flow) })
    }
}
