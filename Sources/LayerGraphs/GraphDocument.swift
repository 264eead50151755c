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
            output: output,
            head: json["head"]?.stringValue)
        _ = try graph.shapes(batch: 1)
        return (graph, keys)
    }

    private static func json(_ node: Node, keys: [ParameterPath: String]) -> JSONValue {
        var object: JSONObject = [
            "path": .string(node.path), "inputs": .array(node.inputs.map { .string($0) }),
        ]
        for (key, value) in layerMembers(node.layer) { object[key] = value }
        var named = JSONObject()
        for parameter in node.layer.parameterShapes {
            if let key = keys[ParameterPath(node.path, parameter.role)] {
                named[parameter.role.rawValue] = .string(key)
            }
        }
        if named.count > 0 { object["keys"] = .object(named) }
        return .object(object)
    }

    private static func layerMembers(_ layer: Layer) -> [(String, JSONValue)] {
        func pair(_ extent: Extent) -> JSONValue { [.integer(extent.height), .integer(extent.width)] }
        func sides(_ padding: Padding) -> JSONValue {
            [
                .integer(padding.top), .integer(padding.left), .integer(padding.bottom),
                .integer(padding.right),
            ]
        }
        switch layer {
        case .convolution(let layer):
            return [
                ("layer", "convolution"), ("input_channels", .integer(layer.inputChannels)),
                ("output_channels", .integer(layer.outputChannels)), ("kernel", pair(layer.kernel)),
                ("stride", pair(layer.stride)), ("padding", sides(layer.padding)),
                ("dilation", pair(layer.dilation)), ("groups", .integer(layer.groups)),
                ("bias", .bool(layer.hasBias)),
            ]
        case .linear(let layer):
            return [
                ("layer", "linear"), ("input_features", .integer(layer.inputFeatures)),
                ("output_features", .integer(layer.outputFeatures)), ("bias", .bool(layer.hasBias)),
            ]
        case .activation(let function):
            return [("layer", "activation"), ("function", .string(function.rawValue))]
        case .pooling(let layer):
            return [
                ("layer", "pooling"), ("operation", .string(layer.operation.rawValue)),
                ("window", pair(layer.window)), ("stride", pair(layer.stride)),
                ("padding", sides(layer.padding)),
                ("ceil_mode", .bool(layer.ceilMode)), ("counts_padding", .bool(layer.countsPadding)),
            ]
        case .flatten(let order): return [("layer", "flatten"), ("order", .string(order.rawValue))]
        case .softmax: return [("layer", "softmax")]
        case .dropout(let probability): return [("layer", "dropout"), ("probability", .number(probability))]
        }
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
        let reader = MemberReader(json: json, path: path)
        return Node(path, try reader.layer(), inputs: inputs.compactMap(\.stringValue))
    }

    /// Reads a layer's members with errors that name the node.
    private struct MemberReader {
        let json: JSONValue
        let path: String

        func layer() throws(ZooError) -> Layer {
            switch json["layer"]?.stringValue {
            case "convolution":
                return .convolution(
                    Convolution(
                        try integer("input_channels"), try integer("output_channels"),
                        kernel: try extent("kernel"),
                        stride: try extent("stride"), padding: try padding("padding"),
                        dilation: try extent("dilation"), groups: try integer("groups"),
                        hasBias: try bool("bias")))
            case "linear":
                return .linear(
                    Linear(
                        try integer("input_features"), try integer("output_features"),
                        hasBias: try bool("bias")))
            case "activation": return .activation(try choice("function"))
            case "pooling":
                return .pooling(
                    Pooling(
                        try choice("operation"), window: try extent("window"), stride: try extent("stride"),
                        padding: try padding("padding"), ceilMode: try bool("ceil_mode"),
                        countsPadding: try bool("counts_padding")))
            case "flatten": return .flatten(try choice("order"))
            case "softmax": return .softmax
            case "dropout":
                guard let probability = json["probability"]?.doubleValue, (0..<1).contains(probability) else {
                    throw invalid("probability")
                }
                return .dropout(probability: probability)
            default: throw invalid("layer")
            }
        }

        private func invalid(_ member: String) -> ZooError {
            ZooError(
                .corrupt, "a layer of the graph document has no valid member \"\(member)\"", tensor: path)
        }

        private func integer(_ member: String) throws(ZooError) -> Int {
            guard let value = json[member]?.intValue, (0...(1 << 24)).contains(value) else {
                throw invalid(member)
            }
            return value
        }

        private func bool(_ member: String) throws(ZooError) -> Bool {
            guard let value = json[member]?.boolValue else { throw invalid(member) }
            return value
        }

        private func integers(_ member: String, count: Int) throws(ZooError) -> [Int] {
            guard let values = json[member]?.intArrayValue, values.count == count,
                values.allSatisfy({ (0...(1 << 24)).contains($0) })
            else { throw invalid(member) }
            return values
        }

        private func extent(_ member: String) throws(ZooError) -> Extent {
            let values = try integers(member, count: 2)
            return Extent(values[0], values[1])
        }

        private func padding(_ member: String) throws(ZooError) -> Padding {
            let values = try integers(member, count: 4)
            return Padding(top: values[0], left: values[1], bottom: values[2], right: values[3])
        }

        private func choice<Choice: RawRepresentable<String>>(_ member: String) throws(ZooError) -> Choice {
            guard let value = json[member]?.stringValue.flatMap(Choice.init(rawValue:)) else {
                throw invalid(member)
            }
            return value
        }
    }
}
