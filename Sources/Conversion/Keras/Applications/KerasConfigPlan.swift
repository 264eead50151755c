import ZooArchitectures
import ZooCheckpoints
import ZooLayerGraphs
import ZooTensors

/// Models with a `model_config` that are no LeNet: a known network under its own paths, whatever the layers are
/// called, or a graph of its own.
extension KerasMatcher {
    /// - Parameter names: the package whose names the layers have, where the file has no `model_config`.
    func planNetwork(
        _ config: JSONValue, names package: KerasPackageNames? = nil
    ) throws(ZooError) -> ConversionPlan {
        let (network, sizeNote) = try network(config)
        let weights = try KerasWeightSources(network, in: checkpoint)
        let found = try NetworkRecognition(
            network.graph, architecture: architecture, isHeadless: options.isHeadless)
        guard let known = found.network else {
            return try planOwn(network, weights, found.nearMiss, sizeNote, package)
        }
        var sources: [ParameterPath: (key: String, transform: LayoutTransform)] = [:]
        var setAside = weights.setAside
        for (parameter, source) in weights.sources {
            guard let path = known.paths[parameter.node] else {
                setAside.insert(source.key)
                continue
            }
            sources[ParameterPath(path, parameter.role)] = source
        }
        let names = KerasNames.of(known.architecture.name)
        let isNamed = names.map { hasNames($0, known) } ?? false
        var origin = ConversionPlan.Origin(dialect: isNamed ? names?.dialect : nil)
        origin.evidence = evidence(known, network, isNamed: isNamed, package)
        var assumptions = network.assumptions + (sizeNote.map { [$0] } ?? []) + (package?.assumptions ?? [])
        if let converter = Preprocessing(kerasHub: checkpoint.extras["image_converter.json"]) {
            origin.preprocessing = converter
        } else if !known.front.isEmpty {
            var preprocessing = names?.dialect.preprocessing ?? known.architecture.preprocessing
            (preprocessing.scale, preprocessing.mean, preprocessing.standardDeviation) = (1, [], [])
            origin.preprocessing = preprocessing
        } else if isNamed, names?.dialect.conventions == nil {
            assumptions.append(KerasMatcher.caffeNote)
        }
        return ConversionPlan(
            checkpoint: checkpoint, architecture: known.architecture, framework: .keras,
            dialect: package?.dialect ?? "Keras, layer by layer from model_config", graph: known.graph,
            sources: sources,
            assumptions: assumptions,
            outputActivation: known.isWhole || !options.isHeadless ? network.outputActivation : nil,
            dataFormat: network.order == .channelsFirst ? KerasExport.channelsFirst : nil,
            setAside: setAside, origin: origin)
    }

    /// What keras.applications' VGGs take, which no file says.
    static let caffeNote =
        "pictures are prepared as for keras.applications' VGG: blue, green, red, 0…255, less the means 103.939, "
        + "116.779 and 123.68 (choose with --mean and --std)"

    /// The graph; of a model that takes pictures of any size, with the size that the network it is was trained for.
    private func network(_ config: JSONValue) throws(ZooError) -> (KerasNetwork, note: String?) {
        func make(_ size: Int?) throws(ZooError) -> KerasNetwork {
            try KerasNetwork(
                modelConfig: config, version: checkpoint.extras["keras_version"]?.stringValue,
                backend: checkpoint.extras["backend"]?.stringValue, inputSize: size)
        }
        do throws(ZooError) {
            return (try make(options.inputSize), nil)
        } catch {
            guard options.inputSize == nil, error.code == .unsupported else { throw error }
            // Of any size, perhaps: then one of the sizes that known networks were trained with.
            for size in [224, 240, 260] {
                guard let network = try? make(size),
                    let known = try NetworkRecognition(
                        network.graph, architecture: architecture, isHeadless: options.isHeadless
                    ).network,
                    try KerasMatcher.usualSize(of: known.architecture) == size
                else { continue }
                return (
                    network,
                    "pictures are of \(size)×\(size), because the model takes any size and "
                        + "\(known.architecture.name) was trained with these (choose with --input-size)"
                )
            }
            if let network = try? make(224), KerasPackageNames.takesPixels(network) {
                return (
                    network,
                    "pictures are of 224×224, because the model takes any size and image-classifiers trained with "
                        + "these (choose with --input-size)"
                )
            }
            throw error
        }
    }

    private static func usualSize(of architecture: Architecture) throws(ZooError) -> Int {
        if let size = KerasNames.of(architecture.name)?.dialect.preprocessing?.resize { return size.height }
        return try architecture.graph(ArchitectureOptions()).input.height
    }

    /// A network of its own.
    private func planOwn(
        _ network: KerasNetwork, _ weights: KerasWeightSources, _ nearMiss: String?, _ sizeNote: String?,
        _ package: KerasPackageNames?
    ) throws(ZooError) -> ConversionPlan {
        if let architecture {
            throw ZooError(
                .mismatch, "the file's model_config describes another network than the one asked for",
                expected: architecture.name, found: nearMiss.map { "like \($0)" } ?? "a network of its own",
                remedy: "Leave --architecture out.")
        }
        guard !options.isHeadless else {
            throw ZooError(
                .unsupported, "--headless needs a network with a known classifier",
                found: nearMiss.map { "a network like \($0)" } ?? "a network of its own",
                remedy: "Make a model without its last layers in Keras.")
        }
        var origin = ConversionPlan.Origin()
        if let nearMiss { origin.evidence.append("the network is like \(nearMiss)") }
        var assumptions = network.assumptions + (sizeNote.map { [$0] } ?? []) + (package?.assumptions ?? [])
        if let package { origin.evidence.append("the layers' names are those of \(package.package)") }
        if KerasPackageNames.takesPixels(network) {
            origin.preprocessing = Preprocessing(
                channels: .rgb, resize: Extent(network.graph.input.height), scale: 1, isAssumed: true)
            assumptions.append(
                "pictures go in as they are, 0…255, as the package image-classifiers gives them (choose with --mean "
                    + "and --std)")
        }
        return ConversionPlan(
            checkpoint: checkpoint, architecture: .custom(of: network), framework: .keras,
            dialect: package?.dialect ?? "Keras, layer by layer from model_config", graph: network.graph,
            sources: weights.sources, assumptions: assumptions,
            outputActivation: network.outputActivation,
            dataFormat: network.order == .channelsFirst ? KerasExport.channelsFirst : nil,
            setAside: weights.setAside, origin: origin)
    }

    // MARK: Evidence

    /// Whether the network's layers with weights have keras.applications' names; its head may have one of its own.
    private func hasNames(_ names: KerasNames, _ known: KnownNetwork) -> Bool {
        for (own, path) in known.paths {
            guard path != known.graph.head, let name = names.dialect.pair(node: path)?.source else {
                continue
            }
            // In a model in a model, names of both are joined.
            guard own == name || own.hasSuffix(".\(name)") else { return false }
        }
        return true
    }

    private func evidence(
        _ known: KnownNetwork, _ network: KerasNetwork, isNamed: Bool, _ package: KerasPackageNames?
    ) -> [String] {
        var result = [
            package.map { "the layers' names are those of \($0.package)'s \(known.architecture.name)" }
                ?? "model_config describes \(known.architecture.name), layer by layer"
                + (isNamed ? ", under keras.applications' names" : "")
        ]
        if !known.front.isEmpty {
            result.append(
                "the network begins with layers that scale pixels: \(known.front.joined(separator: ", "))")
        }
        result += known.differences.map { "model_config says so: \($0)" }
        if known.isWhole {
            result.append("its classifier has \(known.graph.classCount ?? 0) classes")
        } else if options.isHeadless {
            result.append("the network ends with its features, as was asked for")
        } else {
            let own = known.graph.nodes.filter { node in
                known.paths[node.path] == node.path && !known.front.contains(node.path)
            }
            let tail = own.suffix(4).map(\.path).joined(separator: ", ")
            result.append(
                own.isEmpty
                    ? "its classifier isn't there: the network ends with \(known.graph.output)"
                    : "behind its body stand layers of the file's own: \(tail)")
        }
        return result
    }
}
