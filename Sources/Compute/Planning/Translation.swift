import COneDNNShim
import ZooLayerGraphs

// Layers' numbers in the shim's words.

extension zoo_dnn_layout {
    /// `nil` for blocks on a machine that they bring nothing on.
    init?(_ layout: FeatureLayout) {
        switch layout {
        case .channelsLast: self = .channels_last
        case .plain: self = .plain
        case .blocked:
            guard let blocked = OneDNN.blockedLayout else { return nil }
            self = blocked
        }
    }
}

extension zoo_dnn_window {
    init(_ layer: Convolution) {
        self.init(
            kernel: (Int64(layer.kernel.height), Int64(layer.kernel.width)),
            stride: (Int64(layer.stride.height), Int64(layer.stride.width)),
            dilation: (Int64(layer.dilation.height), Int64(layer.dilation.width)),
            padding_before: (Int64(layer.padding.top), Int64(layer.padding.left)),
            padding_after: (Int64(layer.padding.bottom), Int64(layer.padding.right)))
    }

    /// oneDNN wants the padding that makes the number of windows come out, so a partial last window (`ceilMode`)
    /// adds to it.
    init(_ layer: Pooling, operand: [Int], result: [Int]) {
        func after(_ axis: Int, _ window: Int, _ stride: Int, _ before: Int, _ after: Int) -> Int64 {
            Int64(max((result[axis] - 1) * stride + window - operand[axis] - before, after))
        }
        let (window, stride) = (layer.window, layer.stride)
        self.init(
            kernel: (Int64(window.height), Int64(window.width)),
            stride: (Int64(stride.height), Int64(stride.width)), dilation: (1, 1),
            padding_before: (Int64(layer.padding.top), Int64(layer.padding.left)),
            padding_after: (
                after(2, window.height, stride.height, layer.padding.top, layer.padding.bottom),
                after(3, window.width, stride.width, layer.padding.left, layer.padding.right)
            ))
    }
}

extension zoo_dnn_pooling_kind {
    /// `nil` where oneDNN has no name for what PyTorch computes: windows that reach beyond the padding, which
    /// counts.
    init?(_ layer: Pooling, operand: [Int], result: [Int]) {
        if layer.operation == .maximum {
            self = .maximum
            return
        }
        func reach(_ axis: Int, _ window: Int, _ stride: Int, _ before: Int) -> Int {
            (result[axis] - 1) * stride + window - before
        }
        let rows = reach(2, layer.window.height, layer.stride.height, layer.padding.top)
        let columns = reach(3, layer.window.width, layer.stride.width, layer.padding.left)
        let isBeyond =
            rows > operand[2] + layer.padding.bottom || columns > operand[3] + layer.padding.right
        if !layer.countsPadding || layer.padding == .none {
            // Without padding the existing elements are what PyTorch divides by, whatever the mode.
            self = .average_excluding_padding
        } else if isBeyond {
            return nil
        } else {
            self = .average_including_padding
        }
    }
}

extension LoweredGraph.Step {
    /// What reports call the step: `Conv2d + ReLU`.
    var title: String {
        var title = operation.kind
        if normalization != nil { title += " + BatchNorm2d" }
        if addend != nil { title += " + Add" }
        return fused.map { "\(title) + \($0.title)" } ?? title
    }
}
