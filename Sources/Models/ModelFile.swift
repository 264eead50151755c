public import ZooCheckpoints
import ZooLayerGraphs
public import ZooTensors

/// The native file, `*.zoo.safetensors`: an ordinary safetensors file whose tensors are named by parameter path,
/// with the model's document in the metadata entry `menagerie`.
public enum ModelFile {
    /// The schema of the document.
    public static let schema = "menagerie/model/1"
    /// The metadata entry that holds the document.
    public static let metadataKey = "menagerie"

    /// Writes a model; the name only ever shows a whole file.
    /// - Parameter typeChange: another type for the numbers than `f32`.
    public static func write(
        _ model: Model, to path: String, typeChange: ElementTypeChange? = nil
    ) throws(ZooError) {
        try write(model, extraTensors: [], extraMetadata: [:], to: path, typeChange: typeChange)
    }

    /// Writes a model with more beside it, such as an optimizer's state; readers of models pass over that.
    package static func write(
        _ model: Model, extraTensors: [NamedTensor], extraMetadata: [String: String], to path: String,
        typeChange: ElementTypeChange? = nil
    ) throws(ZooError) {
        var document: JSONObject = [
            "schema": .string(schema), "graph": GraphDocument.json(model.graph, keys: model.keys),
            "preprocessing": model.preprocessing.json, "provenance": model.provenance.json,
        ]
        if let labels = model.labels { document["labels"] = .array(labels.map { .string($0) }) }
        let tensors = model.parameters.entries.map { NamedTensor($0.path.description, $0.tensor) }
        var metadata = extraMetadata
        metadata["format"] = "pt"
        metadata[metadataKey] = JSONValue.object(document).text()
        try SafetensorsWriter.write(
            (tensors + extraTensors).changed(typeChange), metadata: metadata, to: path)
    }

    /// Whether a checkpoint is a native file.
    public static func isNative(_ checkpoint: Checkpoint) -> Bool { document(of: checkpoint) != nil }

    /// Makes the model of a native file.
    public static func read(_ checkpoint: Checkpoint) throws(ZooError) -> Model {
        do throws(ZooError) {
            return try model(checkpoint)
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    private static func document(of checkpoint: Checkpoint) -> String? {
        checkpoint.extras["__metadata__"]?[metadataKey]?.stringValue
    }

    private static func model(_ checkpoint: Checkpoint) throws(ZooError) -> Model {
        guard let text = document(of: checkpoint) else {
            throw ZooError(
                .unknownFormat, "this is not a native model file",
                remedy: "Convert it first: zoo convert FILE")
        }
        let document = try JSONParser.parse(text)
        guard document["schema"]?.stringValue == schema, let graphDocument = document["graph"],
            let preprocessing = document["preprocessing"]
        else {
            throw ZooError(
                .unsupported, "the model's document has another schema", expected: schema,
                found: document["schema"]?.stringValue ?? "none")
        }
        let (graph, keys) = try GraphDocument.parse(graphDocument)
        var parameters = ParameterTable()
        for specification in graph.parameters {
            let name = specification.path.description
            guard let entry = checkpoint[name] else {
                throw ZooError(.missingTensor, "the file lacks a parameter of its own graph", tensor: name)
            }
            guard entry.shape == specification.shape, entry.elementType.isFloatingPoint else {
                throw ZooError(
                    .mismatch, "a tensor doesn't fit the file's own graph", tensor: name,
                    expected: specification.shape.description,
                    found: "\(entry.elementType.rawValue) \(entry.shape)")
            }
            parameters[specification.path] = try entry.load().converted(to: .f32)
        }
        var labels: [String]?
        if let list = document["labels"]?.arrayValue { labels = list.compactMap(\.stringValue) }
        return try Model(
            graph: graph, parameters: parameters, keys: keys,
            preprocessing: Preprocessing(json: preprocessing),
            labels: labels, provenance: Provenance(json: document["provenance"] ?? .null))
    }
}
