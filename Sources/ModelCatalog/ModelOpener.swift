public import ZooCheckpoints
public import ZooConversion
public import ZooHDF5Checkpoints
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// Opens any file that holds a model: the native file as it is, a checkpoint of another framework by converting
/// it on the way.
public struct ModelOpener: Sendable {
    /// How a checkpoint is converted.
    public var conversion: Converter.Options
    /// Which of several state dicts in a PyTorch file is meant (`model_ema`); `nil` when there is only one.
    public var stateDict: String?
    /// Whether quantized tensors are read as the real numbers that they stand for.
    public var dequantizes = false
    /// Where the HDF5 library runs.
    public var isolation: HDF5Isolation
    /// How much a file may ask for.
    public var limits: ReadLimits

    /// An opener with strict defaults.
    public init(
        conversion: Converter.Options = Converter.Options(), stateDict: String? = nil,
        isolation: HDF5Isolation,
        limits: ReadLimits = ReadLimits()
    ) {
        self.conversion = conversion
        self.stateDict = stateDict
        self.isolation = isolation
        self.limits = limits
    }

    /// Reads the table of a file's tensors, whatever its format; tensors load on demand. A folder or an index of
    /// several files is read as one; a model that ships inside the binary can be named instead of a file.
    /// - Throws: ``ZooError`` when the file is missing, damaged, or of no known format.
    public func checkpoint(_ path: String) throws(ZooError) -> Checkpoint { try locate(path).checkpoint }

    /// Reads the table exactly as the file has it: no prefix is stripped, and the names of tensors in nested dictionaries
    /// are joined with dots.
    /// - Throws: ``ZooError`` as ``checkpoint(_:)`` does.
    public func tensorTable(_ path: String) throws(ZooError) -> Checkpoint {
        let options = CheckpointReadOptions(
            key: stateDict, keepPrefixes: true, joinsNestedNames: true, limits: limits)
        do throws(ZooError) {
            if let preset = try KerasHubPreset(path) {
                return try preset.checkpoint(isolation: isolation, limits: limits)
            }
            if CheckpointFolder.isFolder(path) { return try CheckpointFolder.read(path, options: options) }
            do throws(ZooError) {
                return try read(try ByteSource(path: path), options: options)
            } catch {
                guard error.code == .fileNotFound, error.file == path,
                    let shipped = try Catalog.embedded().model(named: path)
                else { throw error }
                return try read(shipped.weights, options: options)
            }
        } catch {
            throw error.adding(file: path)
        }
    }

    /// Opens a model.
    /// - Returns: the model, and the report of its conversion unless the file was native.
    public func open(_ path: String) throws(ZooError) -> (model: Model, report: ConversionReport?) {
        let (checkpoint, manifest) = try locate(path)
        if ModelFile.isNative(checkpoint) { return (try native(checkpoint, path: path), nil) }
        var options = conversion
        if let manifest {
            options.architecture = options.architecture ?? manifest.architecture
            // What the file says itself needs no help, and can't be contradicted.
            if checkpoint.extras["model_config"] == nil {
                options.inputSize = options.inputSize ?? manifest.inputSize
            }
            options.labels = options.labels ?? manifest.labels
            options.preprocessing = manifest.preprocessing
        }
        do throws(ZooError) {
            let (model, report) = try Converter(options: options).convert(checkpoint)
            return (model, report)
        } catch {
            throw error.adding(warning: checkpoint.warnings.first)
        }
    }

    /// A native file says itself what it is; only names of classes can be added.
    private func native(_ checkpoint: Checkpoint, path: String) throws(ZooError) -> Model {
        let model = try ModelFile.read(checkpoint)
        guard let labels = conversion.labels else { return model }
        do throws(ZooError) {
            return try model.with(labels: labels)
        } catch {
            throw error.adding(file: path)
        }
    }

    /// Refuses choices that a native file has made already.
    private func refuseChoices() throws(ZooError) {
        guard conversion.architecture == nil, conversion.dialect == nil, !conversion.isHeadless,
            conversion.head == nil, conversion.inputSize == nil, conversion.imageNetRescaling == nil,
            stateDict == nil
        else {
            throw ZooError(
                .invalidArgument, "a native model says itself which network it is",
                remedy:
                    "Leave --architecture, --dialect, --headless, --head, --input-size, --imagenet-rescaling and --key out."
            )
        }
    }

    private func locate(_ path: String) throws(ZooError) -> (checkpoint: Checkpoint, manifest: Manifest?) {
        do throws(ZooError) {
            let catalog = try Catalog.embedded()
            if let preset = try KerasHubPreset(path) {
                return (try preset.checkpoint(isolation: isolation, limits: limits), nil)
            }
            if CheckpointFolder.isFolder(path) { return (try read(folder: path), nil) }
            let source: ByteSource
            do throws(ZooError) {
                source = try ByteSource(path: path)
            } catch {
                guard error.code == .fileNotFound, let shipped = catalog.model(named: path) else {
                    throw error.adding(remedy: suggestion(for: path, in: catalog))
                }
                return (try read(shipped.weights), shipped.manifest)
            }
            let checkpoint = try read(source)
            if ModelFile.isNative(checkpoint) { try refuseChoices() }
            guard let manifest = try catalog.manifest(of: source) else { return (checkpoint, nil) }
            let note = "recognised by its hash: \(manifest.name), \(manifest.title)"
            return (try checkpoint.adding(note: note), manifest)
        } catch {
            throw error.adding(file: path)
        }
    }

    private func read(
        _ source: ByteSource, options: CheckpointReadOptions? = nil
    ) throws(ZooError) -> Checkpoint {
        let options =
            options ?? CheckpointReadOptions(key: stateDict, dequantizes: dequantizes, limits: limits)
        switch try FileKind.detect(source) {
        case .hdf5, .kerasArchive, .kerasShards:
            guard let path = source.path else { break }
            try CheckpointReadOptions(key: stateDict).refuseKey(path: path)
            return try KerasHDF5Reader.read(path: path, isolation: isolation, limits: limits)
        case .safetensors:
            // A native file's names are its own; nothing may be stripped from them.
            let whole = try SafetensorsReader.read(
                source, options: CheckpointReadOptions(keepPrefixes: true, limits: limits))
            if ModelFile.isNative(whole) { return whole }
            try options.refuseKey(path: source.path)
            return options.keepPrefixes ? whole : try whole.strippingPrefixes()
        default: break
        }
        return try CheckpointReader.read(source, options: options)
    }

    /// A folder with weights, whole or in parts, and perhaps a configuration.
    private func read(folder path: String) throws(ZooError) -> Checkpoint {
        let whole = try CheckpointFolder.read(
            path, options: CheckpointReadOptions(key: stateDict, keepPrefixes: true, limits: limits))
        guard !ModelFile.isNative(whole) else {
            try refuseChoices()
            return whole
        }
        return try CheckpointFolder.read(path, options: CheckpointReadOptions(key: stateDict, limits: limits))
    }

    private func suggestion(for path: String, in catalog: Catalog) -> String? {
        let near = nearest(to: path, among: catalog.builtIn.map(\.name))
        return near.isEmpty ? nil : "Did you mean \(near.joined(separator: " or "))?"
    }
}

extension Checkpoint {
    /// The same checkpoint with one more thing to tell.
    func adding(note: String) throws(ZooError) -> Checkpoint {
        try with(notes: notes + [note])
    }
}
