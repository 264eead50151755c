public import ZooCheckpoints
public import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// A training run at the end of an epoch: all that going on from there needs. On disk it is a native model file
/// with the optimizer's tensors (`optimizer/<path>/<slot>`) and the run's counters beside it, so that every
/// command that takes a model takes it too.
public struct RunCheckpoint: Sendable {
    /// The network with its numbers at that time.
    public let model: Model
    /// How the run was set up.
    public let configuration: TrainingConfiguration
    /// Epochs that are complete.
    public let epoch: Int
    /// Optimizer steps taken.
    public let step: Int
    /// What the optimizer keeps per parameter, by slot name, in canonical layout.
    public let optimizerState: [ParameterPath: [String: Tensor]]
    /// The resolved execution plan; going on under another one would change the bits.
    public let plan: JSONValue
    /// Bytes of the run's log when the checkpoint was written.
    public let logByteCount: Int

    private static let metadataKey = "menagerie-run"
    private static let schema = "menagerie/run-checkpoint/1"

    /// Puts a checkpoint together.
    public init(
        model: Model, configuration: TrainingConfiguration, epoch: Int, step: Int,
        optimizerState: [ParameterPath: [String: Tensor]], plan: JSONValue, logByteCount: Int
    ) {
        self.model = model
        self.configuration = configuration
        self.epoch = epoch
        self.step = step
        self.optimizerState = optimizerState
        self.plan = plan
        self.logByteCount = logByteCount
    }

    /// Writes the checkpoint; the name only ever shows a whole file.
    public func write(to path: String) throws(ZooError) {
        var tensors: [NamedTensor] = []
        for parameter in model.parameters.paths {
            for (slot, tensor) in (optimizerState[parameter] ?? [:]).sorted(by: { $0.key < $1.key }) {
                tensors.append(NamedTensor("optimizer/\(parameter)/\(slot)", tensor))
            }
        }
        let document: JSONValue = [
            "schema": .string(Self.schema), "configuration": configuration.json, "epoch": .integer(epoch),
            "step": .integer(step), "plan": plan, "log_bytes": .integer(logByteCount),
        ]
        try ModelFile.write(
            model, extraTensors: tensors, extraMetadata: [Self.metadataKey: document.text()], to: path)
    }

    /// How the run was set up that a file is the checkpoint of; `nil` for any other file.
    public static func configuration(of checkpoint: Checkpoint) throws(ZooError) -> TrainingConfiguration? {
        guard let text = checkpoint.extras["__metadata__"]?[metadataKey]?.stringValue else { return nil }
        do throws(ZooError) {
            return try TrainingConfiguration(json: JSONParser.parse(text)["configuration"] ?? .null)
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    /// Reads a checkpoint back.
    /// - Throws: ``ZooError`` when the file is a plain model, damaged, or of another version.
    public init(_ checkpoint: Checkpoint) throws(ZooError) {
        do throws(ZooError) {
            guard let text = checkpoint.extras["__metadata__"]?[Self.metadataKey]?.stringValue else {
                throw ZooError(
                    .unknownFormat, "this is not a run's checkpoint",
                    remedy: "Resume from a run folder's last.zoo.safetensors.")
            }
            let document = try JSONParser.parse(text)
            guard document["schema"]?.stringValue == Self.schema, let epoch = document["epoch"]?.intValue,
                let step = document["step"]?.intValue, let logByteCount = document["log_bytes"]?.intValue,
                let configuration = document["configuration"], epoch >= 0, step >= 0, logByteCount >= 0
            else { throw ZooError(.corrupt, "the run's record in the checkpoint is incomplete") }
            let model = try ModelFile.read(checkpoint)
            var state: [ParameterPath: [String: Tensor]] = [:]
            for path in model.parameters.paths {
                let prefix = "optimizer/\(path)/"
                for entry in checkpoint.tensors where entry.name.hasPrefix(prefix) {
                    let isCount = entry.name == prefix + "step"
                    guard entry.elementType == .f32,
                        isCount ? entry.shape.rank == 0 : entry.shape == model.parameters[path]?.shape
                    else {
                        throw ZooError(
                            .mismatch, "an optimizer's tensor has another shape than its parameter",
                            tensor: entry.name)
                    }
                    state[path, default: [:]][String(entry.name.dropFirst(prefix.count))] = try entry.load()
                }
            }
            self.init(
                model: model, configuration: try TrainingConfiguration(json: configuration), epoch: epoch,
                step: step, optimizerState: state, plan: document["plan"] ?? .null, logByteCount: logByteCount
            )
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }
}
