import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Files of weights alone that belong to a known network: by keras.applications' names where the file has them, else
/// by order and shape.
extension KerasMatcher {
    /// A layer of the file that has variables.
    struct FileLayer {
        /// The layer's own name, where the file tells it.
        let name: String?
        let keys: [String]
        let shapes: [TensorShape]
    }

    /// The layers that have variables, in the file's order.
    func fileLayers() -> [FileLayer] {
        let names = checkpoint.extras["layer_names"]
        return checkpoint.layers.filter { !$0.tensorNames.isEmpty }.map { layer in
            FileLayer(
                name: checkpoint.format == .kerasHDF5 ? layer.name : names?[layer.name]?.stringValue,
                keys: layer.tensorNames, shapes: layer.tensorNames.compactMap { checkpoint[$0]?.shape })
        }
    }

    /// Which of the file's layers is which of a network's, and what else there is.
    struct Assignment {
        let architecture: Architecture
        /// The file's layers by canonical path.
        var layers: [String: FileLayer]
        /// The Normalization that EfficientNets of Keras begin with.
        var normalization: FileLayer?
        var isHeadless = false
        /// Names of layers that stand in the classifier's place.
        var foreignHead: [String] = []
        /// Whether order and shape decided.
        var isAssumed = false
        /// Whether the layers' names are those that we give to networks that keras.applications lacks.
        var hasOwnNames = false
    }

    // MARK: By name

    /// The plan of the network whose names the file's layers have; `nil` when they are nobody's. B1 and B2 of
    /// EfficientNet have the same names; shapes decide between such.
    func planByNames(_ layers: [FileLayer]) throws(ZooError) -> ConversionPlan? {
        var chosen: (plan: ConversionPlan, faults: Int)?
        for assignment in try assignmentsByNames(layers) {
            let plan = try plan(assignment)
            let faults = plan.missing.count + plan.mismatched.count
            if faults < chosen?.faults ?? .max { chosen = (plan, faults) }
        }
        return chosen?.plan
    }

    private func assignmentsByNames(_ layers: [FileLayer]) throws(ZooError) -> [Assignment] {
        var named: [String: FileLayer] = [:]
        for layer in layers {
            if let name = layer.name { named[name] = layer }
        }
        let normalization = KerasMatcher.normalization(in: layers)
        let others = layers.count - (normalization == nil ? 0 : 1)
        var best: [KerasNames] = []
        var highest = 0.6
        for name in KerasNames.architectures where architecture == nil || architecture?.name == name {
            guard let names = KerasNames.of(name) else { continue }
            let found = names.count(in: Set(named.keys))
            let classifier = names.dialect.classifier.count
            let isHeadless = names.dialect.layers.suffix(classifier).allSatisfy { named[$0.source] == nil }
            let wanted = names.dialect.layers.count - (isHeadless ? classifier : 0)
            let score = Double(found) / Double(max(wanted + others - found, 1))
            if score > highest + 1e-9 { best = [] }
            if score >= highest - 1e-9 {
                best.append(names)
                highest = max(highest, score)
            }
        }
        var result: [Assignment] = []
        for names in best { result.append(try assignment(names, named, layers, normalization)) }
        return result
    }

    private func assignment(
        _ names: KerasNames, _ named: [String: FileLayer], _ layers: [FileLayer], _ normalization: FileLayer?
    ) throws(ZooError) -> Assignment {
        let dialect = names.dialect
        var result = Assignment(
            architecture: try Architecture.named(dialect.architecture), layers: [:],
            normalization: normalization)
        for pair in dialect.layers { result.layers[pair.node] = named[pair.source] }
        let classifier = dialect.classifier.map(\.path)
        let left = layers.filter { layer in
            layer.name != normalization?.name && dialect.pair(source: layer.name ?? "") == nil
        }
        if classifier.allSatisfy({ result.layers[$0] == nil }) {
            if left.count == 1, classifier.count == 1, left[0].shapes.first?.rank == 2,
                left[0].shapes[0][0] == dialect.classifier[0].features
            {
                result.layers[classifier[0]] = left[0]
            } else {
                result.isHeadless = true
                result.foreignHead = left.compactMap(\.name)
            }
        }
        return result
    }

    /// The layer with a mean, a variance and a count.
    static func normalization(in layers: [FileLayer]) -> FileLayer? {
        let found = layers.filter { layer in
            layer.shapes.count == 3 && layer.shapes[0].rank == 1 && layer.shapes[1] == layer.shapes[0]
                && layer.shapes[2].rank == 0
        }
        return found.count == 1 ? found[0] : nil
    }

    /// The network whose layers are called by their paths, as we write networks that keras.applications lacks.
    func assignmentByPaths(_ layers: [FileLayer]) -> Assignment? {
        var named: [String: FileLayer] = [:]
        for layer in layers {
            guard let name = layer.name else { return nil }
            named[name] = layer
        }
        for candidate in architecture.map({ [$0] }) ?? Architecture.all
        where candidate.family != "LeNet" && KerasNames.of(candidate.name) == nil {
            for isHeadless in [false, true] {
                guard let graph = try? candidate.graph(ArchitectureOptions(isHeadless: isHeadless)) else {
                    continue
                }
                let weighted = graph.nodes.filter { $0.layer.kerasClass != nil }
                guard weighted.count == named.count else { continue }
                var found: [String: FileLayer] = [:]
                for node in weighted { found[node.path] = named[KerasExport.kerasName(node.path)] }
                guard found.count == weighted.count else { continue }
                return Assignment(
                    architecture: candidate, layers: found, isHeadless: isHeadless, hasOwnNames: true)
            }
        }
        return nil
    }

    // MARK: The plan

    /// The plan of an assignment.
    func plan(_ found: Assignment) throws(ZooError) -> ConversionPlan {
        let names = KerasNames.of(found.architecture.name)
        var options = options
        options.isHeadless = options.isHeadless || found.isHeadless
        if found.architecture.family == "EfficientNet" {
            options.conventions = .keras
        }
        let (fitted, notes) = try found.architecture.fitted(shapes(of: found), options)
        let scaling = try KerasScaling(found, in: checkpoint, asked: imageNetRescaling)
        let graph = try scaling.placed(before: KerasMatcher.withoutDrops(fitted))
        let layouts = try KerasLayout.weightTransforms(graph)
        var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
        var setAside = Set<String>()
        for node in graph.nodes where node.layer.kerasClass != nil {
            let layer =
                node.path == KerasScaling.normalization ? found.normalization : found.layers[node.path]
            guard let layer else { continue }
            for (role, key) in zip(node.layer.kerasVariables, layer.keys) {
                guard let role else {
                    setAside.insert(key)
                    continue
                }
                let isKernel = role == .weight && layouts[node.path] != nil
                sources[ParameterPath(node.path, role)] = (
                    key, isKernel ? layouts[node.path] ?? .identity : .identity
                )
            }
        }
        if self.options.isHeadless {
            for layer in names?.dialect.classifier ?? [] {
                setAside.formUnion(found.layers[layer.path]?.keys ?? [])
            }
            for layer in fileLayers() where found.foreignHead.contains(layer.name ?? "") {
                setAside.formUnion(layer.keys)
            }
        }
        var origin = ConversionPlan.Origin(dialect: names?.dialect)
        origin.foreignHead = self.options.isHeadless ? [] : found.foreignHead
        origin.evidence = evidence(found, graph)
        origin.preprocessing = scaling.preprocessing(names?.dialect.preprocessing)
        return ConversionPlan(
            checkpoint: checkpoint, architecture: found.architecture, framework: .keras,
            dialect: found.isAssumed
                ? "Keras, matched by order and shape"
                : "Keras, the names of \(found.hasOwnNames ? "the network's own layers" : "keras.applications")",
            graph: graph, sources: sources,
            assumptions: notes + assumptions(found, graph) + scaling.assumptions, setAside: setAside,
            origin: origin, isAssumed: found.isAssumed)
    }

    /// The canonical shapes that the file's layers give.
    private func shapes(of found: Assignment) throws(ZooError) -> [ParameterPath: TensorShape] {
        let usual = try found.architecture.graph(ArchitectureOptions())
        var shapes: [ParameterPath: TensorShape] = [:]
        for node in usual.nodes {
            guard let layer = found.layers[node.path] else { continue }
            for (role, shape) in zip(node.layer.kerasVariables, layer.shapes) {
                guard let role else { continue }
                var canonical: TensorShape? = shape
                if role == .weight {
                    switch node.layer {
                    case .convolution(let numbers):
                        canonical = KerasLayout.kernel(of: numbers).canonicalShape(of: shape)
                    case .linear: canonical = LayoutTransform.kerasDense.canonicalShape(of: shape)
                    default: break
                    }
                }
                shapes[ParameterPath(node.path, role)] = canonical ?? shape
            }
        }
        return shapes
    }

    /// Keras' VGGs drop nothing.
    private static func withoutDrops(_ graph: LayerGraph) throws(ZooError) -> LayerGraph {
        guard graph.architecture.hasPrefix("vgg") else { return graph }
        var result = graph
        for node in graph.nodes {
            guard case .dropout = node.layer else { continue }
            result = try result.replacing(node.path, with: .dropout(probability: 0))
        }
        return result
    }

    // MARK: Sentences

    private func evidence(_ found: Assignment, _ graph: LayerGraph) -> [String] {
        var result: [String] = []
        if !found.isAssumed {
            let whose = found.hasOwnNames ? "the paths of \(found.architecture.name)'s layers for names" : nil
            result.append(
                "\(found.layers.count) layers have "
                    + (whose ?? "keras.applications' names for \(found.architecture.name)"))
        }
        if let classes = graph.classCount {
            result.append("its classifier has \(classes) classes")
        } else if found.isHeadless {
            result.append("there are no weights of its classifier: the network ends with its features")
        } else {
            result.append("the network ends with its features, as was asked for")
        }
        return result
    }

    private func assumptions(_ found: Assignment, _ graph: LayerGraph) -> [String] {
        var result: [String] = []
        if found.isAssumed {
            result.append("every layer was matched by its place and shape, not by its name")
        }
        if graph.head != nil {
            result.append(
                "the numbers before the last activation are logits; a softmax at the end, if there was one, is left out"
            )
        } else {
            result.append(
                "how the source pools its features isn't in the weights; here they end as \(graph.output)")
        }
        if found.architecture.family == "EfficientNet" {
            result.append(
                "padding, epsilon and momentum are those of keras.applications; weights don't show them")
            result.append(
                "the padding is for pictures of \(graph.input.height)×\(graph.input.width) (choose with --input-size)"
            )
        } else if found.architecture.family == "VGG" {
            result.append(KerasMatcher.caffeNote)
        }
        return result
    }
}
