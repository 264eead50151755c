import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Why a file is taken for a network, and what had to be assumed, in sentences.
struct DetectionEvidence {
    let architecture: Architecture
    let dialect: Dialect
    let match: NameMatch
    let graph: LayerGraph
    let checkpoint: Checkpoint

    /// What was seen.
    /// - Parameter isAsked: whether the user asked for the body alone.
    func sentences(isAsked: Bool) -> [String] {
        var result = ["\(match.found) of \(match.wanted) layers match by name: \(dialect.title)"]
        let first = graph.parameters.first { $0.shape.rank == 4 }
        if let first, let key = dialect.key(for: first.path), let tensor = checkpoint[key] {
            let channels = graph.input.channels
            result.append(
                "\(key) \(tensor.shape): pictures have \(channels) channel\(channels == 1 ? "" : "s")")
        }
        result += paddingEvidence
        if let head = graph.head, let classes = graph.classCount {
            let source = match.renamedHead?.source ?? dialect.pair(node: head)?.source ?? head
            if let tensor = checkpoint["\(source).weight"] {
                result.append("\(source).weight \(tensor.shape): \(classes) classes")
            }
        } else if match.isHeadless {
            result.append("there are no tensors of its classifier: the network ends with its features")
        } else if isAsked {
            result.append("the network ends with its features, as was asked for")
        }
        return result
    }

    /// How TinyVGG's padding follows from what its linear layer takes.
    private var paddingEvidence: [String] {
        guard architecture.family == "TinyVGG", let head = graph.head,
            let key = dialect.key(for: ParameterPath(head, .weight)), let tensor = checkpoint[key],
            let last = graph.nodes.last(where: { if case .pooling = $0.layer { true } else { false } }),
            let maps = try? graph.shapes(batch: 1)[last.path],
            case .convolution(let layer)? = graph.nodes.first?.layer
        else { return [] }
        return [
            "\(key) \(tensor.shape): takes \(maps[1])·\(maps[2])·\(maps[3]) numbers, which pictures of "
                + "\(graph.input.height)×\(graph.input.width) leave with padding \(layer.padding.top)"
        ]
    }

    /// What was assumed.
    /// - Parameters:
    ///   - others: all dialects that have the file's names.
    ///   - isAsked: whether the user named the dialect.
    ///   - isSizeKnown: whether the pictures' size was said.
    func assumptions(others: [Dialect], isAsked: Bool, isSizeKnown: Bool) -> [String] {
        var result: [String] = []
        let family = Architecture.all.filter { $0.family == architecture.family }
        if architecture.family == "LeNet" {
            let names = family.map(\.name).filter { $0 != architecture.name }
            result.append(
                "activation and pooling are those of \(architecture.title), because of \(dialect.title); tensors "
                    + "don't show them (choose with --architecture \(names.joined(separator: " or ")))")
        }
        let rivals = others.filter {
            $0.architecture == dialect.architecture && $0.name != dialect.name
                && $0.conventions != dialect.conventions
        }
        if !isAsked, let conventions = dialect.conventions, let rival = rivals.first,
            let other = rival.conventions
        {
            result.append(
                "\(DetectionEvidence.text(conventions)) are those of \(dialect.name), whose names these are first of "
                    + "all; \(rival.name) has the same names and shapes with \(DetectionEvidence.text(other)) "
                    + "(choose with --dialect \(rival.name))")
        }
        if dialect.conventions?.padding == .same, !isSizeKnown {
            result.append(
                "the padding is for pictures of \(graph.input.height)×\(graph.input.width) (choose with --input-size)"
            )
        }
        if let head = match.renamedHead {
            result.append("\(head.source) is the head: it is the one layer left over, and fits the features")
        }
        return result
    }

    /// `symmetric padding and epsilon 1e-05`.
    private static func text(_ conventions: Conventions) -> String {
        "\(conventions.padding == .same ? "TensorFlow's" : "symmetric") padding and epsilon \(conventions.epsilon)"
    }
}
