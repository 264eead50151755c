import ZooLayerGraphs
import ZooTensors

/// What a convolution's kernel sees of the inputs at each place of the outputs, group by group.
struct ConvolutionWindows {
    private let kernel: Extent
    private let stride: Extent
    private let dilation: Extent
    /// Rows above and columns to the left; those behind follow from the shapes.
    private let padding: Padding
    private let groups: Int
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
        var seen = [Double](repeating: 0, count: windowSize)
        let weight = weight.span
        forEach { window in
            gather(inputs, window, into: &seen)
            for (output, filter) in zip(window.outputs, window.filters) {
                let row = filter * windowSize
                outputs[output] += sumOfProducts(
                    weight.extracting(row..<(row + windowSize)), seen.span)
            }
        }
    }

    /// Adds the weighted outputs to the inputs.
    func applyTransposed(_ weight: [Double], to outputs: [Double], adding inputs: inout [Double]) {
        let weight = weight.span
        forEach { window in
            var spread = [Double](repeating: 0, count: windowSize)
            for (output, filter) in zip(window.outputs, window.filters) {
                let row = filter * windowSize
                add(outputs[output], times: weight.extracting(row..<(row + windowSize)), to: &spread, at: 0)
            }
            scatter(spread, window, adding: &inputs)
        }
    }

    /// The products of all inputs and outputs that a weight brings together, summed.
    func weightGradient(inputs: [Double], outputs: [Double]) -> [Double] {
        var gradient = [Double](repeating: 0, count: self.outputs[1] * windowSize)
        var seen = [Double](repeating: 0, count: windowSize)
        forEach { window in
            gather(inputs, window, into: &seen)
            for (output, filter) in zip(window.outputs, window.filters) {
                add(outputs[output], times: seen.span, to: &gradient, at: filter * windowSize)
            }
        }
        return gradient
    }

    /// A place of one sample and group.
    private struct Window {
        /// The group's channels of the output, as rows of the weight.
        let filters: Range<Int>
        /// The indices of their elements at this place.
        let outputs: StrideTo<Int>
        /// Where the group's first channel of the input begins.
        let input: Int
        /// The input's row and column under the kernel's first element; outside in the padding.
        let top: Int
        let left: Int
    }

    /// Elements that a window has: as many as one filter.
    private var windowSize: Int { inputs[1] / groups * kernel.height * kernel.width }

    private func forEach(_ body: (Window) -> Void) {
        let (inputsPerGroup, outputsPerGroup) = (inputs[1] / groups, outputs[1] / groups)
        let places = outputs[2] * outputs[3]
        for sample in 0..<outputs[0] {
            for group in 0..<groups {
                let filters = (group * outputsPerGroup)..<((group + 1) * outputsPerGroup)
                let first = (sample * outputs[1] + filters.lowerBound) * places
                let input = (sample * inputs[1] + group * inputsPerGroup) * inputs[2] * inputs[3]
                for place in 0..<places {
                    let end = first + outputsPerGroup * places
                    body(
                        Window(
                            filters: filters,
                            outputs: Swift.stride(from: first + place, to: end, by: places), input: input,
                            top: place / outputs[3] * stride.height - padding.top,
                            left: place % outputs[3] * stride.width - padding.left))
                }
            }
        }
    }

    /// The inputs in a window, in the order of a filter's elements; zeros in the padding.
    private func gather(_ inputs: [Double], _ window: Window, into seen: inout [Double]) {
        forEachElement(of: window) { element, input in seen[element] = input.map { inputs[$0] } ?? 0 }
    }

    /// Adds numbers to the inputs in a window.
    private func scatter(_ numbers: [Double], _ window: Window, adding inputs: inout [Double]) {
        forEachElement(of: window) { element, input in
            if let input { inputs[input] += numbers[element] }
        }
    }

    /// Visits a filter's elements, each with the index of the input under it, if there is one.
    private func forEachElement(of window: Window, _ body: (_ element: Int, _ input: Int?) -> Void) {
        let (height, width) = (inputs[2], inputs[3])
        var element = 0
        for channel in 0..<(inputs[1] / groups) {
            for kernelRow in 0..<kernel.height {
                let y = window.top + kernelRow * dilation.height
                let row = window.input + (channel * height + y) * width
                let isInside = y >= 0 && y < height
                for kernelColumn in 0..<kernel.width {
                    let x = window.left + kernelColumn * dilation.width
                    body(element, isInside && x >= 0 && x < width ? row + x : nil)
                    element += 1
                }
            }
        }
    }
}

/// Σ left·right. Four sums side by side, as one would wait for itself at every step.
func sumOfProducts(_ left: Span<Double>, _ right: Span<Double>) -> Double {
    let count = min(left.count, right.count)
    var sums = SIMD4<Double>()
    var next = 0
    while next + 4 <= count {
        let a = SIMD4(left[next], left[next + 1], left[next + 2], left[next + 3])
        let b = SIMD4(right[next], right[next + 1], right[next + 2], right[next + 3])
        sums += a * b
        next += 4
    }
    var sum = sums.sum()
    while next < count {
        sum += left[next] * right[next]
        next += 1
    }
    return sum
}

/// Adds factor·numbers to elements from a place on.
func add(_ factor: Double, times numbers: Span<Double>, to elements: inout [Double], at place: Int) {
    var elements = elements.mutableSpan
    let count = numbers.count
    // Checked here once for the whole loop.
    guard place >= 0, place + count <= elements.count else { return }
    for index in 0..<count { elements[place + index] += factor * numbers[index] }
}
