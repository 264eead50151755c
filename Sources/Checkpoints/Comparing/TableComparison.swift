public import ZooTensors

/// How two tables of tensors differ: by name, shape, type and numbers.
public struct TableComparison: Sendable {
    /// What counts as equal.
    public struct Options: Sendable, Hashable {
        /// How far numbers may lie apart.
        public var tolerance = Tolerance()
        /// Compare the numbers alone: other types aren't a difference.
        public var ignoresTypes = false

        /// Everything has to be the same.
        public init() {}
    }

    /// Tensors of both that aren't equal, the worst first: other shapes, other numbers by their distance, other types.
    public let differences: [TensorDifference]
    /// Number of tensors that are equal in both.
    public let equalCount: Int
    /// Names of tensors that only the first table has.
    public let onlyInFirst: [String]
    /// Names of tensors that only the second table has.
    public let onlyInSecond: [String]

    /// Whether the tables are equal.
    public var isEqual: Bool { differences.isEmpty && onlyInFirst.isEmpty && onlyInSecond.isEmpty }

    /// Compares two tables, one tensor of each at a time.
    /// - Parameter progress: told the number of bytes of the second table after every piece.
    /// - Throws: ``ZooError`` when a tensor can't be read.
    public init(
        _ first: [CheckpointTensor], _ second: [CheckpointTensor], options: Options = Options(),
        progress: (Int) -> Void = { _ in }
    ) throws(ZooError) {
        var others: [String: CheckpointTensor] = [:]
        for tensor in second { others[tensor.name] = tensor }
        var differences: [TensorDifference] = []
        var equalCount = 0
        var onlyInFirst: [String] = []
        for tensor in first {
            guard let other = others.removeValue(forKey: tensor.name) else {
                onlyInFirst.append(tensor.name)
                continue
            }
            let difference = try TensorDifference(
                name: tensor.name, tensor, other, tolerance: options.tolerance, progress: progress)
            if difference.isEqual(options) { equalCount += 1 } else { differences.append(difference) }
        }
        self.differences = differences.enumerated().sorted { left, right in
            let (a, b) = (left.element.badness, right.element.badness)
            return a != b ? a > b : left.offset < right.offset
        }.map(\.element)
        self.equalCount = equalCount
        self.onlyInFirst = onlyInFirst
        onlyInSecond = second.map(\.name).filter { others[$0] != nil }
    }
}

extension TensorDifference {
    fileprivate func isEqual(_ options: TableComparison.Options) -> Bool {
        guard let values, !hasOtherType || options.ignoresTypes else { return false }
        return values.differingCount == 0
    }

    /// What differences are sorted by.
    fileprivate var badness: Double {
        guard let values else { return .infinity }
        return values.differingCount > 0 ? values.maximumAbsolute : -1
    }
}
