import ZooLayerGraphs

/// An inverted bottleneck, MBConv: [1×1 expansion], depthwise convolution, [squeeze-and-excitation], 1×1 projection.
package struct EfficientNetBlock: Sendable, Hashable {
    /// The stage that it belongs to, from 1 on.
    package let stage: Int
    /// Its place in the stage, from 0 on.
    package let position: Int
    /// Its place in the network, from 0 on.
    package let number: Int
    let inputChannels, outputChannels, expansion, kernel, stride: Int
    let hasExcitation: Bool

    /// The steps that have parameters, in order.
    package enum Step: String, Sendable, CaseIterable {
        case expand, expandNorm, depthwise, depthwiseNorm, reduce, excite, project, projectNorm
    }

    /// Whether it begins with an expansion.
    package var hasExpansion: Bool { expansion != 1 }

    /// torchvision's path of the block.
    package var path: String { "features.\(stage).\(position)" }

    /// torchvision's path of a step; `nil` when the block doesn't have it.
    package func path(of step: Step) -> String? {
        let depthwise = hasExpansion ? 1 : 0
        let project = depthwise + (hasExcitation ? 2 : 1)
        switch step {
        case .expand: return hasExpansion ? "\(path).block.0.0" : nil
        case .expandNorm: return hasExpansion ? "\(path).block.0.1" : nil
        case .depthwise: return "\(path).block.\(depthwise).0"
        case .depthwiseNorm: return "\(path).block.\(depthwise).1"
        case .reduce: return hasExcitation ? "\(path).block.\(depthwise + 1).fc1" : nil
        case .excite: return hasExcitation ? "\(path).block.\(depthwise + 1).fc2" : nil
        case .project: return "\(path).block.\(project).0"
        case .projectNorm: return "\(path).block.\(project).1"
        }
    }
}

/// Adds EfficientNet's layers while it keeps track of the feature maps' size, on which TensorFlow's padding depends.
struct EfficientNetMaker {
    let network: EfficientNet
    var size: Int

    /// Convolution, normalisation and activation, as torchvision's `Conv2dNormActivation`.
    mutating func convolve(
        _ path: String, _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
        isActivated: Bool = true, _ builder: inout NetworkBuilder
    ) {
        let convolution = Convolution(
            input, output, kernel: Extent(kernel), stride: Extent(stride),
            padding: padding(kernel: kernel, stride: stride), groups: groups, hasBias: false)
        size = (size + convolution.padding.top + convolution.padding.bottom - kernel) / stride + 1
        builder.add("\(path).0", .convolution(convolution))
        let conventions = network.conventions
        let normalization = BatchNormalization(
            output, epsilon: conventions.epsilon, momentum: conventions.momentum,
            usesBiasedVariance: conventions.usesBiasedVariance)
        builder.add("\(path).1", .batchNormalization(normalization))
        if isActivated { builder.add("\(path).2", .activation(network.activation)) }
    }

    /// A block, and its input added to it where it keeps the shape.
    mutating func add(
        _ block: EfficientNetBlock, dropping probability: Double, to builder: inout NetworkBuilder
    ) {
        let input = builder.last
        let inner = block.inputChannels * block.expansion
        let path = "\(block.path).block"
        var step = 0
        if block.hasExpansion {
            convolve("\(path).0", block.inputChannels, inner, kernel: 1, &builder)
            step = 1
        }
        convolve(
            "\(path).\(step)", inner, inner, kernel: block.kernel, stride: block.stride, groups: inner,
            &builder)
        step += 1
        if block.hasExcitation {
            excite("\(path).\(step)", inner, squeezed: max(1, block.inputChannels / 4), &builder)
            step += 1
        }
        convolve("\(path).\(step)", inner, block.outputChannels, kernel: 1, isActivated: false, &builder)
        if block.stride == 1, block.inputChannels == block.outputChannels {
            builder.add("\(block.path).stochastic_depth", .stochasticDepth(probability: probability))
            builder.add("\(block.path).add", .add, after: [builder.last, input])
        }
    }

    /// Squeeze-and-excitation: each channel times a number that all channels' means decide.
    private func excite(
        _ path: String, _ channels: Int, squeezed: Int, _ builder: inout NetworkBuilder
    ) {
        let input = builder.last
        builder.add("\(path).avgpool", .adaptivePooling(AdaptivePooling(.average, output: Extent(1))))
        builder.add("\(path).fc1", .convolution(Convolution(channels, squeezed, kernel: Extent(1))))
        builder.add("\(path).activation", .activation(.silu))
        builder.add("\(path).fc2", .convolution(Convolution(squeezed, channels, kernel: Extent(1))))
        builder.add("\(path).scale_activation", .activation(.sigmoid))
        builder.add("\(path).scale", .multiply, after: [builder.last, input])
    }

    private func padding(kernel: Int, stride: Int) -> Padding {
        guard network.conventions.padding == .same else { return Padding((kernel - 1) / 2) }
        let total = max(0, ((size + stride - 1) / stride - 1) * stride + kernel - size)
        return Padding(top: total / 2, left: total / 2, bottom: total - total / 2, right: total - total / 2)
    }
}
