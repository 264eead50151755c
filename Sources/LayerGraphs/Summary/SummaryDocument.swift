public import ZooTensors

extension GraphSummary {
    /// The summary as a document, schema `menagerie/summary/1`; modules are those of the paths, outermost first.
    public var json: JSONValue {
        [
            "schema": "menagerie/summary/1", "architecture": .string(architecture),
            "input": shape(input), "output": shape(output),
            "layers": .array(rows.map(json)),
            "modules": .array(
                SummaryTree(self).lines.filter { $0.depth > 0 && ($0.isModule || $0.hasChildren) }.map(json)),
            "parts": .array(parts.map(json)),
            "parameters": .integer(parameters), "trainable_parameters": .integer(trainable),
            "statistics": .integer(statistics), "multiply_adds": .integer(multiplyAdds),
            "torchinfo_mult_adds": .integer(torchinfoMultAdds),
            "parameter_bytes": .integer(parameterBytes), "activation_bytes": .integer(activationBytes),
            "torchinfo_bytes": [
                "input": .integer(sizes.input), "forward_backward": .integer(sizes.forwardBackward),
                "parameters": .integer(sizes.parameters), "total": .integer(sizes.total),
            ],
        ]
    }

    private func shape(_ shape: TensorShape) -> JSONValue { .array(shape.dimensions.map { .integer($0) }) }

    private func json(_ row: Row) -> JSONValue {
        [
            "path": .string(row.path), "kind": .string(row.kind), "details": .string(row.details),
            "inputs": .array(row.inputs.map(shape)), "output": shape(row.output),
            "kernel": row.kernel.map { [.integer($0.height), .integer($0.width)] } ?? .null,
            "parameters": .integer(row.parameters), "trainable_parameters": .integer(row.trainable),
            "statistics": .integer(row.statistics), "multiply_adds": .integer(row.multiplyAdds),
            "torchinfo_mult_adds": .integer(row.torchinfoMultAdds),
            "variables": .array(
                row.variables.map {
                    [
                        "parameter": .string($0.path.description),
                        "key": $0.key.map { .string($0) } ?? .null, "shape": shape($0.shape),
                    ]
                }),
        ]
    }

    private func json(_ part: Part) -> JSONValue {
        let totals = totals(of: part.layers)
        return [
            "name": .string(part.name), "layers": .array(part.layers.map { .string(rows[$0].path) }),
            "output": shape(totals.output), "parameters": .integer(totals.parameters),
            "trainable_parameters": .integer(totals.trainable),
            "torchinfo_mult_adds": .integer(totals.torchinfoMultAdds),
        ]
    }

    private func json(_ line: SummaryTree.Line) -> JSONValue {
        let totals = totals(of: line.layers)
        return [
            "path": .string(line.path), "layers": .integer(line.layers.count),
            "input": totals.input.map(shape) ?? .null, "output": shape(totals.output),
            "parameters": .integer(totals.parameters), "trainable_parameters": .integer(totals.trainable),
            "statistics": .integer(totals.statistics), "multiply_adds": .integer(totals.multiplyAdds),
            "torchinfo_mult_adds": .integer(totals.torchinfoMultAdds),
        ]
    }
}
