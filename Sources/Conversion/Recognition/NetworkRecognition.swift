import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// Looks for the known network that a graph is, whatever its layers are called.
struct NetworkRecognition {
    /// The network; `nil` when the graph is one of its own.
    private(set) var network: KnownNetwork?
    /// The network that the graph comes nearest to, and where it differs, in a clause.
    private(set) var nearMiss: String?

    /// - Parameters:
    ///   - architecture: the one that is asked for; `nil` for any.
    ///   - isHeadless: whether its classifier is to be left out.
    init(
        _ graph: LayerGraph, architecture: Architecture?, isHeadless: Bool
    ) throws(ZooError) {
        guard graph.input.height == graph.input.width else {
            nearMiss = nil
            return
        }
        let own = try GraphEssence(graph)
        let convolutions = NetworkRecognition.convolutions(graph)
        var nearest: (share: Double, clause: String)?
        for body in NetworkRecognition.bodies where architecture == nil || architecture?.name == body.name {
            guard body.overlap(with: convolutions) >= 0.8 else { continue }
            let candidate = try Architecture.named(body.name)
            for conventions in body.conventions {
                var options = ArchitectureOptions()
                options.conventions = conventions
                options.classes = graph.classCount
                options.inputChannels = graph.input.channels
                options.inputSize = graph.input.height
                guard let known = try? candidate.graph(options) else { continue }
                let match = NetworkMatch(own: own, known: try GraphEssence(known))
                if let network = try KnownNetwork(match, candidate, isHeadless: isHeadless) {
                    self.network = network
                    return
                }
                if match.share > nearest?.share ?? -1 {
                    nearest = (match.share, NetworkRecognition.clause(match, candidate))
                }
            }
        }
        nearMiss = nearest?.clause
    }

    /// `vgg16 up to block3_conv2: Conv2d …, where vgg16 has Conv2d …`.
    private static func clause(_ match: NetworkMatch, _ architecture: Architecture) -> String {
        guard let (own, known) = match.firstDifference else {
            return "\(architecture.name), but it drops other numbers while training"
        }
        let wanted = known.map { ", where \(architecture.name) has \($0.layer.brief)" } ?? ""
        return "\(architecture.name) up to \(own.path): \(own.layer.brief)\(wanted)"
    }

    // MARK: Bodies

    /// The convolutions of a known network's stem and stages, whatever its pictures' channels.
    private struct Body: Sendable {
        let name: String
        let conventions: [Conventions?]
        let convolutions: [[Int]: Int]

        /// The share of them that a graph has.
        func overlap(with others: [[Int]: Int]) -> Double {
            let all = convolutions.values.reduce(0, +)
            let found = convolutions.reduce(0) { $0 + min($1.value, others[$1.key] ?? 0) }
            return Double(found) / Double(max(all, 1))
        }
    }

    /// The known networks, those with the most convolutions first: of two that a graph has, it is the larger one.
    private static let bodies: [Body] = Architecture.all.compactMap { architecture in
        guard architecture.family != "LeNet",
            let graph = try? architecture.graph(ArchitectureOptions())
        else { return nil }
        return Body(
            name: architecture.name,
            conventions: architecture.family == "EfficientNet" ? [.keras, .pytorch] : [nil],
            convolutions: convolutions(graph))
    }.sorted { $0.convolutions.values.reduce(0, +) > $1.convolutions.values.reduce(0, +) }

    private static func convolutions(_ graph: LayerGraph) -> [[Int]: Int] {
        var counts: [[Int]: Int] = [:]
        var isFirst = true
        for node in graph.nodes {
            guard case .convolution(let layer) = node.layer else { continue }
            defer { isFirst = false }
            counts[
                [
                    layer.outputChannels, isFirst ? 0 : layer.inputChannels, layer.groups,
                    layer.kernel.height,
                    layer.kernel.width,
                ], default: 0] += 1
        }
        return counts
    }
}

extension Layer {
    /// The numbers that tell a layer from another of its kind, in a few words.
    fileprivate var brief: String {
        switch self {
        case .convolution(let layer):
            "Conv2d \(layer.inputChannels)→\(layer.outputChannels), kernel \(layer.kernel.height)×"
                + "\(layer.kernel.width), stride \(layer.stride.height), padding \(layer.padding.top),"
                + "\(layer.padding.left),\(layer.padding.bottom),\(layer.padding.right)"
                + (layer.hasBias ? "" : ", no bias")
        case .linear(let layer): "Linear \(layer.inputFeatures)→\(layer.outputFeatures)"
        case .pooling(let layer):
            "\(kind), window \(layer.window.height), stride \(layer.stride.height), padding "
                + "\(layer.padding.top),\(layer.padding.left),\(layer.padding.bottom),\(layer.padding.right)"
        default: kind
        }
    }
}
