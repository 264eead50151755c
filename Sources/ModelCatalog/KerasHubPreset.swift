import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors

/// A folder as KerasHub's `save_to_preset` lays it out: `config.json` and `model.weights.h5` of a backbone, and of a
/// whole classifier `task.json` and, for what stands behind the backbone, `task.weights.h5`; `image_converter.json` says
/// what is done to pictures.
struct KerasHubPreset {
    private static let weights = "model.weights.h5"
    private static let backbone = "config.json"
    private static let task = "task.json"
    private static let taskWeights = "task.weights.h5"
    private static let converter = "image_converter.json"
    private static let metadata = "metadata.json"

    private let folder: String
    private let config: JSONValue

    /// - Returns: `nil` for what isn't such a folder.
    /// - Throws: ``ZooError`` when its `config.json` can't be read.
    init?(_ path: String) throws(ZooError) {
        guard CheckpointFolder.isFolder(path) else { return nil }
        folder = path.hasSuffix("/") ? path : path + "/"
        guard KerasHubPreset.exists(folder + KerasHubPreset.weights),
            let config = try KerasHubPreset.document(folder + KerasHubPreset.backbone),
            config["registered_name"]?.stringValue?.hasPrefix("keras_hub>") == true
        else { return nil }
        self.config = config
    }

    private static func exists(_ path: String) -> Bool { (try? ByteSource(path: path)) != nil }

    private static func document(_ path: String) throws(ZooError) -> JSONValue? {
        guard exists(path) else { return nil }
        do throws(ZooError) {
            let source = try ByteSource(path: path)
            guard source.count <= 4 << 20 else {
                throw ZooError(
                    .limitExceeded, "the description is too long", expected: "at most 4 MiB",
                    found: "\(source.count) bytes")
            }
            return try JSONParser.parse(source.bytes(at: 0, count: source.count))
        } catch {
            throw error.adding(file: path)
        }
    }

    /// The tensors of both files under the names that one file of the whole would have.
    func checkpoint(isolation: HDF5Isolation, limits: ReadLimits) throws(ZooError) -> Checkpoint {
        var files = [folder + KerasHubPreset.backbone, folder + KerasHubPreset.weights]
        let body = try KerasHDF5Reader.read(path: files[1], isolation: isolation, limits: limits)
        let converter = try KerasHubPreset.document(folder + KerasHubPreset.converter)
        let version = try KerasHubPreset.document(folder + KerasHubPreset.metadata)?["keras_version"]
        var extras: JSONObject = ["model_config": config]
        extras["keras_version"] = version
        extras[KerasHubPreset.converter] = converter
        var (tensors, layers, notes) = (body.tensors, body.layers, body.notes)
        var names = body.extras["layer_names"]?.objectValue ?? [:]
        let headPath = folder + KerasHubPreset.taskWeights
        if let task = try KerasHubPreset.document(folder + KerasHubPreset.task),
            KerasHubPreset.exists(headPath)
        {
            let head = try KerasHDF5Reader.read(path: headPath, isolation: isolation, limits: limits)
            extras["model_config"] = task
            files += [folder + KerasHubPreset.task, headPath]
            // In the classifier, the backbone is a model among the layers.
            let place = "layers/\(KerasHubPreset.store(of: config))/"
            tensors = tensors.map { $0.renamed(place + $0.name) } + head.tensors
            layers =
                layers.map {
                    CheckpointLayer(name: place + $0.name, tensorNames: $0.tensorNames.map { place + $0 })
                } + head.layers
            notes += head.notes.filter { !notes.contains($0) }
            let inner = names
            names = head.extras["layer_names"]?.objectValue ?? [:]
            for (layer, name) in inner.members { names[place + layer] = name }
        }
        if names.count > 0 { extras["layer_names"] = .object(names) }
        return try Checkpoint(
            format: .kerasArchive, path: String(folder.dropLast()), tensors: tensors, layers: layers,
            extras: extras, notes: notes, files: files)
    }

    /// Keras' name for the class of a model among layers: `res_net_backbone`.
    private static func store(of config: JSONValue) -> String {
        KerasSnakeCase.name(config["class_name"]?.stringValue ?? "")
    }
}
