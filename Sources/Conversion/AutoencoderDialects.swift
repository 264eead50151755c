import ZooArchitectures
import ZooTensors

extension DialectFamily {
    /// The names that PyTorch's tutorials give autoencoders' layers. How many there are follows the file.
    static let autoencoder: [DialectFamily] = [
        family(
            "encoder-decoder", "a Sequential each for encoder and decoder, numbered",
            landmarks: ["encoder.0"],
            encoder: { "encoder.\($0 * ($1 == .strided ? 2 : 3))" }, decoder: { "decoder.\(2 * $0)" }),
        family(
            "numbered-convolutions", "numbered convolutions and transposed ones (conv1, t_conv1)",
            landmarks: ["t_conv1"], encoder: { stage, _ in "conv\(stage + 1)" },
            decoder: { "t_conv\($0 + 1)" }),
    ]

    /// Both forms under names that are counted.
    private static func family(
        _ name: String, _ title: String, landmarks: [String],
        encoder: @escaping @Sendable (Int, Autoencoder.Form) -> String,
        decoder: @escaping @Sendable (Int) -> String
    ) -> DialectFamily {
        let make: @Sendable (LayerNames?) -> [Dialect] = { names in
            Autoencoder.Form.allCases.compactMap { form in
                AutoencoderNames(
                    encoder: { encoder($0, form) }, decoder: decoder, names: names, usual: Autoencoder(form)
                )?.dialect(name, title, form)
            }
        }
        return DialectFamily(
            [name], Autoencoder.Form.allCases.map(\.rawValue), landmarks: landmarks, adapted: { make($0) },
            { make(nil) })
    }
}

/// The layers of an autoencoder, or of its encoder and a linear layer, in a file.
private struct AutoencoderNames {
    let encoder, decoder: (Int) -> String
    /// Convolutions of the encoder, and transposed ones of the decoder, missing ones included.
    let stages, transposed: Int
    /// Columns of the one linear layer that there may be behind the encoder.
    let features: Int

    /// - Parameter names: the file's; `nil` for the usual network's.
    /// - Returns: `nil` where the names stand for layers of another kind.
    init?(
        encoder: @escaping (Int) -> String, decoder: @escaping (Int) -> String, names: LayerNames?,
        usual: Autoencoder
    ) {
        (self.encoder, self.decoder) = (encoder, decoder)
        guard let names else {
            stages = usual.channels.count + (usual.codeChannels == nil ? 0 : 1)
            (transposed, features) = (stages, 0)
            return
        }
        let encoding = (0..<17).filter { names.contains(encoder($0)) }
        let decoding = (0..<17).filter { names.contains(decoder($0)) }
        let own = encoding.map(encoder) + decoding.map(decoder)
        guard let last = encoding.last, own.allSatisfy({ names.shapes[$0]?.rank == 4 }) else { return nil }
        stages = max(last, decoding.last ?? 0) + 1
        transposed = decoding.isEmpty ? 0 : stages
        let others = names.ordered.filter { !own.contains($0) }
        let linear = others.count == 1 ? names.shapes[others[0]] : nil
        let channels = names.shapes[encoder(last)]?.dimensions.first ?? 0
        features = linear.flatMap { $0.rank == 2 && channels > 0 && $0[1] % channels == 0 ? $0[1] : nil } ?? 0
    }

    func dialect(_ name: String, _ title: String, _ form: Autoencoder.Form) -> Dialect {
        let step = form == .strided ? 2 : 3
        let body = (0..<stages).map { Dialect.Pair("encoder.\($0 * step)", encoder($0)) }
        let last = (0..<transposed).map { Dialect.Pair("decoder.\($0 * 2)", decoder($0)) }
        let head = Dialect.ClassifierLayer(path: "classifier", features: features)
        // What goes when a whole autoencoder shall end with its features is the decoder.
        return Dialect(
            name, title, architecture: form.rawValue,
            layers: body + (last.isEmpty ? [Dialect.Pair(head.path, head.path)] : last),
            classifier: last.isEmpty
                ? [head] : last.map { Dialect.ClassifierLayer(path: $0.node, features: 0) })
    }
}
