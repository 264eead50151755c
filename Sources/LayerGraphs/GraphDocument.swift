public import ZooTensors

/// A graph as a JSON document, schema `menagerie/graph/1`, and back.
public enum GraphDocument {
    /// The schema's name and version.
    public static let schema = "menagerie/graph/1"

    /// Writes a graph.
    /// - Parameter keys: the key that each parameter has in its source file, where one is known.
    public static func json(_ graph: LayerGraph, keys: [ParameterPath: String] = [:]) -> JSONValue {
        var document: JSONObject = [
            "schema": .string(schema), "architecture": .string(graph.architecture),
            "input": [
                .integer(graph.input.channels), .integer(graph.input.height), .integer(graph.input.width),
            ],
            "output": .string(graph.output),
            "nodes": .array(graph.nodes.map { node in self.json(node, keys: keys) }),
        ]
        if let head = graph.head { document["head"] = .string(head) }
        if !graph.parts.isEmpty {
            document["parts"] = .array(
                graph.parts.map { part in
                    ["name": .string(part.name), "nodes": .array(part.nodes.map { .string($0) })]
                })
        }
        return .object(document)
    }

    /// Reads a graph and the parameters' keys.
    /// - Throws: ``ZooError`` for another schema, an unknown layer, or a graph that contradicts itself.
    public static func parse(
        _ json: JSONValue
    ) throws(ZooError) -> (graph: LayerGraph, keys: [ParameterPath: String]) {
        guard json["schema"]?.stringValue == schema else {
            throw ZooError(
                .unsupported, "the graph document has another schema", expected: schema,
                found: json["schema"]?.stringValue ?? "none",
                remedy: "It was written by another version of Menagerie.")
        }
        guard let input = json["input"]?.intArrayValue, input.count == 3,
            input.allSatisfy({ (1...65_536).contains($0) }),
            let nodes = json["nodes"]?.arrayValue, let architecture = json["architecture"]?.stringValue,
            let output = json["output"]?.stringValue
        else { throw ZooError(.corrupt, "the graph document lacks its input, nodes, architecture or output") }
        var keys: [ParameterPath: String] = [:]
        var list: [Node] = []
        for entry in nodes { list.append(try node(entry, keys: &keys)) }
        let graph = try LayerGraph(
            architecture: architecture,
            input: InputShape(channels: input[0], height: input[1], width: input[2]), nodes: list,
            output: output, head: json["head"]?.stringValue, parts: try parts(json["parts"]))
        _ = try graph.shapes(batch: 1)
        return (graph, keys)
    }

    /// Documents of earlier versions have no parts.
    private static func parts(_ json: JSONValue?) throws(ZooError) -> [LayerGraph.Part] {
        guard let json else { return [] }
        guard let entries = json.arrayValue else {
            throw ZooError(.corrupt, "the parts of the graph document are no list")
        }
        var result: [LayerGraph.Part] = []
        for entry in entries {
            guard let name = entry["name"]?.stringValue, let nodes = entry["nodes"]?.arrayValue,
                nodes.allSatisfy({ $0.stringValue != nil })
            else { throw ZooError(.corrupt, "a part of the graph document has no name or no nodes") }
            result.append(LayerGraph.Part(name, nodes: nodes.compactMap(\.stringValue)))
        }
        return result
    }

    private static func json(_ node: Node, keys: [ParameterPath: String]) -> JSONValue {
        var object: JSONObject = [
            "path": .string(node.path), "inputs": .array(node.inputs.map { .string($0) }),
        ]
        if let owner = node.sharing { object["shared_with"] = .string(owner) }
        for (key, value) in LayerDocument.members(of: node.layer) { object[key] = value }
        var named = JSONObject()
        for parameter in node.parameters {
            if let key = keys[parameter.path] { named[parameter.path.role.rawValue] = .string(key) }
        }
        if named.count > 0 { object["keys"] = .object(named) }
        return .object(object)
    }

    private static func node(
        _ json: JSONValue, keys: inout [ParameterPath: String]
    ) throws(ZooError) -> Node {
        guard let path = json["path"]?.stringValue, let inputs = json["inputs"]?.arrayValue else {
            throw ZooError(.corrupt, "a node of the graph document has no path or no inputs")
        }
        for (role, key) in json["keys"]?.objectValue?.members ?? [] {
            guard let role = ParameterRole(rawValue: role), let key = key.stringValue else {
                throw ZooError(.corrupt, "a key of the graph document is not a parameter's", tensor: path)
            }
            keys[ParameterPath(path, role)] = key
        }
        let names = inputs.compactMap(\.stringValue)
        guard names.count == inputs.count else {
            throw ZooError(.corrupt, "an input of a layer in the graph document is no path", tensor: path)
        }
        var sharing: String?
        if let owner = json["shared_with"] {
            guard let owner = owner.stringValue else {
                throw ZooError(
                    .corrupt, "a layer of the graph document has no valid member \"shared_with\"",
                    tensor: path)
            }
            sharing = owner
        }
        let layer = try LayerReader(json: json, path: path).layer()
        return Node(path, layer, inputs: names, sharing: sharing)
    }
}
