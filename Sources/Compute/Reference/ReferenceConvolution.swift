import ZooLayerGraphs
import ZooTensors

/// `torch.nn.functional.conv2d` by its definition, one multiply-add at a time.
struct ReferenceConvolution {
    let layer: Convolution
    let operand: TensorShape
    let result: TensorShape

    func forward(_ input: ReferenceValue, weight: ReferenceValue, bias: ReferenceValue?) -> ReferenceValue {
        var output = ReferenceValue(zeros: result)
        if let bias {
            let plane = result[2] * result[3]
            for position in output.elements.indices {
                output.elements[position] = bias.elements[position / plane % result[1]]
            }
        }
        forEachTap { outputs, inputs, weightIndex in
            let factor = weight.elements[weightIndex]
            var from = inputs.start
            for to in outputs {
                output.elements[to] += factor * input.elements[from]
                from += inputs.stride
            }
        }
        return output
    }

    func backward(
        _ gradient: ReferenceValue, input: ReferenceValue, weight: ReferenceValue
    ) -> ReferenceGradients {
        var toInput = ReferenceValue(zeros: operand)
        var toWeight = ReferenceValue(zeros: weight.shape)
        forEachTap { outputs, inputs, weightIndex in
            let factor = weight.elements[weightIndex]
            var sum = 0.0
            var from = inputs.start
            for to in outputs {
                let flow = gradient.elements[to]
                toInput.elements[from] += factor * flow
                sum += flow * input.elements[from]
                from += inputs.stride
            }
            toWeight.elements[weightIndex] += sum
        }
        var toBias: ReferenceValue?
        if layer.hasBias {
            var sums = ReferenceValue(zeros: [result[1]])
            let plane = result[2] * result[3]
            for position in gradient.elements.indices {
                sums.elements[position / plane % result[1]] += gradient.elements[position]
            }
            toBias = sums
        }
        return ReferenceGradients(operand: toInput, weight: toWeight, bias: toBias)
    }

    /// Visits each kernel element over each row of the result: the run of output indices that lie inside,
    /// where the input elements that they see begin, and how far apart those are.
    private func forEachTap(
        _ body: (_ outputs: Range<Int>, _ inputs: (start: Int, stride: Int), _ weightIndex: Int) -> Void
    ) {
        let (height, width) = (operand[2], operand[3])
        let inputsPerGroup = layer.inputChannels / layer.groups
        let outputsPerGroup = layer.outputChannels / layer.groups
        for sample in 0..<result[0] {
            for channel in 0..<layer.outputChannels {
                let group = channel / outputsPerGroup
                for inner in 0..<inputsPerGroup {
                    let source = (sample * layer.inputChannels + group * inputsPerGroup + inner) * height
                    for kernelRow in 0..<layer.kernel.height {
                        for kernelColumn in 0..<layer.kernel.width {
                            let weightIndex =
                                ((channel * inputsPerGroup + inner) * layer.kernel.height + kernelRow)
                                * layer.kernel.width + kernelColumn
                            let shift = kernelColumn * layer.dilation.width - layer.padding.left
                            let columns = inside(shift: shift, width: width)
                            guard !columns.isEmpty else { continue }
                            for row in 0..<result[2] {
                                let y =
                                    row * layer.stride.height + kernelRow * layer.dilation.height
                                    - layer.padding.top
                                guard y >= 0, y < height else { continue }
                                let start = ((sample * result[1] + channel) * result[2] + row) * result[3]
                                let first =
                                    (source + y) * width + columns.lowerBound * layer.stride.width + shift
                                body(
                                    (start + columns.lowerBound)..<(start + columns.upperBound),
                                    (first, layer.stride.width), weightIndex)
                            }
                        }
                    }
                }
            }
        }
    }

    /// The columns of the result for which `column × stride + shift` lies in the input.
    private func inside(shift: Int, width: Int) -> Range<Int> {
        let stride = layer.stride.width
        let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
        let end = shift >= width ? 0 : min(result[3], (width - 1 - shift) / stride + 1)
        return first < end ? first..<end : 0..<0
    }
}
