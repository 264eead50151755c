import Menagerie

/// The tensors of a checkpoint as `zoo inspect` shows them.
enum InspectedTensors {
    /// What a tensor's numbers are like; `nil` for those that can't be read or have no order.
    static func statistics(_ tensor: CheckpointTensor, file: String) throws(ZooError) -> TensorStatistics? {
        do throws(ZooError) {
            return try TensorStatistics(tensor.load())
        } catch {
            if error.code == .unsupported { return nil }
            throw error.adding(file: file)
        }
    }

    /// A tree of the names, with types, shapes and sizes, and with what was asked for of the numbers.
    static func table(_ checkpoint: Checkpoint, _ statistics: [TensorStatistics?]) -> TextTable {
        let hasStatistics = statistics.contains { $0 != nil }
        var columns: [(String, TextTable.Alignment)] = [("key", .left), ("type", .left), ("shape", .left)]
        columns +=
            hasStatistics
            ? ["min", "max", "mean", "std", "zeros", "NaN", "Inf"].map { ($0, .right) } : [("bytes", .right)]
        var table = TextTable(columns)
        for line in TensorTree(checkpoint.tensors.map(\.name)).lines {
            guard let index = line.tensor else {
                let bytes = line.below.reduce(0) { $0 + checkpoint.tensors[$1].byteCount }
                let rest = hasStatistics ? [String](repeating: "", count: 7) : [Numbers.grouped(bytes)]
                table.append([line.name, "", ""] + rest)
                continue
            }
            let tensor = checkpoint.tensors[index]
            let cells = [
                line.name, tensor.typeName ?? tensor.elementType.rawValue, tensor.shape.description,
            ]
            table.append(
                cells + (hasStatistics ? self.cells(statistics[index]) : [Numbers.grouped(tensor.byteCount)]))
        }
        return table
    }

    private static func cells(_ statistics: TensorStatistics?) -> [String] {
        guard let statistics else { return [String](repeating: "–", count: 7) }
        let numbers = [statistics.minimum, statistics.maximum, statistics.mean, statistics.standardDeviation]
        let counts = [statistics.zeroCount, statistics.nanCount, statistics.infinityCount]
        return numbers.map { $0.map { Numbers.significant($0, 4) } ?? "–" }
            + counts.map { $0 == 0 ? "·" : Numbers.grouped($0) }
    }
}

extension CheckpointTensor {
    /// Bytes that the elements take.
    var byteCount: Int { shape.elementCount * elementType.byteCount }
}

extension TensorStatistics {
    /// The numbers as JSON.
    var json: JSONValue {
        [
            "minimum": minimum.map { .finite($0) } ?? .null, "maximum": maximum.map { .finite($0) } ?? .null,
            "mean": mean.map { .finite($0) } ?? .null,
            "standard_deviation": standardDeviation.map { .finite($0) } ?? .null,
            "zeros": .integer(zeroCount), "nan": .integer(nanCount), "infinite": .integer(infinityCount),
        ]
    }
}
