import ZooLayerGraphs
import ZooTensors

extension Autoencoder {
    /// Takes on what shapes tell: the stages by the encoder's kernels, or by the decoder's where those are missing.
    /// - Parameters:
    ///   - shapes: shapes by canonical path; some may be missing.
    ///   - options: what the user asked for; gets the classes, where a linear layer follows the encoder.
    /// - Returns: a sentence for each thing that shapes leave open.
    /// - Throws: ``ZooError`` for shapes of another network.
    mutating func fit(
        _ shapes: [ParameterPath: TensorShape], options: inout ArchitectureOptions
    ) throws(ZooError) -> [String] {
        let stages = try stages(shapes)
        if let head = shapes[ParameterPath(Autoencoder.head, .weight)], head.rank == 2, head[0] > 0 {
            options.classes = head[0]
        }
        let hasDecoder = options.classes == nil && !options.isHeadless
        guard let first = stages.first, let last = stages.last else { return [] }
        inputChannels = first.input
        kernel = first.kernel
        let hasCode = form == .strided && stages.count > 1 && last.kernel != kernel
        codeChannels = hasCode ? last.output : nil
        channels = stages.prefix(stages.count - (hasCode ? 1 : 0)).map(\.output)
        if let odd = stages.prefix(channels.count).first(where: { $0.kernel != kernel }) {
            throw ZooError(
                .mismatch, "the encoder's kernels aren't all of one size", tensor: odd.path.description,
                expected: "\(kernel)×\(kernel)", found: "\(odd.kernel)×\(odd.kernel)")
        }
        let linear = shapes[ParameterPath(Autoencoder.head, .weight)]
        let size = try fitSize(
            side: hasCode ? last.kernel : linear.flatMap { side(ofFeatures: $0) }, asked: options.inputSize)
        let halving =
            form == .strided
            ? "stages halve the map by a stride of 2 with padding \((kernel - 1) / 2)"
            : "stages halve the map by a 2×2 maximum"
        let end = hasDecoder ? ", \(outputActivation.name) at the end" : ""
        return [
            "\(halving), \(activation.name) follows each\(end): tensors don't show it (zoo convert --graph takes a "
                + "document that says otherwise)"
        ] + size
    }

    /// A convolution of the encoder.
    private struct Stage {
        let path: ParameterPath
        let input, output, kernel: Int
    }

    /// The encoder's convolutions.
    private func stages(_ shapes: [ParameterPath: TensorShape]) throws(ZooError) -> [Stage] {
        func place(_ path: ParameterPath, _ prefix: String, _ step: Int) -> Int? {
            guard path.role == .weight, path.node.hasPrefix(prefix),
                let index = Int(path.node.dropFirst(prefix.count)), index >= 0, index % step == 0
            else { return nil }
            return index / step
        }
        let inEncoder = shapes.keys.compactMap { place($0, "encoder.", layersPerStage) }.max() ?? -1
        let inDecoder = shapes.keys.compactMap { place($0, "decoder.", 2) }.max() ?? -1
        let count = max(inEncoder, inDecoder) + 1
        guard count <= 17 else {
            throw ZooError(
                .mismatch, "an autoencoder has 16 stages at most", found: "\(count) of them")
        }
        var stages: [Stage] = []
        for stage in 0..<count {
            var path = ParameterPath("encoder.\(stage * layersPerStage)", .weight)
            let mirrored = ParameterPath("decoder.\(2 * (count - 1 - stage))", .weight)
            // A transposed convolution's weight is [in, out, …]: that of the convolution which it undoes.
            if shapes[path] == nil, form == .strided { path = mirrored }
            guard let shape = shapes[path] else {
                throw ZooError(.missingTensor, "the encoder lacks a stage", tensor: path.description)
            }
            guard shape.rank == 4, shape.dimensions.allSatisfy({ (1...65_536).contains($0) }),
                shape[2] == shape[3]
            else {
                throw ZooError(
                    .mismatch, "a tensor is not an autoencoder's", tensor: path.description,
                    expected: "[out, in, kernel, kernel]", found: shape.description)
            }
            stages.append(Stage(path: path, input: shape[1], output: shape[0], kernel: shape[2]))
        }
        return stages
    }

    /// Side of the maps that a linear layer takes, by its columns.
    private func side(ofFeatures shape: TensorShape) -> Int? {
        guard shape.rank == 2, let last = channels.last, shape[1] % last == 0 else { return nil }
        return (1...4_096).first { $0 * $0 == shape[1] / last }
    }

    /// Finds pictures that leave maps of a side, where weights tell it.
    private mutating func fitSize(side: Int?, asked: Int?) throws(ZooError) -> [String] {
        func leaves(_ size: Int, _ side: Int) -> Bool {
            var network = self
            network.inputSize = size
            return (try? network.sides().last == side) ?? false
        }
        inputSize = asked ?? inputSize
        guard let side else {
            return asked == nil
                ? ["pictures are \(inputSize)×\(inputSize): weights fit any size (choose with --input-size)"]
                : []
        }
        if let asked {
            guard leaves(asked, side) else {
                throw ZooError(
                    .mismatch, "pictures of \(asked)×\(asked) don't leave the maps that the weights take",
                    expected: "\(side)×\(side) after \(channels.count) stages")
            }
            return []
        }
        // Several sizes leave the same maps, since halves are rounded.
        let exact = side << channels.count
        if !leaves(inputSize, side) { inputSize = exact }
        guard exact <= 16_384 else {
            throw ZooError(
                .mismatch, "no pictures leave the maps that the weights take",
                found: "\(side)×\(side) after \(channels.count) stages")
        }
        return [
            "pictures are \(inputSize)×\(inputSize), of which \(channels.count) stages leave \(side)×\(side) "
                + "(choose with --input-size)"
        ]
    }
}
