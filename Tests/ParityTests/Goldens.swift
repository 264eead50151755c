import Testing
import ZooCheckpoints
import ZooConversion
import ZooModels
import ZooTensors
import ZooTestSupport

/// What the frameworks computed, and the models that they computed it with.
enum Goldens {
    static func file(_ name: String) throws -> Checkpoint {
        try SafetensorsReader.read(
            ByteSource(path: TestFiles.path("tools/goldens/lenet/\(name).safetensors")),
            options: CheckpointReadOptions(keepPrefixes: true))
    }

    static func convert(_ checkpoint: Checkpoint, architecture: String? = nil) throws -> (
        model: Model, report: ConversionReport
    ) {
        var options = Converter.Options()
        options.architecture = architecture
        return try Converter(options: options).convert(checkpoint)
    }

    static func pytorchModel() throws -> (model: Model, report: ConversionReport) {
        try convert(CheckpointReader.read(path: TestFiles.path("zoo/weights/lenet-mnist.pth")))
    }

    /// The gradient of the mean cross-entropy with respect to the logits `[N, classes]`, and the loss itself.
    static func crossEntropy(logits: Tensor, labels: [Int64]) throws -> (loss: Double, gradient: Tensor) {
        let classes = logits.shape[1]
        let values = try logits.doubles()
        var gradient = [Double](repeating: 0, count: values.count)
        var loss = 0.0
        for (row, label) in labels.enumerated() {
            let scores = values[(row * classes)..<((row + 1) * classes)]
            let top = scores.max() ?? 0
            let sum = scores.reduce(0) { $0 + exponential($1 - top) }
            for (column, score) in scores.enumerated() {
                let probability = exponential(score - top) / sum
                let target: Double = column == Int(label) ? 1 : 0
                gradient[row * classes + column] = (probability - target) / Double(labels.count)
                if target == 1 { loss += naturalLogarithm(sum) + top - score }
            }
        }
        return (loss / Double(labels.count), try Tensor(gradient, shape: logits.shape))
    }

    /// The gradient of the mean squared difference with respect to a picture, and the mean itself.
    static func meanSquares(_ picture: Tensor, _ wanted: Tensor) throws -> (loss: Double, gradient: Tensor) {
        let differences = zip(try picture.doubles(), try wanted.doubles()).map { $0 - $1 }
        let count = Double(differences.count)
        return (
            differences.reduce(0) { $0 + $1 * $1 } / count,
            try Tensor(differences.map { 2 * $0 / count }, shape: picture.shape)
        )
    }
}
