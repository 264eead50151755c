import Menagerie

/// Where a repetition's time goes: each operation beside what the machine could do.
struct BenchProfile {
    private let operations: [Benchmark.ProfiledOperation]
    /// Multiply-adds per second of the machine.
    private let peak: Double
    /// Seconds of a whole repetition.
    private let median: Double

    /// Runs that are averaged.
    private static let runs = 10

    init(
        _ benchmark: Benchmark, _ graph: LayerGraph, _ parameters: ParameterTable, median: Double
    ) throws(ZooError) {
        let before = try benchmark.peakRate()
        operations = try benchmark.profile(graph, parameters, runs: Self.runs)
        // The clock drifts, so what was reached before and after counts alike.
        peak = (before + (try benchmark.peakRate())) / 2
        self.median = median
    }

    private var repeated: [Benchmark.ProfiledOperation] { operations.filter { $0.pass != "repack" } }

    private func share(_ operation: Benchmark.ProfiledOperation) -> Double {
        operation.multiplyAdds / max(operation.seconds, 1e-9) / peak
    }

    /// A table, the operations in the order in which they run, and the totals.
    var text: String {
        var table = TextTable([
            ("pass", .left), ("layers", .left), ("operation", .left), ("kernel", .left), ("ms", .right),
            ("%", .right), ("GF/s", .right), ("of peak", .right), ("GB/s", .right),
        ])
        let whole = repeated.reduce(0) { $0 + $1.seconds }
        for operation in operations {
            let seconds = max(operation.seconds, 1e-9)
            let computes = operation.multiplyAdds > 0
            let layers =
                operation.layers.count > 1
                ? "\(operation.layers[0]) +\(operation.layers.count - 1)" : operation.layers.first ?? ""
            table.append([
                operation.pass, layers, operation.title, operation.kernel,
                Numbers.fixed(operation.seconds * 1_000, 3),
                operation.pass == "repack" ? "–" : Numbers.fixed(seconds / whole * 100, 1),
                computes ? Numbers.fixed(operation.multiplyAdds * 2 / seconds / 1e9, 0) : "–",
                computes ? Numbers.percent(share(operation)) : "–",
                Numbers.fixed(Double(operation.byteCount) / seconds / 1e9, 1),
            ])
        }
        let work = repeated.reduce(0) { $0 + $1.multiplyAdds }
        let rest = max(median - whole, 0)
        let lines = [
            "  operations            \(Numbers.significant(whole * 1_000, 4)) ms; what lies around them (pictures in, "
                + "logits out, loss, update) \(Numbers.significant(rest * 1_000, 3)) ms",
            "  peak of this machine  \(Numbers.fixed(peak * 2 / 1e9, 0)) GF/s by multiply-adds alone, measured before "
                + "and after",
            "  share of the peak     \(Numbers.percent(work / max(whole, 1e-9) / peak)) in operations, "
                + "\(Numbers.percent(work / max(median, 1e-9) / peak)) in whole repetitions",
        ]
        return table.text + "\n\n" + lines.joined(separator: "\n")
    }

    /// The same for programs: seconds, rates per second, shares from 0 to 1.
    var json: JSONValue {
        let work = repeated.reduce(0) { $0 + $1.multiplyAdds }
        let whole = repeated.reduce(0) { $0 + $1.seconds }
        return [
            "peak_flops": .number(peak * 2), "operations_seconds": .number(whole),
            "share_of_peak": .number(work / max(median, 1e-9) / peak),
            "operations": .array(
                operations.map { operation in
                    var object: JSONObject = [
                        "pass": .string(operation.pass),
                        "layers": .array(operation.layers.map { .string($0) }),
                        "operation": .string(operation.title), "kernel": .string(operation.kernel),
                        "seconds": .number(operation.seconds), "bytes": .integer(operation.byteCount),
                        "flops": .number(operation.multiplyAdds * 2),
                    ]
                    if operation.multiplyAdds > 0 { object["share_of_peak"] = .number(share(operation)) }
                    return .object(object)
                }),
        ]
    }

    /// One repetition as Chrome's trace viewers read it: complete events in microseconds.
    var trace: JSONValue {
        var time = 0.0
        var events: [JSONValue] = []
        for operation in repeated {
            let duration = operation.seconds * 1e6
            events.append([
                "name": .string(operation.layers.last ?? operation.title), "cat": .string(operation.pass),
                "ph": "X", "ts": .number(time), "dur": .number(duration), "pid": 1, "tid": 1,
                "args": [
                    "operation": .string(operation.title), "kernel": .string(operation.kernel),
                    "bytes": .integer(operation.byteCount), "flops": .number(operation.multiplyAdds * 2),
                    "share_of_peak": .number(share(operation)),
                    "layers": .array(operation.layers.map { .string($0) }),
                ],
            ])
            time += duration
        }
        return ["traceEvents": .array(events), "displayTimeUnit": "ms"]
    }
}
