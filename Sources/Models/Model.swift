public import ZooLayerGraphs
public import ZooTensors

/// Where a model came from and what was done to it since.
public struct Provenance: Sendable, Hashable {
    /// Name of the file that it was converted from, without its folder.
    public var source: String?
    /// Format of that file, as ``ZooCheckpoints/CheckpointFormat`` names it.
    public var format: String?
    /// The dialect that the file's names and layouts follow, `pytorch`, `keras`.
    public var dialect: String?
    /// The library whose names and numbers the file follows, `torchvision`, `timm-tf`, where that is known.
    public var naming: String?
    /// What the source applies to the logits at the end (`softmax`), which the graph leaves out.
    public var outputActivation: String?
    /// Where a Keras model has its channels, `channels_first`; `nil` for the usual way, behind the columns.
    public var dataFormat: String?
    /// The batches that each BatchNorm has counted (PyTorch's `num_batches_tracked`), by path; they compute nothing.
    public var batchCounters: [String: Int]
    /// What was assumed because the source doesn't say, one sentence each.
    public var assumptions: [String]
    /// What was done since, one sentence each, oldest first.
    public var history: [String]

    /// Nothing known.
    public init(
        source: String? = nil, format: String? = nil, dialect: String? = nil, naming: String? = nil,
        outputActivation: String? = nil, dataFormat: String? = nil, batchCounters: [String: Int] = [:],
        assumptions: [String] = [], history: [String] = []
    ) {
        self.source = source
        self.format = format
        self.dialect = dialect
        self.naming = naming
        self.outputActivation = outputActivation
        self.dataFormat = dataFormat
        self.batchCounters = batchCounters
        self.assumptions = assumptions
        self.history = history
    }

    /// The record as JSON.
    public var json: JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        var members: JSONObject = [
            "source": text(source), "format": text(format), "dialect": text(dialect),
            "output_activation": text(outputActivation), "data_format": text(dataFormat),
            "assumptions": .array(assumptions.map { .string($0) }),
            "history": .array(history.map { .string($0) }),
        ]
        if let naming { members["naming"] = .string(naming) }
        if !batchCounters.isEmpty {
            var counters = JSONObject()
            for (path, count) in batchCounters.sorted(by: { $0.key < $1.key }) {
                counters[path] = .integer(count)
            }
            members["batch_counters"] = .object(counters)
        }
        return .object(members)
    }

    /// Reads the record back; what is missing stays unknown.
    public init(json: JSONValue) {
        var counters: [String: Int] = [:]
        for (path, count) in json["batch_counters"]?.objectValue?.members ?? [] {
            if let count = count.intValue { counters[path] = count }
        }
        self.init(
            source: json["source"]?.stringValue, format: json["format"]?.stringValue,
            dialect: json["dialect"]?.stringValue, naming: json["naming"]?.stringValue,
            outputActivation: json["output_activation"]?.stringValue,
            dataFormat: json["data_format"]?.stringValue, batchCounters: counters,
            assumptions: json["assumptions"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            history: json["history"]?.arrayValue?.compactMap(\.stringValue) ?? [])
    }
}

/// A network with its numbers and all that is needed to use it on pictures.
public struct Model: Sendable {
    /// The layers.
    public let graph: LayerGraph
    /// A tensor for every parameter of the graph, `f32`, canonical layout, in the graph's order.
    public let parameters: ParameterTable
    /// The key that each parameter had in its source file.
    public let keys: [ParameterPath: String]
    /// What turns a picture into the network's input.
    public let preprocessing: Preprocessing
    /// Names of the classes, one per row of the head; `nil` when unknown.
    public let labels: [String]?
    /// Where it came from.
    public let provenance: Provenance

    /// Puts a model together.
    /// - Throws: ``ZooError`` when a parameter is missing or misshapen, or the number of labels isn't the head's.
    public init(
        graph: LayerGraph, parameters: ParameterTable, keys: [ParameterPath: String] = [:],
        preprocessing: Preprocessing, labels: [String]? = nil, provenance: Provenance = Provenance()
    ) throws(ZooError) {
        var ordered = ParameterTable()
        for specification in graph.parameters {
            ordered[specification.path] = try parameters.required(specification)
        }
        if let labels, let classes = graph.classCount, labels.count != classes {
            throw ZooError(
                .mismatch, "the number of class names isn't the number of classes", expected: "\(classes)",
                found: "\(labels.count)",
                remedy: "Name every class once, or give the model another head with zoo surgery.")
        }
        self.graph = graph
        self.parameters = ordered
        self.keys = keys
        self.preprocessing = preprocessing
        self.labels = labels
        self.provenance = provenance
    }

    /// The same model with other numbers.
    public func with(parameters: ParameterTable) throws(ZooError) -> Model {
        try Model(
            graph: graph, parameters: parameters, keys: keys, preprocessing: preprocessing, labels: labels,
            provenance: provenance)
    }

    /// The same model for pictures that are prepared in another way.
    public func with(preprocessing: Preprocessing) throws(ZooError) -> Model {
        try Model(
            graph: graph, parameters: parameters, keys: keys, preprocessing: preprocessing, labels: labels,
            provenance: provenance)
    }

    /// The same model with other names of its classes.
    /// - Throws: ``ZooError`` when their number isn't the head's.
    public func with(labels: [String]) throws(ZooError) -> Model {
        try Model(
            graph: graph, parameters: parameters, keys: keys, preprocessing: preprocessing, labels: labels,
            provenance: provenance)
    }
}
