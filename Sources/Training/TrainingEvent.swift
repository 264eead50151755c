public import ZooTensors

/// What happens during a training run, in order. The set is closed: a sink that switches over it knows them all.
public enum TrainingEvent: Sendable {
    /// The run begins, or goes on after an interruption.
    case started(
        configuration: TrainingConfiguration, steps: Int, firstEpoch: Int, parameters: Int, trainable: Int)
    /// One optimizer step was taken.
    case step(epoch: Int, step: Int, loss: Double, learningRate: Double)
    /// All batches of an epoch were seen.
    case epoch(EpochResult)
    /// A checkpoint was written.
    case checkpoint(epoch: Int, path: String)
    /// The run is over.
    case finished(steps: Int, seconds: Double)

    /// The event as one line of the run's log, schema `menagerie/run/1`.
    public var json: JSONValue {
        switch self {
        case .started(let configuration, let steps, let firstEpoch, let parameters, let trainable):
            [
                "schema": "menagerie/run/1", "event": "started", "configuration": configuration.json,
                "steps": .integer(steps), "first_epoch": .integer(firstEpoch),
                "parameters": .integer(parameters), "trainable_parameters": .integer(trainable),
            ]
        case .step(let epoch, let step, let loss, let learningRate):
            [
                "schema": "menagerie/run/1", "event": "step", "epoch": .integer(epoch),
                "step": .integer(step),
                "loss": .finite(loss), "learning_rate": .number(learningRate),
            ]
        case .epoch(let result): result.json
        case .checkpoint(let epoch, let path):
            [
                "schema": "menagerie/run/1", "event": "checkpoint", "epoch": .integer(epoch),
                "path": .string(path),
            ]
        case .finished(let steps, let seconds):
            [
                "schema": "menagerie/run/1", "event": "finished", "steps": .integer(steps),
                "seconds": .number(seconds),
            ]
        }
    }
}

/// What an epoch came to.
public struct EpochResult: Sendable, Hashable {
    /// Number of the epoch, from 1.
    public let epoch: Int
    /// Steps taken since the run began.
    public let step: Int
    /// Mean training loss over the epoch's pictures.
    public let trainingLoss: Double
    /// Fraction of the epoch's pictures that were right at their step.
    public let trainingAccuracy: Double
    /// Mean loss over the validation pictures, if there are any.
    public let validationLoss: Double?
    /// Fraction of the validation pictures that are right.
    public let validationAccuracy: Double?
    /// Seconds that the epoch took.
    public let seconds: Double
    /// Training pictures per second.
    public let picturesPerSecond: Double

    var json: JSONValue {
        [
            "schema": "menagerie/run/1", "event": "epoch", "epoch": .integer(epoch), "step": .integer(step),
            "training_loss": .finite(trainingLoss), "training_accuracy": .number(trainingAccuracy),
            "validation_loss": validationLoss.map { .finite($0) } ?? .null,
            "validation_accuracy": validationAccuracy.map { .number($0) } ?? .null,
            "seconds": .number(seconds), "pictures_per_second": .number(picturesPerSecond),
        ]
    }
}

/// Whoever wants to know what happens: a terminal, a log, a test.
public protocol EventSink: AnyObject {
    /// Takes an event, on the thread that trains.
    func receive(_ event: TrainingEvent) throws(ZooError)
}
