public import ZooCheckpoints
public import ZooConversion
import ZooHDF5Checkpoints
public import ZooModels
public import ZooTensors

/// How a model is written.
public struct ExportOptions: Sendable {
    /// Another type for the numbers than `f32`.
    public var typeChange: ElementTypeChange?
    /// How many bytes of tensors one safetensors file may hold; `nil` for one file.
    public var maximumShardByteCount: Int?
    /// Whose names tensors get in a state dict.
    public var names = Export.Names.source
    /// Whether a library's names are given although its network computes other numbers with the tensors.
    public var allowsInexact = false

    /// One file, `f32`, and the names of the PyTorch file that the model came from.
    public init() {}
}

/// What was written.
public struct ExportOutcome: Sendable {
    /// The files, in the order in which they were finished.
    public let paths: [String]
    /// What the format has no word for, one sentence each.
    public let notes: [String]
    /// In what the network whose names were given computes other numbers; empty unless that was allowed.
    public var inexact: [String] = []
}

/// Writes models for other frameworks, and natively.
public enum ModelExporter {
    /// Writes a model; the name only ever shows a whole file.
    /// - Throws: ``ZooError`` when an option doesn't go with the format, or the files can't be written.
    @discardableResult
    public static func write(
        _ model: Model, to path: String, format: ExportFormat, options: ExportOptions = ExportOptions()
    ) throws(ZooError) -> ExportOutcome {
        do throws(ZooError) {
            try options.check(format)
            switch format {
            case .native: try ModelFile.write(model, to: path, typeChange: options.typeChange)
            case .pytorch, .npz:
                let state = try options.state(model)
                let tensors = try state.tensors.changed(options.typeChange)
                if format == .npz {
                    try NPZWriter.write(tensors, to: path)
                } else {
                    try PyTorchWriter.write(tensors, to: path)
                }
                return ExportOutcome(paths: [path], notes: state.notes, inexact: state.inexact)
            case .safetensors:
                return try writeSafetensors(options.state(model), to: path, options)
            case .timm:
                return try writeFolder(
                    model, options.state(model, names: options.timmNames(model)), to: path, options)
            case .keras, .kerasArchive, .kerasWeights:
                return try writeKeras(options.keras(model, format), to: path, format)
            }
            return ExportOutcome(paths: [path], notes: [])
        } catch {
            throw error.adding(file: path)
        }
    }

    /// Refuses what ``write(_:to:format:options:)`` would refuse before it writes anything.
    /// - Throws: ``ZooError`` naming the layer that the format can't express, or the option that doesn't go with it.
    public static func check(
        _ model: Model, to path: String, format: ExportFormat, options: ExportOptions = ExportOptions()
    ) throws(ZooError) {
        do throws(ZooError) {
            try options.check(format)
            switch format {
            case .native: break
            case .pytorch, .safetensors, .npz: _ = try options.state(model)
            case .timm: _ = try options.state(model, names: options.timmNames(model))
            case .keras, .kerasArchive, .kerasWeights: _ = try options.keras(model, format)
            }
        } catch {
            throw error.adding(file: path)
        }
    }

    /// All files that writing would make or replace.
    public static func paths(
        of model: Model, to path: String, format: ExportFormat, options: ExportOptions = ExportOptions()
    ) throws(ZooError) -> [String] {
        switch format {
        case .timm: return ["\(path)/model.safetensors", "\(path)/config.json"]
        case .safetensors:
            guard let most = options.maximumShardByteCount else { return [path] }
            let state = try options.state(model).tensors.changed(options.typeChange)
            return try SafetensorsShards(state, path: path, maximumByteCount: most).paths
        default: return [path]
        }
    }

    private static func writeSafetensors(
        _ state: Export.StateDict, to path: String, _ options: ExportOptions
    ) throws(ZooError) -> ExportOutcome {
        let shards = try SafetensorsShards(
            state.tensors.changed(options.typeChange), path: path,
            maximumByteCount: options.maximumShardByteCount ?? .max)
        try shards.write(metadata: state.metadata)
        return ExportOutcome(paths: shards.paths, notes: state.notes, inexact: state.inexact)
    }

    private static func writeFolder(
        _ model: Model, _ state: Export.StateDict, to path: String, _ options: ExportOptions
    ) throws(ZooError) -> ExportOutcome {
        let configuration = TimmConfiguration(model)
        let folder = try UnfinishedFolder(path: path)
        let weights = try folder.file("model.safetensors")
        try SafetensorsWriter.write(
            state.tensors.changed(options.typeChange), metadata: state.metadata, into: weights)
        let document = try folder.file("config.json")
        try document.write(PythonJSON.text(configuration.json))
        try folder.commit()
        return ExportOutcome(
            paths: [weights.path, document.path], notes: state.notes + configuration.notes,
            inexact: state.inexact)
    }

    private static func writeKeras(
        _ model: KerasModel, to path: String, _ format: ExportFormat
    ) throws(ZooError) -> ExportOutcome {
        let layers = model.layers.map { layer in
            KerasLayerWeights(name: layer.name, className: layer.className, weights: layer.weights)
        }
        switch format {
        case .keras:
            try KerasHDF5Writer.write(layers: layers, modelConfig: model.legacyConfig, to: path)
        case .kerasArchive:
            try KerasArchiveWriter.write(layers: layers, config: model.archiveConfig, to: path)
        default: try KerasWeightsWriter.write(layers: layers, to: path)
        }
        return ExportOutcome(paths: [path], notes: model.notes)
    }
}

extension Export.StateDict {
    /// What a safetensors file says of itself.
    fileprivate var metadata: [String: String] {
        inexact.isEmpty
            ? ["format": "pt"] : ["format": "pt", "menagerie.inexact": inexact.joined(separator: "; ")]
    }
}

extension ExportOptions {
    /// The model's tensors under the names that were asked for.
    fileprivate func state(
        _ model: Model, names: Export.Names? = nil
    ) throws(ZooError) -> Export.StateDict {
        try Export.pytorch(model, names: names ?? self.names, allowsInexact: allowsInexact)
    }

    /// timm's names, where timm has the network.
    fileprivate func timmNames(_ model: Model) -> Export.Names {
        Dialect.of(model.graph.architecture).contains { $0.name == "timm" } ? .dialect("timm") : .canonical
    }

    /// The model in Keras' terms.
    fileprivate func keras(_ model: Model, _ format: ExportFormat) throws(ZooError) -> KerasModel {
        try Export.keras(model, names: names, isWeightsOnly: format == .kerasWeights)
    }

    /// Refuses what the format has no place for.
    fileprivate func check(_ format: ExportFormat) throws(ZooError) {
        if typeChange != nil, format.isKeras {
            throw ZooError(
                .invalidArgument, "Keras files are written as f32", found: typeChange?.target.rawValue,
                remedy: "Leave --dtype out; Keras converts numbers when it loads them.")
        }
        if maximumShardByteCount != nil, format != .safetensors {
            throw ZooError(
                .invalidArgument, "only safetensors are written in parts", found: format.rawValue,
                remedy: "Leave --max-shard-size out, or write a .safetensors file.")
        }
        let isNamed = [.pytorch, .safetensors, .npz, .timm].contains(format)
        if names != .source, !isNamed, names != Export.kerasNames || !format.isKeras {
            throw ZooError(
                .invalidArgument, "only state dicts have PyTorch's names", found: format.rawValue,
                remedy: "Write a .pth or .safetensors file.")
        }
    }
}
