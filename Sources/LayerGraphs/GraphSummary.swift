public import ZooTensors

/// What `summary` shows of a network: a row a layer, and totals.
public struct GraphSummary: Sendable, Hashable {
    /// One layer.
    public struct Row: Sendable, Hashable {
        /// The layer's path.
        public let path: String
        /// Its kind, `Conv2d`.
        public let kind: String
        /// Its numbers, `1→6, 5×5`.
        public let details: String
        /// Shape of its result for the batch asked for.
        public let output: TensorShape
        /// Elements of its parameters.
        public let parameters: Int
        /// Multiply-adds of one forward pass of the batch.
        public let multiplyAdds: Int
    }

    /// Architecture of the graph.
    public let architecture: String
    /// Shape of the input.
    public let input: TensorShape
    /// Layers in computing order.
    public let rows: [Row]
    /// Elements of all parameters.
    public let parameters: Int
    /// Multiply-adds of all layers.
    public let multiplyAdds: Int
    /// Bytes of the parameters in single precision.
    public let parameterBytes: Int
    /// Bytes of all layers' results in single precision.
    public let activationBytes: Int

    /// Summarises a graph for a batch.
    public init(_ graph: LayerGraph, batch: Int = 1) throws(ZooError) {
        let shapes = try graph.shapes(batch: batch)
        var rows: [Row] = []
        for node in graph.nodes {
            let output = shapes[node.path] ?? []
            rows.append(
                Row(
                    path: node.path, kind: node.layer.kind, details: node.layer.details, output: output,
                    parameters: node.layer.parameterCount,
                    multiplyAdds: node.layer.multiplyAdds(output: output)))
        }
        self.architecture = graph.architecture
        self.input = graph.input.shape(batch: batch)
        self.parameters = rows.reduce(0) { $0 + $1.parameters }
        self.multiplyAdds = rows.reduce(0) { $0 + $1.multiplyAdds }
        self.parameterBytes = self.parameters * 4
        self.activationBytes = rows.reduce(0) { $0 + $1.output.elementCount } * 4
        self.rows = rows
    }

    /// The same as a document, schema `menagerie/summary/1`.
    public var json: JSONValue {
        [
            "schema": "menagerie/summary/1", "architecture": .string(architecture),
            "input": .array(input.dimensions.map { .integer($0) }),
            "layers": .array(
                rows.map {
                    [
                        "path": .string($0.path), "kind": .string($0.kind), "details": .string($0.details),
                        "output": .array($0.output.dimensions.map { .integer($0) }),
                        "parameters": .integer($0.parameters), "multiply_adds": .integer($0.multiplyAdds),
                    ]
                }),
            "parameters": .integer(parameters), "multiply_adds": .integer(multiplyAdds),
            "parameter_bytes": .integer(parameterBytes), "activation_bytes": .integer(activationBytes),
        ]
    }
}
