import ZooTensors

/// `torch.softmax(x, 1)`: over the channels of each place.
struct ReferenceSoftmax: ReferenceOperation {
    func forward(_ operands: [ReferenceValue]) -> ReferenceValue {
        var output = operands[0]
        forEachPlace(output.shape) { positions in
            let peak = positions.reduce(-Double.infinity) { max($0, output.elements[$1]) }
            var sum = 0.0
            for position in positions {
                output.elements[position] = exponential(output.elements[position] - peak)
                sum += output.elements[position]
            }
            for position in positions { output.elements[position] /= sum }
        }
        return output
    }

    func backward(
        _ flow: ReferenceValue, operands: [ReferenceValue], result: ReferenceValue
    ) -> ReferenceGradients {
        var toInput = flow
        forEachPlace(flow.shape) { positions in
            let mean = positions.reduce(0.0) { $0 + flow.elements[$1] * result.elements[$1] }
            for position in positions {
                toInput.elements[position] = result.elements[position] * (flow.elements[position] - mean)
            }
        }
        return ReferenceGradients(operand: toInput)
    }

    /// Visits the positions of all channels at each place.
    private func forEachPlace(_ shape: TensorShape, _ body: (StrideTo<Int>) -> Void) {
        let planes = ChannelPlanes(shape)
        for sample in 0..<planes.samples {
            let start = sample * planes.channels * planes.places
            for place in start..<(start + planes.places) {
                body(
                    stride(from: place, to: start + planes.channels * planes.places, by: planes.places))
            }
        }
    }
}
