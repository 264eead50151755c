import ZooLayerGraphs
import ZooTensors

/// A draft as a graph, and which of its layers' members are blanks.
struct DraftDocument {
    private(set) var nodes: [Node] = []
    private(set) var blanks: [String: [String]] = [:]
    private var comments: [String: String] = [:]
    private var taken: Set<String>
    private let draft: GraphDraft
    private let choices: GraphDraft.Choices
    private let explanation: GraphDraft.Explanation?
    private var last = LayerGraph.inputPath
    private var head: String?

    init(_ draft: GraphDraft, explanation place: Int, _ choices: GraphDraft.Choices) throws(ZooError) {
        guard place == 0 || draft.explanations.indices.contains(place) else {
            let count = draft.explanations.count
            throw ZooError(
                .invalidArgument, "the draft has no such explanation",
                expected: count == 0 ? "none, for no usual numbers explain the shapes" : "1 to \(count)",
                found: "\(place + 1)", remedy: "Leave --explanation out for the first one.")
        }
        guard
            draft.layers.contains(where: \.isTransposed)
                || (choices.codeActivation == nil && choices.outputActivation == nil)
        else {
            throw ZooError(
                .invalidArgument, "the network has no decoder, so it has no function of one",
                remedy: "Leave --code-activation and --output-activation out.")
        }
        self.draft = draft
        self.choices = choices
        explanation = draft.explanations.indices.contains(place) ? draft.explanations[place] : nil
        taken = Set(draft.layers.map(\.name))
        build()
        guard choices.pooling == nil || nodes.contains(where: \.layer.isPooling) else {
            throw ZooError(
                .invalidArgument, "this explanation has no pooling whose kind could be said",
                found: explanation?.sentence, remedy: "Leave --pooling out, or choose another --explanation.")
        }
    }

    /// The document's text.
    func text() throws(ZooError) -> String {
        let input = explanation?.input
        let known = draft.explanations.prefix(5).enumerated().map {
            "\($0.offset + 1). \($0.element.sentence)"
        }
        let comment = (draft.remarks + known).joined(separator: " | ")
        return GraphDocument.shortText(
            architecture: "custom", input: input, head: head, nodes: nodes, comment: comment,
            comments: comments,
            blanks: blanks)
    }

    private mutating func add(
        _ path: String, _ layer: Layer, blank member: String? = nil, comment: String? = nil
    ) {
        nodes.append(Node(path, layer, inputs: [last]))
        last = path
        if let member { blanks[member, default: []].append(path) }
        comments[path] = comment
    }

    private mutating func build() {
        let layers = draft.layers
        var steps = (explanation?.steps ?? [])[...]
        var decoder = (explanation?.decoder ?? [])[...]
        var isVector = false
        var hasDecoder = false
        for (place, layer) in layers.enumerated() {
            let isLast = place == layers.count - 1
            let next = isLast ? nil : layers[place + 1]
            hasDecoder = hasDecoder || layer.isTransposed
            let step = layer.isSpatial ? (hasDecoder ? decoder.popFirst() : steps.popFirst()) : nil
            if layer.isLinear, !isVector {
                flatten(layer)
                isVector = true
            }
            if layer.isTransposed, isVector, let side = layer.codeSide(behind: layers[place - 1]) {
                add(name("reshape"), .reshape(Reshape([layer.inputs, side, side])))
                isVector = false
            }
            if let width = layer.breakage {
                blanks["inputs", default: []].append(layer.name)
                comments[layer.name] = "takes \(layer.inputs), the layer before gives \(width)"
            }
            addOwn(layer, step ?? DraftStep())
            head = layer.isLinear ? layer.name : hasDecoder ? nil : head
            // A normalisation comes before the function.
            if let next, case .batchNormalization = next.kind, !isBatchNormalization(layer) {
                pending = step?.pooling ?? pending
                continue
            }
            let pooling = step?.pooling ?? pending
            pending = nil
            if next?.isTransposed == true, !hasDecoder, !isVector {
                addFunction(
                    name(behind: last, "activation"), choices.codeActivation,
                    "delete this line if the code has no function")
            } else if !isLast, layer.kind != .parametricReLU, next?.kind != .parametricReLU {
                addFunction(behind: layer)
            }
            if let pooling { addPooling(pooling, behind: layer) }
        }
        if hasDecoder {
            // A picture's numbers are often squeezed into 0…1 at the end.
            addFunction(
                name("output_activation"), choices.outputActivation,
                "delete this line if the network ends without a function")
        }
    }

    /// The pooling of a convolution whose normalisation is still to come.
    private var pending: DraftPooling?

    private func isBatchNormalization(_ layer: DraftLayer) -> Bool {
        if case .batchNormalization = layer.kind { true } else { false }
    }

    private mutating func flatten(_ layer: DraftLayer) {
        if explanation?.poolsGlobally == true {
            let operation = choices.pooling
            add(
                name("global_pool"), .globalPooling(GlobalPooling(operation ?? .average)),
                blank: operation == nil ? "operation" : nil)
        } else {
            add(name("flatten"), .flatten(.channelsFirst))
        }
    }

    private mutating func addOwn(_ layer: DraftLayer, _ step: DraftStep) {
        let padding = { (kernel: Int) in step.isPadded ? (kernel - 1) / 2 : 0 }
        let sides = Padding(
            top: padding(layer.kernel.height), left: padding(layer.kernel.width),
            bottom: padding(layer.kernel.height), right: padding(layer.kernel.width))
        switch layer.kind {
        case .convolution(let kernel, let groups):
            add(
                layer.name,
                .convolution(
                    Convolution(
                        layer.inputs, layer.outputs, kernel: kernel, stride: Extent(step.stride),
                        padding: sides,
                        groups: groups, hasBias: layer.hasBias)), comment: comments[layer.name])
        case .transposedConvolution(let kernel, let groups):
            add(
                layer.name,
                .transposedConvolution(
                    TransposedConvolution(
                        layer.inputs, layer.outputs, kernel: kernel, stride: Extent(step.stride),
                        padding: sides,
                        outputPadding: Extent(step.outputPadding), groups: groups, hasBias: layer.hasBias)),
                comment: comments[layer.name])
        case .linear:
            add(
                layer.name, .linear(Linear(layer.inputs, layer.outputs, hasBias: layer.hasBias)),
                comment: comments[layer.name])
        case .batchNormalization(let hasScale, let hasCenter):
            add(
                layer.name,
                .batchNormalization(
                    BatchNormalization(layer.inputs, hasScale: hasScale, hasCenter: hasCenter)),
                comment: comments[layer.name])
        case .parametricReLU: add(layer.name, .parametricReLU(channels: layer.inputs))
        }
    }

    private mutating func addFunction(behind layer: DraftLayer) {
        let function = choices.activation
        add(
            name(behind: layer.name, "activation"), .activation(function ?? .relu),
            blank: function == nil ? "function" : nil)
    }

    private mutating func addPooling(_ pooling: DraftPooling, behind layer: DraftLayer) {
        let operation = choices.pooling
        add(
            name(behind: last == LayerGraph.inputPath ? layer.name : last, "pool"),
            .pooling(
                Pooling(operation ?? .maximum, window: Extent(pooling.window), stride: Extent(pooling.stride))
            ),
            blank: operation == nil ? "operation" : nil)
    }

    /// A function that may be missing.
    private mutating func addFunction(_ path: String, _ choice: Activation??, _ comment: String) {
        switch choice {
        case .some(let function?): add(path, .activation(function))
        case .some(nil): return
        case nil: add(path, .activation(.relu), blank: "function", comment: comment)
        }
    }

    /// The next number in the container where that is free, as PyTorch's Sequential counts; else a name of its own.
    private mutating func name(behind: String, _ kind: String) -> String {
        if let (container, number) = DraftWords.parted(behind) {
            let next = container.isEmpty ? "\(number + 1)" : "\(container).\(number + 1)"
            if taken.insert(next).inserted { return next }
        }
        let base = behind.hasSuffix("_activation") ? String(behind.dropLast("_activation".count)) : behind
        return name("\(base)_\(kind)")
    }

    private mutating func name(_ wanted: String) -> String {
        var name = wanted
        var count = 2
        while !taken.insert(name).inserted {
            name = "\(wanted)\(count)"
            count += 1
        }
        return name
    }
}

extension Layer {
    fileprivate var isPooling: Bool {
        switch self {
        case .pooling, .globalPooling: true
        default: false
        }
    }
}
