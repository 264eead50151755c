public import ZooTensors

/// What `summary` shows of a network: a row a layer, and totals.
public struct GraphSummary: Sendable, Hashable {
    /// One parameter or running statistic of a layer.
    public struct Variable: Sendable, Hashable {
        /// Its canonical name.
        public let path: ParameterPath
        /// The key that it has in the file it came from; `nil` when that isn't known.
        public let key: String?
        /// Its shape in canonical layout.
        public let shape: TensorShape
    }

    /// One layer.
    public struct Row: Sendable, Hashable {
        /// The layer's path.
        public let path: String
        /// Its kind, `Conv2d`.
        public let kind: String
        /// Its numbers, `1→6, 5×5`.
        public let details: String
        /// Shapes of what it reads.
        public let inputs: [TensorShape]
        /// Shape of its result for the batch asked for.
        public let output: TensorShape
        /// Height and width of its kernel or window, if it has one.
        public let kernel: Extent?
        /// Elements of its parameters that are learned; 0 for a layer that shares another's.
        public let parameters: Int
        /// How many of those training would change: none of a frozen layer's.
        public let trainable: Int
        /// Elements of its running statistics.
        public let statistics: Int
        /// Multiply-adds of one forward pass of the batch, of convolutions and linear layers alone, as torchvision
        /// counts them.
        public let multiplyAdds: Int
        /// The same by torchinfo's rule, ``Layer/torchinfoMultAdds(output:)``.
        public let torchinfoMultAdds: Int
        /// Its parameters and statistics; none for a layer that shares another's.
        public let variables: [Variable]
    }

    /// A named group of layers: `stem`, `stage1`, `body`, `head`.
    public struct Part: Sendable, Hashable {
        /// Its name, which stands for its layers wherever layers are named.
        public let name: String
        /// Its layers, as places in ``GraphSummary/rows``.
        public let layers: [Int]
    }

    /// Architecture of the graph.
    public let architecture: String
    /// Shape of the input.
    public let input: TensorShape
    /// Shape of the result.
    public let output: TensorShape
    /// Layers in computing order.
    public let rows: [Row]
    /// The parts that the graph answers to, from the input on; they may overlap.
    public let parts: [Part]
    /// Elements of all parameters that are learned.
    public let parameters: Int
    /// How many of those training would change.
    public let trainable: Int
    /// Elements of all running statistics.
    public let statistics: Int
    /// Multiply-adds of all convolutions and linear layers.
    public let multiplyAdds: Int
    /// Multiply-adds of all layers by torchinfo's rule.
    public let torchinfoMultAdds: Int
    /// Bytes of parameters and statistics in single precision.
    public let parameterBytes: Int
    /// Bytes of all layers' results in single precision.
    public let activationBytes: Int
    /// Bytes by torchinfo's rules.
    public let sizes: Sizes
    /// For each row, the rows that it reads; -1 is the network's input.
    let sources: [[Int]]
    /// For each row, the rows that read it; `rows.count` stands for whoever reads the network's result.
    let readers: [[Int]]

    /// Bytes in single precision, as torchinfo counts them.
    public struct Sizes: Sendable, Hashable {
        /// Of the input.
        public let input: Int
        /// Of the results of all layers that have parameters, twice: once for the pass back.
        public let forwardBackward: Int
        /// Of the parameters that are learned; running statistics don't count.
        public let parameters: Int
        /// All three together.
        public let total: Int
    }

    /// Summarises a graph for a batch.
    /// - Parameters:
    ///   - input: channels, height and width of the pictures; the graph's own by default.
    ///   - frozen: paths of layers that don't learn.
    ///   - keys: what parameters are called in the file that they came from.
    /// - Throws: ``ZooError`` when shapes don't fit, or their sum is beyond any number.
    public init(
        _ graph: LayerGraph, batch: Int = 1, input: InputShape? = nil, frozen: Set<String> = [],
        keys: [ParameterPath: String] = [:]
    ) throws(ZooError) {
        let shapes = try graph.shapes(batch: batch, input: input)
        var rows: [Row] = []
        var bytes = 0
        var results = 0
        var sources: [[Int]] = []
        var readers = [[Int]](repeating: [], count: graph.nodes.count)
        for (index, node) in graph.nodes.enumerated() {
            let output = shapes[node.path] ?? []
            rows.append(
                Row(
                    node, inputs: node.inputs.map { shapes[$0] ?? [] }, output: output,
                    isFrozen: frozen.contains(node.parameterOwner), keys: keys))
            let places = node.inputs.map { graph.position(of: $0) ?? -1 }
            for place in places where place >= 0 { readers[place].append(index) }
            sources.append(places)
            bytes = try Checked.sum(bytes, Checked.product(output.elementCount, 4))
            if node.layer.parameterCount > 0 {
                results = try Checked.sum(results, Checked.product(output.elementCount, 8))
            }
        }
        if let place = graph.position(of: graph.output) { readers[place].append(graph.nodes.count) }
        self.architecture = graph.architecture
        self.input = (input ?? graph.input).shape(batch: batch)
        self.output = shapes[graph.output] ?? []
        self.parts = graph.namedParts.map {
            Part(name: $0.name, layers: $0.nodes.compactMap(graph.position(of:)))
        }
        self.parameters = try GraphSummary.sum(rows.map(\.parameters))
        self.trainable = try GraphSummary.sum(rows.map(\.trainable))
        self.statistics = try GraphSummary.sum(rows.map(\.statistics))
        self.multiplyAdds = try GraphSummary.sum(rows.map(\.multiplyAdds))
        self.torchinfoMultAdds = try GraphSummary.sum(rows.map(\.torchinfoMultAdds))
        self.parameterBytes = try Checked.product(Checked.sum(parameters, statistics), 4)
        self.activationBytes = bytes
        let inputBytes = try Checked.product(self.input.elementCount, 4)
        let learnedBytes = try Checked.product(parameters, 4)
        self.sizes = Sizes(
            input: inputBytes, forwardBackward: results, parameters: learnedBytes,
            total: try Checked.sum(try Checked.sum(inputBytes, results), learnedBytes))
        self.rows = rows
        self.sources = sources
        self.readers = readers
    }

    private static func sum(_ numbers: [Int]) throws(ZooError) -> Int {
        var result = 0
        for number in numbers { result = try Checked.sum(result, number) }
        return result
    }
}

extension GraphSummary.Row {
    fileprivate init(
        _ node: Node, inputs: [TensorShape], output: TensorShape, isFrozen: Bool,
        keys: [ParameterPath: String]
    ) {
        let shared = node.sharing.map { "shared with \($0)" }
        let details = [node.layer.details, shared ?? ""].filter { !$0.isEmpty }
        let parameters = shared == nil ? node.layer.parameterCount : 0
        self.init(
            path: node.path, kind: node.layer.kind, details: details.joined(separator: ", "), inputs: inputs,
            output: output, kernel: node.layer.window, parameters: parameters,
            trainable: isFrozen ? 0 : parameters,
            statistics: shared == nil ? node.layer.statisticCount : 0,
            multiplyAdds: node.layer.multiplyAdds(output: output),
            torchinfoMultAdds: node.layer.torchinfoMultAdds(output: output),
            variables: node.parameters.map {
                GraphSummary.Variable(path: $0.path, key: keys[$0.path], shape: $0.shape)
            })
    }
}
