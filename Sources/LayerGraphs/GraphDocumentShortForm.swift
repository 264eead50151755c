import ZooTensors

/// The form of a graph document that people write: what is usual may be left out, and squares are one number.
///
/// - `inputs` may be left out: a layer then reads the one before it, the first one the input.
/// - `kernel`, `stride`, `window` and their like may be one number for height and width; `padding` and `cropping` one
///   number for all sides, or two for top and bottom, left and right.
/// - Members that PyTorch's layers have defaults for have the same ones; a pooling's `stride` is its `window`.
/// - `key` names a layer in the state dict, where that isn't its path: `"key": "conv_1"` for `conv_1.weight`.
/// - `output` is the last layer and `architecture` is `custom` when they aren't said.
///
/// What changes results and has no right default is never left out: `epsilon`, `keeps_dimensions`, the operation of a
/// pooling, every number of channels and features.
extension GraphDocument {
    /// What may be left out of a layer, by its kind.
    private static let defaults: [String: [(member: String, value: JSONValue)]] = [
        "convolution": [
            ("stride", [1, 1]), ("padding", [0, 0, 0, 0]), ("dilation", [1, 1]), ("groups", 1),
            ("bias", true),
        ],
        "transposed_convolution": [
            ("stride", [1, 1]), ("padding", [0, 0, 0, 0]), ("output_padding", [0, 0]), ("dilation", [1, 1]),
            ("groups", 1), ("bias", true),
        ],
        "linear": [("bias", true)],
        "batch_normalization": [
            ("momentum", 0.1), ("scale", true), ("center", true), ("biased_variance", false),
        ],
        "pooling": [("padding", [0, 0, 0, 0]), ("ceil_mode", false), ("counts_padding", true)],
        "flatten": [("order", "chw")],
        "reshape": [("order", "chw")],
        "concatenate": [("axis", 1)],
    ]

    /// What may be left out of a function.
    private static let functionDefaults: [(function: String, member: String, value: JSONValue)] = [
        ("leaky_relu", "slope", 0.01), ("elu", "alpha", 1),
    ]

    /// Members that are a height and a width.
    private static let extents: Set = [
        "kernel", "stride", "dilation", "output_padding", "window", "output", "factor",
    ]
    /// Members that are numbers of rows and columns at the top, left, bottom and right.
    private static let sides: Set = ["padding", "cropping"]

    // MARK: Reading

    /// A document with everything said that may be left out.
    static func completed(_ document: JSONValue) -> JSONValue {
        guard var object = document.objectValue, let nodes = document["nodes"]?.arrayValue else {
            return document
        }
        var list: [JSONValue] = []
        var previous = LayerGraph.inputPath
        for node in nodes {
            list.append(completed(node, behind: previous))
            previous = node["path"]?.stringValue ?? previous
        }
        object["nodes"] = .array(list)
        object["architecture"] = object["architecture"] ?? "custom"
        object["output"] = object["output"] ?? .string(previous)
        return .object(object)
    }

    private static func completed(_ node: JSONValue, behind previous: String) -> JSONValue {
        guard var object = node.objectValue else { return node }
        object["inputs"] = object["inputs"] ?? [.string(previous)]
        for (member, value) in object.members {
            if extents.contains(member), let side = value.intValue {
                object[member] = [.integer(side), .integer(side)]
            } else if sides.contains(member), let side = value.intValue {
                object[member] = .array([JSONValue](repeating: .integer(side), count: 4))
            } else if sides.contains(member), let pair = value.intArrayValue, pair.count == 2 {
                object[member] = .array((pair + pair).map { .integer($0) })
            }
        }
        let kind = object["layer"]?.stringValue ?? ""
        for (member, value) in defaults[kind] ?? [] where object[member] == nil { object[member] = value }
        for (function, member, value) in functionDefaults
        where kind == "activation" && object["function"]?.stringValue == function && object[member] == nil {
            object[member] = value
        }
        if kind == "pooling", object["stride"] == nil { object["stride"] = object["window"] }
        if let key = object["key"]?.stringValue, object["keys"] == nil {
            object["key"] = nil
            var keys = JSONObject()
            for role in ParameterRole.allCases { keys[role.rawValue] = .string("\(key).\(role.rawValue)") }
            object["keys"] = .object(keys)
        }
        return .object(object)
    }

    // MARK: Writing

    /// A graph as people write one: a line a layer, and nothing that may be left out. ``read(_:)`` reads it back.
    /// - Parameter keys: the key that each parameter has in its source file, where it isn't its own name.
    public static func shortText(_ graph: LayerGraph, keys: [ParameterPath: String] = [:]) -> String {
        shortText(
            architecture: graph.architecture, input: graph.input, head: graph.head, nodes: graph.nodes,
            output: graph.output, keys: keys)
    }

    /// What stands in a document for a number or a word that somebody has to fill in.
    package static let blank = "?"

    /// Layers as people write them, perhaps with comments and blanks.
    /// - Parameters:
    ///   - comment: about the whole.
    ///   - comments: about layers, by their paths.
    ///   - blanks: for each member, the paths of the layers where it is to be filled in.
    package static func shortText(
        architecture: String, input: InputShape?, head: String?, nodes: [Node], output: String? = nil,
        keys: [ParameterPath: String] = [:], comment: String? = nil, comments: [String: String] = [:],
        blanks: [String: [String]] = [:]
    ) -> String {
        let size = input.map { "[\($0.channels), \($0.height), \($0.width)]" } ?? "\"\(blank)\""
        var lines = ["{", "  \"schema\": \"\(schema)\","]
        if let comment { lines.append("  \"comment\": \(JSONValue.string(comment).text()),") }
        lines += [
            "  \"architecture\": \(JSONValue.string(architecture).text()),", "  \"input\": \(size),",
        ]
        if let head { lines.append("  \"head\": \(JSONValue.string(head).text()),") }
        if let output, output != nodes.last?.path {
            lines.append("  \"output\": \(JSONValue.string(output).text()),")
        }
        lines.append("  \"nodes\": [")
        var previous = LayerGraph.inputPath
        for (index, node) in nodes.enumerated() {
            var members = members(of: node, behind: previous, keys: keys)
            for (member, paths) in blanks where paths.contains(node.path) {
                let value: JSONValue = member == "inputs" ? [.string(blank)] : .string(blank)
                if let place = members.firstIndex(where: { $0.0 == member }) {
                    members[place].1 = value
                } else {
                    members.append((member, value))
                }
            }
            if let comment = comments[node.path] { members.append(("comment", .string(comment))) }
            let text = members.map { "\(JSONValue.string($0.0).text()): \($0.1.text())" }.joined(
                separator: ", ")
            lines.append("    {\(text)}\(index < nodes.count - 1 ? "," : "")")
            previous = node.path
        }
        return (lines + ["  ]", "}"]).joined(separator: "\n") + "\n"
    }

    private static func members(
        of node: Node, behind previous: String, keys: [ParameterPath: String]
    ) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [("path", .string(node.path))]
        let own = LayerDocument.members(of: node.layer)
        let kind = own.first { $0.0 == "layer" }?.1.stringValue ?? ""
        let window = own.first { $0.0 == "window" }?.1
        for (member, value) in own {
            if (defaults[kind] ?? []).contains(where: { $0.member == member && $0.value == value }) {
                continue
            }
            if kind == "pooling", member == "stride", value == window { continue }
            let numbers = value.intArrayValue ?? []
            let isSquare = numbers.count == (extents.contains(member) ? 2 : sides.contains(member) ? 4 : 0)
            let first = numbers.first ?? 0
            members.append((member, isSquare && Set(numbers).count == 1 ? .integer(first) : value))
        }
        if node.inputs != [previous] { members.append(("inputs", .array(node.inputs.map { .string($0) }))) }
        if let owner = node.sharing { members.append(("shared_with", .string(owner))) }
        let named = node.parameters.map(\.path).filter { keys[$0] != nil && keys[$0] != $0.description }
        let modules = Set(
            named.map { path -> String? in
                let ending = ".\(path.role.rawValue)"
                guard let key = keys[path], key.hasSuffix(ending) else { return nil }
                return String(key.dropLast(ending.count))
            })
        if modules.count == 1, let module = modules.first ?? nil, named.count == node.parameters.count {
            members.append(("key", .string(module)))
        } else if !named.isEmpty {
            var object = JSONObject()
            for path in named { object[path.role.rawValue] = keys[path].map { .string($0) } }
            members.append(("keys", .object(object)))
        }
        return members
    }
}
