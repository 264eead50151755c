public import ZooTensors

/// Softmax and cross-entropy in one: the loss of classification, `torch.nn.functional.cross_entropy` with its mean
/// over the batch.
public enum CrossEntropy {
    /// The mean loss of a batch and what it says about the logits.
    public struct Result: Sendable {
        /// −mean log p(label), natural logarithm.
        public let loss: Double
        /// Gradient of ``loss`` with respect to the logits, `[N, classes]` in row-major order.
        public let gradient: [Float]
        /// Index of the largest logit of each row.
        public let predictions: [Int]
    }

    /// Computes loss, gradient and predictions. Sums run in double precision.
    /// - Parameters:
    ///   - logits: `[N, classes]` in row-major order.
    ///   - labels: one class per row.
    /// - Throws: ``ZooError`` when a label isn't a class or the sizes don't fit.
    public static func evaluate(
        logits: [Float], classes: Int, labels: [Int32]
    ) throws(ZooError) -> Result {
        guard classes > 0, logits.count == classes * labels.count, !labels.isEmpty else {
            throw ZooError(
                .mismatch, "logits and labels don't fit each other",
                expected: "\(labels.count) rows of \(classes)",
                found: "\(logits.count) numbers")
        }
        var gradient = [Float](repeating: 0, count: logits.count)
        var predictions: [Int] = []
        predictions.reserveCapacity(labels.count)
        var loss = 0.0
        let scale = 1 / Double(labels.count)
        var exponentials = [Double](repeating: 0, count: classes)
        for (row, label) in labels.enumerated() {
            let target = Int(label)
            guard target >= 0, target < classes else {
                throw ZooError(
                    .mismatch, "a picture's class is not one of the model's", expected: "0 to \(classes - 1)",
                    found: "\(label)", remedy: "Give the model a head for these classes: zoo surgery.")
            }
            let start = row * classes
            var top = logits[start]
            var best = 0
            for column in 1..<max(classes, 1) where logits[start + column] > top {
                top = logits[start + column]
                best = column
            }
            predictions.append(best)
            var sum = 0.0
            for column in 0..<classes {
                exponentials[column] = exponential(Double(logits[start + column] - top))
                sum += exponentials[column]
            }
            loss += naturalLogarithm(sum) - Double(logits[start + target] - top)
            for column in 0..<classes {
                let probability = exponentials[column] / sum
                gradient[start + column] = Float((probability - (column == target ? 1 : 0)) * scale)
            }
        }
        return Result(loss: loss * scale, gradient: gradient, predictions: predictions)
    }

    /// Probabilities of each row of logits, `[N, classes]`.
    public static func softmax(_ logits: [Float], classes: Int) -> [Float] {
        var result = logits
        for start in stride(from: 0, to: logits.count - logits.count % max(classes, 1), by: max(classes, 1)) {
            let row = logits[start..<(start + classes)]
            let top = row.max() ?? 0
            let exponentials = row.map { exponential(Double($0 - top)) }
            let sum = exponentials.reduce(0, +)
            for (column, value) in exponentials.enumerated() { result[start + column] = Float(value / sum) }
        }
        return result
    }
}
