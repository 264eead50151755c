public import ZooTensors

/// How often pictures of each class were taken for each class, and the usual figures that follow.
public struct ConfusionMatrix: Sendable, Hashable {
    /// Number of classes.
    public let classes: Int
    private var counts: [Int]

    /// An empty matrix.
    public init(classes: Int) {
        self.classes = max(classes, 0)
        self.counts = [Int](repeating: 0, count: self.classes * self.classes)
    }

    /// Pictures of the class `actual` that were taken for `predicted`.
    public subscript(actual: Int, predicted: Int) -> Int { counts[actual * classes + predicted] }

    /// Counts one picture; classes outside the matrix are ignored.
    public mutating func count(actual: Int, predicted: Int) {
        guard (0..<classes).contains(actual), (0..<classes).contains(predicted) else { return }
        counts[actual * classes + predicted] += 1
    }

    /// Pictures counted.
    public var total: Int { counts.reduce(0, +) }

    /// Fraction that was taken for what it is, 0…1; 0 without pictures.
    public var accuracy: Double {
        total == 0 ? 0 : Double((0..<classes).reduce(0) { $0 + self[$1, $1] }) / Double(total)
    }

    /// Of what was taken for the class, the fraction that is; `nil` when nothing was.
    public func precision(_ index: Int) -> Double? {
        let predicted = (0..<classes).reduce(0) { $0 + self[$1, index] }
        return predicted == 0 ? nil : Double(self[index, index]) / Double(predicted)
    }

    /// Of the class, the fraction that was taken for it; `nil` when there was none.
    public func recall(_ index: Int) -> Double? {
        let actual = support(index)
        return actual == 0 ? nil : Double(self[index, index]) / Double(actual)
    }

    /// Harmonic mean of precision and recall; `nil` when either is undefined or both are zero.
    public func f1(_ index: Int) -> Double? {
        guard let precision = precision(index), let recall = recall(index), precision + recall > 0 else {
            return nil
        }
        return 2 * precision * recall / (precision + recall)
    }

    /// Pictures of the class.
    public func support(_ index: Int) -> Int { (0..<classes).reduce(0) { $0 + self[index, $1] } }

    /// The figures as JSON; undefined ones are null.
    public func json(labels: [String]) -> JSONValue {
        func rate(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return [
            "accuracy": .number(accuracy), "pictures": .integer(total),
            "classes": .array(
                (0..<classes).map { index in
                    [
                        "label": .string(index < labels.count ? labels[index] : "class \(index)"),
                        "precision": rate(precision(index)), "recall": rate(recall(index)),
                        "f1": rate(f1(index)), "support": .integer(support(index)),
                    ]
                }),
            "confusion": .array(
                (0..<classes).map { row in
                    .array((0..<classes).map { .integer(self[row, $0]) })
                }),
        ]
    }
}
