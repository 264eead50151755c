public import ZooCheckpoints
public import ZooLayerGraphs
public import ZooTensors

/// What a conversion did: every tensor accounted for.
public struct ConversionReport: Sendable {
    /// The plan that was carried out.
    public let plan: ConversionPlan
    /// The file converted.
    public let source: String?
    /// Its format.
    public let format: CheckpointFormat
    /// What the reader had to say.
    public let notes: [String]
    /// Those notes that warn of what the file would have had Python run.
    public let warnings: [String]
    /// Parameters that the file lacked and that were initialised afresh.
    public let initialised: [ParameterPath]

    /// Elements read from the file into parameters.
    public var elementsAssigned: Int { plan.entries.reduce(0) { $0 + $1.shape.elementCount } }

    /// The report as JSON, schema `menagerie/conversion-report/1`.
    public var json: JSONValue {
        func shape(_ shape: TensorShape) -> JSONValue { .array(shape.dimensions.map { .integer($0) }) }
        let entries: [JSONValue] = plan.entries.map { entry in
            [
                "parameter": .string(entry.path.description), "key": .string(entry.key),
                "source_shape": shape(entry.sourceShape), "source_type": .string(entry.sourceType.rawValue),
                "shape": shape(entry.shape), "layout": .string(entry.transform.title ?? "unchanged"),
                "cast": .bool(entry.sourceType != .f32), "assumed": .bool(entry.isAssumed),
            ]
        }
        return [
            "schema": "menagerie/conversion-report/1", "source": source.map { .string($0) } ?? .null,
            "format": .string(format.rawValue), "architecture": .string(plan.architecture.name),
            "framework": .string(plan.framework.rawValue), "dialect": .string(plan.dialect),
            "parameters": .array(entries),
            "missing": .array(plan.missing.map { .string($0.path.description) }),
            "initialised": .array(initialised.map { .string($0.description) }),
            "mismatched": .array(
                plan.mismatched.map {
                    [
                        "parameter": .string($0.path.description), "key": .string($0.key),
                        "expected": shape($0.expected), "found": shape($0.found),
                    ]
                }),
            "evidence": .array(plan.origin.evidence.map { .string($0) }),
            "unused": .array(plan.unused.map { .string($0) }),
            "assumed": .array(plan.assumptions.map { .string($0) }),
            "output_activation": plan.outputActivation.map { .string($0) } ?? .null,
            "notes": .array(notes.map { .string($0) }), "elements_assigned": .integer(elementsAssigned),
        ]
    }
}
