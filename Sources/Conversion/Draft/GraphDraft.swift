public import ZooCheckpoints
public import ZooLayerGraphs
public import ZooTensors

/// A graph document proposed for a state dict of no known network: the layers in the file's order, one behind the
/// other, and by arithmetic the strides, paddings and poolings that lead from a usual size of pictures to what the first
/// linear layer takes. What no tensor shows is a blank.
public struct GraphDraft: Sendable {
    /// A combination that explains the shapes.
    public struct Explanation: Sendable, Hashable {
        /// Size of the pictures.
        public let input: InputShape
        /// In words: `28×28 pictures, no padding, 2×2 pooling behind each convolution: 20×4×4 = 320 features`.
        public let sentence: String
        let steps: [DraftStep]
        let decoder: [DraftStep]
        /// Whether a pooling of each channel stands before the linear layers.
        let poolsGlobally: Bool
        /// Size of the map before the linear layers, or the last one.
        let map: Extent
    }

    /// What the user knows, in the place of blanks.
    public struct Choices: Sendable, Hashable {
        /// The function behind each layer but the last.
        public var activation: Activation?
        /// The function behind an encoder's last convolution; `.some(nil)` for none.
        public var codeActivation: Activation??
        /// What poolings take of a window.
        public var pooling: Pooling.Operation?
        /// The function at the end of a network that gives a picture; `.some(nil)` for none.
        public var outputActivation: Activation??

        /// Nothing.
        public init() {}
    }

    /// Explanations, the most usual one first; empty where shapes can't be explained, and the document then has blanks
    /// in the place of the input's size.
    public let explanations: [Explanation]
    /// What was seen, one sentence each.
    public let remarks: [String]
    let layers: [DraftLayer]

    /// Most explanations that are kept.
    static let maximumCount = 12

    /// Looks at a state dict.
    /// - Parameter size: the size of the pictures, where it is known.
    /// - Throws: ``ZooError`` for Keras' files, which say their network themselves, and for a tensor that is no
    ///   parameter of a layer which drafts know.
    public init(_ checkpoint: Checkpoint, size: Extent? = nil) throws(ZooError) {
        guard ![.kerasHDF5, .kerasWeights, .kerasArchive].contains(checkpoint.format) else {
            throw ZooError(
                .unsupported, "a draft is for state dicts", found: checkpoint.format.title,
                remedy: "zoo convert reads Keras' networks by what their files say.")
        }
        let layers = try DraftLayer.all(in: checkpoint)
        guard let first = layers.first else { throw ZooError(.missingTensor, "the file holds no tensors") }
        self.layers = layers
        var remarks: [String] = []
        if let plan = try? Converter().plan(checkpoint), (try? plan.requireComplete(file: nil)) != nil {
            remarks.append(
                "this is \(plan.architecture.name) by \(plan.dialect); zoo convert reads it without a draft")
        }
        var isChain = true
        for layer in layers {
            guard let width = layer.breakage else { continue }
            isChain = false
            remarks.append(
                "\(layer.name) takes \(layer.inputs), the layer before it gives \(width): layers don't follow each other in the "
                    + "file's order there; fill in what it reads")
        }
        let search = DraftSearch(layers: layers, size: size)
        explanations =
            isChain && first.isSpatial ? Array(search.found().prefix(Self.maximumCount)) : []
        if explanations.isEmpty, isChain {
            remarks.append(
                first.isSpatial
                    ? "no usual size of pictures, padding and pooling explains \(search.target); say the size with --input-size"
                    : "\(first.name) is no convolution; a draft begins with one")
        }
        self.remarks = remarks
    }

    /// Names of what stays blank, `activation`, `pooling`, with the layers concerned.
    public func blanks(explanation: Int = 0, _ choices: Choices = Choices()) throws(ZooError) -> [String:
        [String]]
    {
        try DraftDocument(self, explanation: explanation, choices).blanks
    }

    /// The document, a line a layer, with `"?"` for each blank.
    /// - Parameter explanation: place in ``explanations``.
    /// - Throws: ``ZooError`` when there is no such explanation.
    public func text(explanation: Int = 0, _ choices: Choices = Choices()) throws(ZooError) -> String {
        try DraftDocument(self, explanation: explanation, choices).text()
    }
}

/// The search for combinations.
struct DraftSearch {
    let layers: [DraftLayer]
    let size: Extent?

    /// Convolutions before the first linear layer or the first transposed convolution.
    private var body: [DraftLayer] {
        Array(layers.prefix { !$0.isLinear && !$0.isTransposed }.filter(\.isSpatial))
    }
    private var linear: DraftLayer? { layers.first(where: \.isLinear) }
    private var firstTransposed: Int? { layers.firstIndex(where: \.isTransposed) }
    /// Spatial layers behind the first transposed convolution.
    private var decoder: [DraftLayer] {
        firstTransposed.map { layers[$0...].filter(\.isSpatial) } ?? []
    }

    /// What has to be explained.
    var target: String {
        if let linear { return "the \(linear.inputs) features of \(linear.name)" }
        return firstTransposed == nil ? "its maps" : "a decoder that gives the picture's size"
    }

    func found() -> [GraphDraft.Explanation] {
        let channels = body.first?.inputs ?? 1
        let sizes = size.map { [$0] } ?? DraftGeometry.sizes(channels: channels).map { Extent($0) }
        let geometry = DraftGeometry(layers: body, gaps: gaps)
        var result: [(explanation: GraphDraft.Explanation, cost: Double)] = []
        for (rank, size) in sizes.enumerated() {
            let input = InputShape(channels: channels, height: size.height, width: size.width)
            let unusual = 0.3 * Double(rank)
            let isTransposedFirst = firstTransposed != nil && linear == nil
            if isTransposedFirst {
                guard size.height == size.width else { continue }
                result += autoencoders(input, geometry).map { ($0.0, $0.1 + unusual) }
            } else {
                result += classifiers(input, geometry).map { ($0.0, $0.1 + unusual) }
            }
        }
        var seen: Set<String> = []
        return result.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }
            .map(\.element.explanation).filter { seen.insert($0.sentence).inserted }
    }

    private func classifiers(
        _ input: InputShape, _ geometry: DraftGeometry
    ) -> [(GraphDraft.Explanation, Double)] {
        let channels = layers.prefix { !$0.isLinear }.last?.outputs ?? input.channels
        var result: [(GraphDraft.Explanation, Double)] = []
        for way in geometry.ways(isStrided: false) {
            guard let map = geometry.size(of: Extent(input.height, input.width), way.steps) else { continue }
            let words = DraftWords.sentence(input, body, way.steps)
            let shape = "\(channels)×\(map.height)×\(map.width)"
            func explanation(_ end: String, poolsGlobally: Bool = false) -> GraphDraft.Explanation {
                GraphDraft.Explanation(
                    input: input, sentence: "\(words): \(end)", steps: way.steps, decoder: [],
                    poolsGlobally: poolsGlobally, map: map)
            }
            guard let linear else {
                result.append((explanation("a map of \(shape)"), way.cost + 1))
                continue
            }
            if map.height * map.width * channels == linear.inputs {
                let found = explanation("\(shape) = \(linear.inputs) features")
                guard let side = codeSide else {
                    result.append((found, way.cost))
                    continue
                }
                let back = DraftGeometry(layers: decoder, gaps: []).decoders(from: side, to: input.height)
                for other in back.sorted(by: { $0.cost < $1.cost }).prefix(3) {
                    result.append(
                        (
                            GraphDraft.Explanation(
                                input: input,
                                sentence: found.sentence + "; back by "
                                    + DraftWords.list(decoder, other.steps),
                                steps: way.steps, decoder: other.steps, poolsGlobally: false, map: map),
                            way.cost + other.cost
                        ))
                }
            } else if linear.inputs == channels, way.cost < 2,
                !way.steps.contains(where: { $0.pooling?.window == 3 })
            {
                // Any size would do, so this explains little.
                result.append(
                    (
                        explanation(
                            "\(shape), and one number for each of \(channels) channels", poolsGlobally: true),
                        way.cost + 4
                    ))
            }
        }
        return result
    }

    private func autoencoders(
        _ input: InputShape, _ geometry: DraftGeometry
    ) -> [(GraphDraft.Explanation, Double)] {
        let back = DraftGeometry(layers: decoder, gaps: [])
        var result: [(GraphDraft.Explanation, Double)] = []
        var decoders: [Int: [DraftGeometry.Way]] = [:]
        for (way, size) in geometry.encoders(from: input.height) {
            if decoders[size] == nil {
                decoders[size] = Array(
                    back.decoders(from: size, to: input.height).sorted { $0.cost < $1.cost }.prefix(3))
            }
            for other in decoders[size] ?? [] {
                let cost = way.cost + other.cost + asymmetry(way.steps, other.steps)
                let channels = body.last?.outputs ?? 0
                result.append(
                    (
                        GraphDraft.Explanation(
                            input: input,
                            sentence: DraftWords.sentence(input, body, way.steps)
                                + ": a code of \(channels)×\(size)×\(size); back by "
                                + DraftWords.list(decoder, other.steps),
                            steps: way.steps, decoder: other.steps, poolsGlobally: false, map: Extent(size)),
                        cost
                    ))
            }
        }
        return result
    }

    /// Side of the map that a vector becomes before it is decoded; `nil` where none is.
    private var codeSide: Int? {
        guard let place = firstTransposed, place > 0, layers[place - 1].isLinear else { return nil }
        return layers[place].codeSide(behind: layers[place - 1])
    }

    /// Decoders usually mirror their encoders.
    private func asymmetry(_ encoder: [DraftStep], _ decoder: [DraftStep]) -> Double {
        guard encoder.count == decoder.count else { return 0 }
        return zip(encoder, decoder.reversed()).reduce(0) { sum, pair in
            let reduces = pair.0.stride > 1 || pair.0.pooling != nil
            let mirrors =
                reduces == (pair.1.stride > 1)
                && (pair.0.pooling != nil || pair.0.isPadded == pair.1.isPadded)
            return sum + (mirrors ? 0 : 1)
        }
    }

    /// How many numbered children of one container stand between a convolution, with its normalisation, and the next
    /// layer that has tensors.
    private var gaps: [Int?] {
        body.map { layer in
            guard var place = layers.firstIndex(where: { $0.name == layer.name }) else { return nil }
            if place + 1 < layers.count, case .batchNormalization = layers[place + 1].kind { place += 1 }
            guard place + 1 < layers.count, let one = DraftWords.parted(layers[place].name),
                let next = DraftWords.parted(layers[place + 1].name), one.container == next.container,
                next.number > one.number
            else { return nil }
            return next.number - one.number - 1
        }
    }
}

/// Sentences and names.
enum DraftWords {
    /// A name's container and the number behind its last dot.
    static func parted(_ name: String) -> (container: String, number: Int)? {
        let dot = name.lastIndex(of: ".")
        let last = dot.map { name[name.index(after: $0)...] } ?? name[...]
        return Int(last).map { (dot.map { String(name[..<$0]) } ?? "", $0) }
    }

    static func sentence(_ input: InputShape, _ layers: [DraftLayer], _ steps: [DraftStep]) -> String {
        "\(input.height)×\(input.width) pictures, \(list(layers, steps))"
    }

    /// What convolutions do, together where all do the same.
    static func list(_ layers: [DraftLayer], _ steps: [DraftStep]) -> String {
        guard let first = steps.first else { return "no convolutions" }
        var bare = first
        bare.pooling = nil
        let isUniform = steps.allSatisfy {
            $0.stride == first.stride && $0.isPadded == first.isPadded
                && $0.outputPadding == first.outputPadding
        }
        let pooled = zip(layers, steps).filter { $0.1.pooling != nil }
        var words: [String] = []
        if isUniform {
            words.append(text(bare))
        } else {
            words += zip(layers, steps).map { layer, step in
                var bare = step
                bare.pooling = nil
                return "\(layer.name): \(text(bare))"
            }
        }
        if let pooling = pooled.first?.1.pooling {
            let window = "\(pooling.window)×\(pooling.window)"
            let step = pooling.stride == pooling.window ? "" : " in steps of \(pooling.stride)"
            let places =
                pooled.count == steps.count
                ? steps.count == 1 ? "it" : "each convolution"
                : pooled.map(\.0.name).joined(separator: " and ")
            words.append("\(window) pooling\(step) behind \(places)")
        }
        return words.joined(separator: ", ")
    }

    private static func text(_ step: DraftStep) -> String {
        var words = step.isPadded ? "padding that keeps the size" : "no padding"
        if step.stride > 1 {
            words =
                step.isPadded
                ? "stride \(step.stride) with half padding" : "stride \(step.stride) without padding"
        }
        if step.outputPadding > 0 { words += " and output padding \(step.outputPadding)" }
        return words
    }
}
