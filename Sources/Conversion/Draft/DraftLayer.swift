import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// A layer as its tensors show it: what it is and how many channels or features it takes and gives, without strides and
/// paddings.
struct DraftLayer: Sendable {
    enum Kind: Sendable, Hashable {
        case convolution(kernel: Extent, groups: Int)
        case transposedConvolution(kernel: Extent, groups: Int)
        case linear
        case batchNormalization(hasScale: Bool, hasCenter: Bool)
        case parametricReLU
    }

    /// Its name in the file, which is its path in the draft.
    let name: String
    let kind: Kind
    let inputs: Int
    let outputs: Int
    let hasBias: Bool
    /// What the layer before gives, where this one doesn't take as many.
    var breakage: Int?

    var isSpatial: Bool {
        switch kind {
        case .convolution, .transposedConvolution: true
        default: false
        }
    }

    var kernel: Extent {
        switch kind {
        case .convolution(let kernel, _), .transposedConvolution(let kernel, _): kernel
        default: Extent(1)
        }
    }

    var isTransposed: Bool { if case .transposedConvolution = kind { true } else { false } }
    var isLinear: Bool { kind == .linear }

    /// Side of the square map that a linear layer's result becomes for this one.
    func codeSide(behind linear: DraftLayer) -> Int? {
        let area = linear.outputs / max(inputs, 1)
        let side = Int(Double(area).squareRoot().rounded())
        return side > 0 && side * side * inputs == linear.outputs ? side : nil
    }

    /// Most layers that a draft has: what nobody would fill in by hand.
    private static let mostLayers = 500
    /// Most channels, features, or elements of a kernel's side.
    private static let largestExtent = 1 << 24

    /// The layers of a state dict, in its order.
    /// - Throws: ``ZooError`` for a tensor that is no parameter of a layer which drafts know, and for more layers than
    ///   anybody would fill in.
    static func all(in checkpoint: Checkpoint) throws(ZooError) -> [DraftLayer] {
        var names: [String] = []
        var shapes: [String: [ParameterRole: TensorShape]] = [:]
        for tensor in checkpoint.tensors where !tensor.name.hasSuffix(".\(ConversionPlan.counter)") {
            guard let path = ParameterPath(tensor.name),
                tensor.shape.dimensions.allSatisfy({ (1...largestExtent).contains($0) }),
                path.role == .weight || tensor.shape.rank == 1
            else { throw unknown(tensor.name, tensor.shape) }
            if shapes[path.node] == nil { names.append(path.node) }
            shapes[path.node, default: [:]][path.role] = tensor.shape
        }
        guard names.count <= mostLayers else {
            throw ZooError(
                .limitExceeded, "drafts are for small networks", expected: "at most \(mostLayers) layers",
                found: "\(names.count)", remedy: "zoo graph --help says how to write a graph document.")
        }
        var layers: [DraftLayer] = []
        var hasDecoder = false
        // Channels or features that the layer before gives.
        var width: Int?
        for name in names {
            var layer = try layer(name, shapes[name] ?? [:], behind: width, inDecoder: hasDecoder)
            hasDecoder = hasDecoder || layer.isTransposed
            if let width, layer.inputs != width, !(layer.isLinear && layers.last?.isLinear != true),
                !(layer.isTransposed && layers.last?.isLinear == true)
            {
                layer.breakage = width
            }
            width = layer.outputs
            layers.append(layer)
        }
        return layers
    }

    private static func layer(
        _ name: String, _ shapes: [ParameterRole: TensorShape], behind width: Int?, inDecoder: Bool
    ) throws(ZooError) -> DraftLayer {
        let (bias, weight) = (shapes[.bias], shapes[.weight])
        if let channels = shapes[.runningMean] {
            return DraftLayer(
                name: name, kind: .batchNormalization(hasScale: weight != nil, hasCenter: bias != nil),
                inputs: channels[0], outputs: channels[0], hasBias: bias != nil)
        }
        guard let weight else { throw unknown("\(name).bias", bias ?? []) }
        switch weight.rank {
        case 2:
            return DraftLayer(
                name: name, kind: .linear, inputs: weight[1], outputs: weight[0], hasBias: bias != nil)
        case 4: return spatial(name, weight, bias: bias, behind: width, inDecoder: inDecoder)
        case 1 where bias == nil && (weight[0] == 1 || weight[0] == width):
            return DraftLayer(
                name: name, kind: .parametricReLU, inputs: width ?? weight[0], outputs: width ?? weight[0],
                hasBias: false)
        default: throw unknown("\(name).weight", weight)
        }
    }

    /// Convolutions have their outputs first, transposed ones their inputs; the bias tells, then what comes before, then
    /// the name. With one channel in each group, a convolution that works channel by channel is the usual one.
    private static func spatial(
        _ name: String, _ weight: TensorShape, bias: TensorShape?, behind width: Int?, inDecoder: Bool
    ) -> DraftLayer {
        let kernel = Extent(weight[2], weight[3])
        let words = ["deconv", "decoder", "transpose", "convt", "upconv", "up."]
        let isLikely = inDecoder || words.contains { name.lowercased().contains($0) }
        let isTransposed: Bool
        if let bias, bias[0] != weight[0] {
            isTransposed = true
        } else if weight[0] == weight[1] || bias == nil {
            isTransposed = width == weight[0] && ((width != weight[1] && weight[1] > 1) || isLikely)
        } else {
            isTransposed = false
        }
        if isTransposed {
            let outputs = bias?[0] ?? weight[1]
            let groups = max(1, outputs / max(1, weight[1]))
            return DraftLayer(
                name: name, kind: .transposedConvolution(kernel: kernel, groups: groups), inputs: weight[0],
                outputs: outputs, hasBias: bias != nil)
        }
        var groups = 1
        if let width, weight[1] > 0, width != weight[1], width % weight[1] == 0,
            weight[0] % (width / weight[1]) == 0
        {
            groups = width / weight[1]
        }
        return DraftLayer(
            name: name, kind: .convolution(kernel: kernel, groups: groups), inputs: weight[1] * groups,
            outputs: weight[0], hasBias: bias != nil)
    }

    private static func unknown(_ name: String, _ shape: TensorShape) -> ZooError {
        ZooError(
            .unsupported, "a draft has no layer for this tensor", tensor: name,
            expected:
                "a convolution, a linear layer, a batch normalisation or PReLU", found: shape.description,
            remedy: "zoo graph --help says how to write a graph document by hand.")
    }
}
