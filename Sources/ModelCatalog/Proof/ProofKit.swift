import ZooCompute
import ZooContainers
public import ZooConversion
public import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// A folder with which anybody can check that a model computes what its framework computes: an input, what comes out
/// of the network and of some layers, a report, and a program for the framework that compares.
public struct ProofKit: Sendable {
    /// Whose results ours are held against.
    public enum Framework: String, Sendable, Hashable {
        /// `check.py` for PyTorch.
        case pytorch
        /// `check.py` for Keras.
        case keras
    }

    /// The schema of the report.
    public static let schema = "menagerie/proof/1"
    /// Most layers whose results are kept.
    public static let mostLayers = 8

    /// The model.
    public let model: Model
    /// The framework's file: the model's source, or what was made of the model.
    public let source: String
    /// The framework.
    public let framework: Framework
    /// What each parameter is called in the file.
    public let keys: [ParameterPath: String]
    /// Whether a Keras file holds weights without the description of their network.
    public let isWeightsOnly: Bool
    /// The report of the conversion, when the file was the model's source.
    public let report: ConversionReport?

    /// A kit about a file.
    public init(
        model: Model, source: String, framework: Framework, keys: [ParameterPath: String],
        isWeightsOnly: Bool = false, report: ConversionReport? = nil
    ) {
        self.model = model
        self.source = source
        self.framework = framework
        self.keys = keys
        self.isWeightsOnly = isWeightsOnly
        self.report = report
    }

    /// Refuses a folder in which something is already.
    public static func check(folder path: String) throws(ZooError) { _ = try UnfinishedFolder(path: path) }

    /// Computes and writes the kit: input.npy, logits.npy, activations.npz, report.json and check.py.
    /// - Parameter seed: of the numbers that go in, from the normal distribution.
    /// - Returns: the files, and the layers whose results are kept.
    /// - Throws: ``ZooError`` when something is in the folder, when the network has layers that aren't computed, or
    ///   when a file can't be written.
    public func write(to path: String, seed: UInt64 = 0) throws(ZooError) -> (
        files: [String], layers: [String]
    ) {
        let folder = try UnfinishedFolder(path: path)
        let digest: String
        do throws(ZooError) {
            digest = try SHA256Digest.hexadecimal(of: ByteSource(path: source))
        } catch {
            throw error.adding(file: source, remedy: "A proof is about one file.")
        }
        let layers = keptLayers
        let input = try self.input(seed: seed)
        let result = try forward(input, keeping: Set(layers.map(\.path)))
        var arrays: [(name: String, tensor: Tensor)] = []
        for node in layers where result.activations[node.path] != nil {
            arrays.append((name(of: node), result.activations[node.path] ?? result.output))
        }
        let files = try [
            folder.file("input.npy"), folder.file("logits.npy"), folder.file("activations.npz"),
            folder.file("report.json"), folder.file("check.py"),
        ]
        try NPYFile.write(input, into: files[0])
        try NPYFile.write(result.output, into: files[1])
        try NPZFile.write(arrays, into: files[2])
        try files[3].write(
            json(layers, input: input.shape, seed: seed, digest: digest).text(pretty: true) + "\n")
        try files[4].write(ProofScript.text(framework: framework, graph: model.graph))
        try folder.commit()
        return (
            ["input.npy", "logits.npy", "activations.npz", "report.json", "check.py"].map(folder.path),
            arrays.map(\.name)
        )
    }

    /// Layers with a weight, evenly from the first to the last but the network's own result.
    private var keptLayers: [Node] {
        let graph = model.graph
        let weighted = graph.nodes.filter { node in
            // timm's normalisations are one module with the function behind them.
            if framework == .pytorch, case .batchNormalization = node.layer { return false }
            return node.path != graph.output && node.parameters.contains { $0.path.role == .weight }
                && (framework == .keras || module(of: node) != nil)
        }
        guard weighted.count > ProofKit.mostLayers else { return weighted }
        return (0..<ProofKit.mostLayers).map {
            weighted[$0 * (weighted.count - 1) / (ProofKit.mostLayers - 1)]
        }
    }

    /// The name of a layer's module in PyTorch: its weight's key without the role.
    private func module(of node: Node) -> String? {
        let key = keys[ParameterPath(node.path, .weight)] ?? ""
        return key.hasSuffix(".weight") ? String(key.dropLast(".weight".count)) : nil
    }

    private func name(of node: Node) -> String {
        framework == .pytorch ? module(of: node) ?? node.path : node.path
    }

    private func input(seed: UInt64) throws(ZooError) -> Tensor {
        let size = model.graph.input
        let shape = size.shape(batch: size.shape(batch: 1).elementCount <= 4_096 ? 16 : 4)
        let stream = RandomStream(seed: seed, name: "proof/input")
        return try Tensor((0..<shape.elementCount).map { Float(stream.normal(at: UInt64($0))) }, shape: shape)
    }

    private func forward(_ input: Tensor, keeping paths: Set<String>) throws(ZooError) -> ForwardResult {
        do throws(ZooError) {
            let executor = try NativeExecutor(
                graph: model.graph, parameters: model.parameters, engine: Engine())
            return try executor.forward(input, keeping: paths)
        } catch {
            // What only the reference executor computes can be proven, too.
            guard error.code == .unsupported,
                let executor = try? ReferenceExecutor(
                    graph: model.graph, parameters: model.parameters, precision: .f32),
                let result = try? executor.forward(input, keeping: paths)
            else { throw error }
            return result
        }
    }

    // MARK: Report

    private func json(
        _ layers: [Node], input: TensorShape, seed: UInt64, digest: String
    ) throws(ZooError) -> JSONValue {
        var kept: [JSONValue] = []
        for node in layers {
            guard let weight = model.parameters[ParameterPath(node.path, .weight)] else { continue }
            kept.append([
                "name": .string(name(of: node)), "node": .string(node.path),
                "module": module(of: node).map { .string($0) } ?? .null,
                "weights": .string(try ProofKit.fingerprint(of: weight)),
            ])
        }
        let hasStatistics = model.graph.nodes.contains {
            !$0.layer.parameterShapes.allSatisfy { $0.role.isLearned }
        }
        return [
            "schema": .string(ProofKit.schema), "source": .string(source), "source_sha256": .string(digest),
            "framework": .string(framework.rawValue), "architecture": .string(model.graph.architecture),
            "seed": .string("\(seed)"), "input": .array(input.dimensions.map { .integer($0) }),
            // The house's rule: networks that normalise amplify rounding.
            "tolerance": .number(hasStatistics ? 1e-4 : 1e-5),
            "output_activation": model.provenance.outputActivation.map { .string($0) } ?? .null,
            "data_format": model.provenance.dataFormat.map { .string($0) } ?? .null,
            "weights_only": .bool(isWeightsOnly),
            "parameters": .array(
                model.parameters.paths.map {
                    ["parameter": .string($0.description), "key": .string(keys[$0] ?? $0.description)]
                }),
            "layers": .array(kept), "candidates": .array(candidates), "report": report?.json ?? .null,
        ]
    }

    /// The same for the same numbers, whatever their order, and so whatever their layout: SHA-256 of the sorted numbers,
    /// little-endian `f32`.
    static func fingerprint(of weight: Tensor) throws(ZooError) -> String {
        let numbers = try weight.converted(to: .f32).scalars(Float.self).sorted { left, right in
            left < right || (!left.isNaN && right.isNaN)
        }
        let sorted = try Tensor(numbers.map { $0 == 0 ? 0 : $0 }, shape: [numbers.count])
        return try SHA256Digest.hexadecimal(of: ByteSource(bytes: sorted.bytes(), path: nil))
    }

    /// Where the framework's libraries may have the network, most likely first; `check.py` takes the first whose
    /// names are the file's.
    private var candidates: [JSONValue] {
        let name = model.graph.architecture
        let underscored = name.replacing("-", with: "_")
        let classes = model.graph.classCount
        func candidate(_ function: String, _ arguments: [String], _ options: [(String, Int?)]) -> JSONValue {
            var named = JSONObject()
            for (option, value) in options { named[option] = value.map { .integer($0) } }
            return [
                "function": .string(function), "arguments": .array(arguments.map { .string($0) }),
                "options": .object(named),
            ]
        }
        switch framework {
        case .pytorch:
            let channels = model.graph.input.channels
            // The dialect decides between networks that share all names, but not their numbers.
            let isTensorFlows = report?.plan.origin.dialect?.conventions?.padding == .same
            let timm = candidate(
                "timm:create_model", [isTensorFlows ? "tf_\(underscored)" : underscored],
                [("num_classes", classes), ("in_chans", channels)])
            let dashed = name.replacing("_", with: "-")
            guard isTensorFlows else {
                let torchvision = candidate(
                    "torchvision.models:\(underscored)", [], [("num_classes", classes)])
                let isTimms = report?.plan.origin.dialect?.name == "timm"
                return isTimms ? [timm, torchvision] : [torchvision, timm]
            }
            return [
                timm,
                candidate(
                    "efficientnet_pytorch:EfficientNet.from_name", [dashed],
                    [("num_classes", classes), ("in_channels", channels)]),
                candidate(
                    "efficientnet_lite_pytorch:EfficientNet.from_name", [dashed], [("num_classes", classes)]),
            ]
        case .keras:
            let known =
                [
                    "VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152", "MobileNet", "MobileNetV2",
                    "DenseNet121", "InceptionV3", "Xception",
                ]
                + (0...7).map { "EfficientNetB\($0)" }
            let plain = name.lowercased().filter { $0.isLetter || $0.isNumber }
            guard isWeightsOnly, let found = known.first(where: { $0.lowercased() == plain }) else {
                return []
            }
            return [
                [
                    "function": .string("keras.applications:\(found)"), "arguments": [],
                    "options": classes.map {
                        // Weights alone give logits here; Keras would apply softmax to them.
                        ["weights": .null, "classes": .integer($0), "classifier_activation": .null]
                    } ?? ["weights": .null, "include_top": false],
                ]
            ]
        }
    }
}
