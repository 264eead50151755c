import ZooLayerGraphs
import ZooTensors

/// `torch.nn.functional.conv2d` by its definition, one multiply-add at a time.
struct ReferenceConvolution: ReferenceOperation {
    let taps: ConvolutionTaps
    let weight: ReferenceValue
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: taps.outputs)
        if let bias { output = ChannelPlanes(taps.outputs).map(output) { bias.elements[$1] } }
        taps.apply(weight.elements, to: operands[0].elements, adding: &output.elements)
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toInput = ReferenceValue(zeros: taps.inputs)
        taps.applyTransposed(weight.elements, to: flow.elements, adding: &toInput.elements)
        let toWeight = ReferenceValue(
            weight.shape,
            taps.weightGradient(inputs: operands[0].elements, outputs: flow.elements, weight.elements.count))
        return ReferenceGradients(
            operand: toInput, weight: toWeight, bias: bias.map { $0.gradient(flow) })
    }
}

/// `torch.nn.functional.conv_transpose2d`: the convolution from its result to its operand, backwards.
struct ReferenceTransposedConvolution: ReferenceOperation {
    let taps: ConvolutionTaps
    let weight: ReferenceValue
    let bias: ReferenceValue?

    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = ReferenceValue(zeros: taps.inputs)
        if let bias { output = ChannelPlanes(taps.inputs).map(output) { bias.elements[$1] } }
        taps.applyTransposed(weight.elements, to: operands[0].elements, adding: &output.elements)
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toOperand = ReferenceValue(zeros: taps.outputs)
        taps.apply(weight.elements, to: flow.elements, adding: &toOperand.elements)
        let toWeight = ReferenceValue(
            weight.shape,
            taps.weightGradient(inputs: flow.elements, outputs: operands[0].elements, weight.elements.count))
        return ReferenceGradients(
            operand: toOperand, weight: toWeight, bias: bias.map { $0.gradient(flow) })
    }
}

extension ReferenceValue {
    /// The gradient of this bias, one number for each channel.
    fileprivate func gradient(_ flow: ReferenceValue) -> ReferenceValue {
        ReferenceValue(shape, ChannelPlanes(flow.shape).sums { position, _ in flow.elements[position] })
    }
}

/// Which input element meets which weight for which output element of a convolution.
struct ConvolutionTaps {
    let kernel: Extent
    let stride: Extent
    let dilation: Extent
    /// Rows above and columns to the left; those behind follow from the shapes.
    let padding: Padding
    let groups: Int
    /// `[N, I, H, W]`.
    let inputs: TensorShape
    /// `[N, O, H, W]`.
    let outputs: TensorShape

    init(_ layer: Convolution, inputs: TensorShape, outputs: TensorShape) {
        self.kernel = layer.kernel
        self.stride = layer.stride
        self.dilation = layer.dilation
        self.padding = layer.padding
        self.groups = layer.groups
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Those of the convolution that leads from a transposed convolution's result to its operand.
    init(_ layer: TransposedConvolution, operand: TensorShape, result: TensorShape) {
        self.kernel = layer.kernel
        self.stride = layer.stride
        self.dilation = layer.dilation
        self.padding = layer.padding
        self.groups = layer.groups
        self.inputs = result
        self.outputs = operand
    }

    /// Adds the weighted inputs to the outputs.
    func apply(_ weight: [Double], to inputs: [Double], adding outputs: inout [Double]) {
        forEachRun { run in
            let factor = weight[run.weight]
            var from = run.input
            for to in run.outputs {
                outputs[to] += factor * inputs[from]
                from += stride.width
            }
        }
    }

    /// Adds the weighted outputs to the inputs.
    func applyTransposed(_ weight: [Double], to outputs: [Double], adding inputs: inout [Double]) {
        forEachRun { run in
            let factor = weight[run.weight]
            var to = run.input
            for from in run.outputs {
                inputs[to] += factor * outputs[from]
                to += stride.width
            }
        }
    }

    /// The products of all inputs and outputs that a weight brings together, summed.
    func weightGradient(inputs: [Double], outputs: [Double], _ count: Int) -> [Double] {
        var gradient = [Double](repeating: 0, count: count)
        forEachRun { run in
            var sum = 0.0
            var from = run.input
            for to in run.outputs {
                sum += outputs[to] * inputs[from]
                from += stride.width
            }
            gradient[run.weight] += sum
        }
        return gradient
    }

    /// Outputs side by side in one row that meet the same weight.
    private struct Run {
        let outputs: Range<Int>
        /// Index of the first one's input; the others' follow at the stride.
        let input: Int
        let weight: Int
    }

    private func forEachRun(_ body: (Run) -> Void) {
        let (height, width) = (inputs[2], inputs[3])
        let (inputsPerGroup, outputsPerGroup) = (inputs[1] / groups, outputs[1] / groups)
        for sample in 0..<outputs[0] {
            for channel in 0..<outputs[1] {
                let firstInput = sample * inputs[1] + channel / outputsPerGroup * inputsPerGroup
                for inner in 0..<inputsPerGroup {
                    for kernelRow in 0..<kernel.height {
                        let rowShift = kernelRow * dilation.height - padding.top
                        let rows = ConvolutionTaps.inside(
                            shift: rowShift, stride: stride.height, inputs: height, outputs: outputs[2])
                        for kernelColumn in 0..<kernel.width {
                            let columnShift = kernelColumn * dilation.width - padding.left
                            let columns = ConvolutionTaps.inside(
                                shift: columnShift, stride: stride.width, inputs: width, outputs: outputs[3])
                            let weight =
                                ((channel * inputsPerGroup + inner) * kernel.height + kernelRow)
                                * kernel.width
                                + kernelColumn
                            for row in rows {
                                let start = ((sample * outputs[1] + channel) * outputs[2] + row) * outputs[3]
                                let inputRow = (firstInput + inner) * height + row * stride.height + rowShift
                                body(
                                    Run(
                                        outputs: (start + columns.lowerBound)..<(start + columns.upperBound),
                                        input: inputRow * width + columns.lowerBound * stride.width
                                            + columnShift,
                                        weight: weight))
                            }
                        }
                    }
                }
            }
        }
    }

    /// The outputs along an axis for which `index × stride + shift` is an input.
    private static func inside(shift: Int, stride: Int, inputs: Int, outputs: Int) -> Range<Int> {
        let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
        let end = shift >= inputs ? 0 : min(outputs, (inputs - 1 - shift) / stride + 1)
        return first < end ? first..<end : 0..<0
    }
}
