import ZooCheckpoints
import ZooCompute
import ZooImages
import ZooLayerGraphs
import ZooModels
public import ZooTensors

/// A model that says what pictures show: all that a server or an app needs, without training and without HDF5.
///
/// It is safe to share between tasks. Pictures are computed one after another on a thread of the classifier's own,
/// so that an answer's bits don't depend on what else is asked at the same time; waiting tasks block no thread.
public final class Classifier: Sendable {
    /// One class that a picture may show.
    public struct Prediction: Sendable, Hashable {
        /// The class' name.
        public let label: String
        /// Index of the class.
        public let index: Int
        /// 0…1; all classes together give 1.
        public let probability: Float
    }

    /// Names of the classes, in the order of their indices.
    public let labels: [String]
    private let executor: NativeExecutor
    private let preparation: PreprocessingExecutor

    /// Opens a native model file (`zoo convert` makes one of any checkpoint).
    /// - Parameters:
    ///   - path: the file.
    ///   - threads: threads that one picture is spread over.
    /// - Throws: ``ZooTensors/ZooError`` when the file is missing, damaged, no native model, or has no head.
    public init(_ path: String, threads: Int = 1) throws(ZooError) {
        let checkpoint = try SafetensorsReader.read(
            ByteSource(path: path), options: CheckpointReadOptions(keepPrefixes: true))
        let model = try ModelFile.read(checkpoint)
        guard let classes = model.graph.classCount else {
            throw ZooError(.invalidArgument, "the model has no head with one row per class", file: path)
        }
        self.labels = model.labels ?? (0..<classes).map { "class \($0)" }
        self.preparation = try PreprocessingExecutor(model.preprocessing)
        self.executor = try NativeExecutor(
            graph: model.graph, parameters: model.parameters, engine: Engine(threads: threads))
    }

    /// Says what a picture shows.
    /// - Parameters:
    ///   - imageBytes: a PNG or JPEG file.
    ///   - topK: how many classes, the likeliest first.
    /// - Throws: ``ZooTensors/ZooError`` when the bytes are no picture that can be read.
    public func predict(_ imageBytes: [UInt8], topK: Int = 5) async throws(ZooError) -> [Prediction] {
        let input = try preparation.tensor(Picture.decode(imageBytes, name: "picture"))
        let batch = try input.reshaped(TensorShape([1] + input.shape.dimensions.suffix(3)))
        let result = try await executor.forward(batch)
        let logits = try result.output.floats()
        let top = logits.max() ?? 0
        let exponentials = logits.map { exponential(Double($0 - top)) }
        let sum = exponentials.reduce(0, +)
        let ranked = exponentials.indices.sorted { (exponentials[$0], $1) > (exponentials[$1], $0) }
        return ranked.prefix(max(topK, 0)).map {
            Prediction(label: labels[$0], index: $0, probability: Float(exponentials[$0] / sum))
        }
    }
}
