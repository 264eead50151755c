import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Another classifier than the architecture's own, behind a body that is: its layers by their names in the file.
struct ForeignHead {
    /// Names in the file's order.
    let names: [String]
    let checkpoint: Checkpoint

    /// What the shapes tell and what they don't, `linear 512 256, …, linear 256 5`; `nil` where a layer is none that a
    /// head's description has a word for.
    var outline: String? {
        var words: [String] = []
        for (position, name) in names.enumerated() {
            if position > 0, let between = children(after: names[position - 1], before: name), between > 0 {
                words.append(between == 1 ? "…" : "… (\(between) layers without tensors)")
            } else if position > 0, children(after: names[position - 1], before: name) == nil {
                words.append("…")
            }
            guard let shape = checkpoint["\(name).weight"]?.shape else { return nil }
            if shape.rank == 2 {
                words.append("linear \(shape[1]) \(shape[0])")
            } else if shape.rank == 1, checkpoint["\(name).running_var"] != nil {
                words.append("batchnorm \(shape[0])")
            } else {
                return nil
            }
        }
        return words.joined(separator: ", ")
    }

    /// Each layer with its shape.
    var list: String {
        names.map { name in
            "\(name) \(checkpoint["\(name).weight"].map { $0.shape.description } ?? "")"
        }.joined(separator: ", ")
    }

    /// How many numbered children of one container stand between two; `nil` when names don't tell.
    private func children(after first: String, before second: String) -> Int? {
        func parted(_ name: String) -> (container: Substring, number: Int)? {
            let dot = name.lastIndex(of: ".") ?? name.startIndex
            let number = dot == name.startIndex ? name[...] : name[name.index(after: dot)...]
            return Int(number).map { (name[..<dot], $0) }
        }
        guard let one = parted(first), let other = parted(second), one.container == other.container,
            other.number > one.number
        else { return nil }
        return other.number - one.number - 1
    }

    /// The body with the head that the user describes, and where its parameters are in the file.
    /// - Parameter container: what the new layers' paths begin with.
    func attached(
        _ head: HeadDescription, to body: LayerGraph, container: String
    ) throws(ZooError) -> (graph: LayerGraph, keys: [ParameterPath: String]) {
        var nodes = body.nodes
        var last = body.output
        var added: [String] = []
        func add(_ path: String, _ layer: Layer, _ inputs: [String]) {
            nodes.append(Node(path, layer, inputs: inputs))
            added.append(path)
            last = path
        }
        if head.features != .own {
            // The body of an architecture ends with its own pooling and flattening.
            while let node = nodes.last, !node.layer.givesFeatureMap, node.inputs.count == 1 {
                nodes.removeLast()
                last = node.inputs[0]
            }
            let map = last
            if head.features != .average {
                add("\(container).maxpool", .globalPooling(GlobalPooling(.maximum)), [map])
            }
            if head.features != .maximum {
                add("\(container).avgpool", .globalPooling(GlobalPooling(.average)), [map])
            }
            if head.features == .both {
                add("\(container).concat", .concatenate(axis: 1), [added[0], added[1]])
            }
        }
        var classifier: String?
        var keys: [ParameterPath: String] = [:]
        var left = names[...]
        for (position, described) in head.layers.enumerated() {
            let path = "\(container).\(position)"
            var layer = described
            if !layer.parameterShapes.isEmpty {
                guard let name = left.popFirst() else { throw unequal(head) }
                if case .linear(var linear) = layer {
                    linear.hasBias = checkpoint["\(name).bias"] != nil
                    layer = .linear(linear)
                    classifier = path
                }
                for (role, shape) in layer.parameterShapes {
                    let key = "\(name).\(role.rawValue)"
                    keys[ParameterPath(path, role)] = key
                    guard let found = checkpoint[key]?.shape, found != shape else { continue }
                    throw ZooError(
                        .mismatch, "the head that --head describes isn't the file's", tensor: key,
                        expected: shape.description, found: found.description, remedy: remedy)
                }
            }
            add(path, layer, [last])
        }
        guard left.isEmpty else { throw unequal(head) }
        let present = Set(nodes.map(\.path))
        var parts = body.parts.map { LayerGraph.Part($0.name, nodes: $0.nodes.filter(present.contains)) }
        if let classifier { parts.append(LayerGraph.Part("head", nodes: [classifier])) }
        parts.append(LayerGraph.Part("classifier", nodes: added))
        let graph = try LayerGraph(
            architecture: body.architecture, input: body.input, nodes: nodes, head: classifier, parts: parts)
        do throws(ZooError) {
            _ = try graph.shapes(batch: 1)
        } catch {
            throw error.adding(remedy: "The body's features are what the head's first layer takes.")
        }
        return (graph, keys)
    }

    private func unequal(_ head: HeadDescription) -> ZooError {
        let described = head.layers.count { !$0.parameterShapes.isEmpty }
        return ZooError(
            .mismatch, "the head that --head describes has another number of layers with tensors",
            expected: "\(names.count): \(list)", found: "\(described)", remedy: remedy)
    }

    /// What to say instead.
    var remedy: String {
        guard let outline else { return "Pass --headless to take the body alone." }
        return "Shapes tell this much: --head '\(outline)', with words for what … stands for; "
            + "--headless takes the body alone."
    }
}

extension Layer {
    /// Whether its result is a feature map of the body, and not a vector or a pooling on the way to one.
    fileprivate var givesFeatureMap: Bool {
        switch self {
        case .flatten, .adaptivePooling, .globalPooling, .dropout, .linear, .reshape: false
        default: true
        }
    }
}
