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
        /// Elements of its parameters that are learned; 0 for a layer that shares another's.
        public let parameters: Int
        /// Elements of its running statistics.
        public let statistics: Int
        /// Multiply-adds of one forward pass of the batch.
        public let multiplyAdds: Int
    }

    /// Architecture of the graph.
    public let architecture: String
    /// Shape of the input.
    public let input: TensorShape
    /// Layers in computing order.
    public let rows: [Row]
    /// Elements of all parameters that are learned.
    public let parameters: Int
    /// Elements of all running statistics.
    public let statistics: Int
    /// Multiply-adds of all layers.
    public let multiplyAdds: Int
    /// Bytes of parameters and statistics in single precision.
    public let parameterBytes: Int
    /// Bytes of all layers' results in single precision.
    public let activationBytes: Int

    /// Summarises a graph for a batch.
    /// - Throws: ``ZooError`` when shapes don't fit, or their sum is beyond any number.
    public init(_ graph: LayerGraph, batch: Int = 1) throws(ZooError) {
        let shapes = try graph.shapes(batch: batch)
        var rows: [Row] = []
        for node in graph.nodes {
            let output = shapes[node.path] ?? []
            let shared = node.sharing.map { "shared with \($0)" }
            let details = [node.layer.details, shared ?? ""].filter { !$0.isEmpty }
            rows.append(
                Row(
                    path: node.path, kind: node.layer.kind, details: details.joined(separator: ", "),
                    output: output, parameters: shared == nil ? node.layer.parameterCount : 0,
                    statistics: shared == nil ? node.layer.statisticCount : 0,
                    multiplyAdds: node.layer.multiplyAdds(output: output)))
        }
        self.architecture = graph.architecture
        self.input = graph.input.shape(batch: batch)
        self.parameters = try GraphSummary.sum(rows.map(\.parameters))
        self.statistics = try GraphSummary.sum(rows.map(\.statistics))
        self.multiplyAdds = try GraphSummary.sum(rows.map(\.multiplyAdds))
        self.parameterBytes = try Checked.product(Checked.sum(parameters, statistics), 4)
        self.activationBytes = try Checked.product(GraphSummary.sum(rows.map(\.output.elementCount)), 4)
        self.rows = rows
    }

    private static func sum(_ numbers: [Int]) throws(ZooError) -> Int {
        var result = 0
        for number in numbers { result = try Checked.sum(result, number) }
        return result
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
                        "parameters": .integer($0.parameters), "statistics": .integer($0.statistics),
                        "multiply_adds": .integer($0.multiplyAdds),
                    ]
                }),
            "parameters": .integer(parameters), "statistics": .integer(statistics),
            "multiply_adds": .integer(multiplyAdds),
            "parameter_bytes": .integer(parameterBytes), "activation_bytes": .integer(activationBytes),
        ]
    }
}
