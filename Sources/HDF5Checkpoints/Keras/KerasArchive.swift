internal import ZooCheckpoints
internal import ZooContainers
internal import ZooTensors

/// Keras 3's `.keras` (`keras.src.saving.saving_lib`): a zip with the configuration in `config.json`, the variables
/// in `model.weights.h5`, and `metadata.json`, which may be missing.
///
/// The weights aren't copied when the zip holds them as they are, which is how Keras writes them; compressed ones are
/// unpacked into a file without a name.
enum KerasArchive {
    private static let weights = "model.weights.h5"

    static func read(
        _ source: ByteSource, path: String, isolation: HDF5Isolation, limits: ReadLimits
    ) throws(ZooError) -> Checkpoint {
        let archive = try ZipArchive(source, limits: limits)
        guard let configuration = archive["config.json"] else {
            throw ZooError(.unknownFormat, "this zip is no Keras model", expected: "config.json in it")
        }
        guard let member = archive[weights] else {
            throw ZooError(
                .unsupported, "the Keras archive doesn't keep its weights as HDF5", expected: weights,
                found: archive.members.prefix(6).map { quoted($0.name) }.joined(separator: ", "),
                remedy: "Open it in Keras and save it again.")
        }
        let index = try HDF5Index.read(part: member.source(), isolation: isolation, limits: limits)
        guard let file = KerasWeightsFile(index, path: path) else {
            throw ZooError(.missingTensor, "the Keras archive's \(weights) holds no variables")
        }
        let checkpoint = try file.checkpoint(format: .kerasArchive)
        var extras = checkpoint.extras
        extras["model_config"] = try json(configuration, limits: limits)
        if let metadata = archive["metadata.json"] {
            extras["keras_version"] = try json(metadata, limits: limits)["keras_version"]
        }
        return try Checkpoint(
            format: .kerasArchive, path: path, tensors: checkpoint.tensors, layers: checkpoint.layers,
            extras: extras, notes: checkpoint.notes)
    }

    private static func json(_ member: ZipMember, limits: ReadLimits) throws(ZooError) -> JSONValue {
        guard member.byteCount <= limits.headerBytes else {
            throw ZooError(
                .limitExceeded, "the zip member \(quoted(member.name)) is larger than allowed",
                expected: "at most \(limits.headerBytes) bytes", found: "\(member.byteCount)")
        }
        let bytes = try member.bytes()
        do throws(ZooError) {
            return try JSONParser.parse(bytes, options: JSONParser.Options(keras: limits))
        } catch {
            throw ZooError(.corrupt, "the zip member \(quoted(member.name)) is damaged: \(error.problem)")
        }
    }
}

extension JSONParser.Options {
    /// For what Python wrote: it knows NaN and Infinity, which JSON doesn't.
    init(keras limits: ReadLimits) {
        self.init()
        acceptsNonFiniteNumbers = true
        maximumDepth = min(maximumDepth, max(limits.nestingDepth, 1))
    }
}
