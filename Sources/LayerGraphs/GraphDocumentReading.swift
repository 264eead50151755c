public import ZooTensors

extension GraphDocument {
    /// A document that somebody wrote.
    public struct Contents: Sendable, Hashable {
        /// The network.
        public let graph: LayerGraph
        /// The key that each parameter has in a state dict, where that isn't the parameter's own name.
        public let keys: [ParameterPath: String]
    }

    private static let maximumByteCount = 64 << 20
    private static let advice =
        "Correct the document; zoo graph show lenet shows a whole one, schemas/graph.schema.json says what may stand in it."

    /// Reads a document that somebody wrote, in its short form or with everything said.
    /// - Throws: ``ZooError`` that names the layer's path, what was expected and what was found: for a layer of no
    ///   known kind, a member that is missing, unknown or of the wrong sort, a path that stands twice or that nothing
    ///   bears, a circle, and a shape that doesn't fit.
    public static func read(path: String) throws(ZooError) -> Contents {
        do throws(ZooError) {
            let source = try ByteSource(path: path)
            guard source.count <= maximumByteCount else {
                throw ZooError(.limitExceeded, "the graph document is longer than 64 MiB")
            }
            return try read(JSONParser.parse(source.allBytes()))
        } catch {
            throw error.code == .fileNotFound
                ? error.adding(file: path) : error.adding(file: path, remedy: advice)
        }
    }

    /// Reads a document's content.
    public static func read(_ document: JSONValue) throws(ZooError) -> Contents {
        guard document["schema"]?.stringValue == schema else {
            throw ZooError(
                .unsupported, "this is no graph document", expected: "the schema \(schema)",
                found: document["schema"]?.stringValue ?? "none", remedy: advice)
        }
        for member in document.objectValue?.members ?? [] where !members.contains(member.key) {
            let near = nearest(to: member.key, among: members)
            throw ZooError(
                .corrupt, "the graph document has a member \"\(member.key)\" that means nothing",
                expected: near.isEmpty ? members.joined(separator: ", ") : near.joined(separator: " or "),
                remedy: advice)
        }
        try checkBlanks(document)
        let whole = completed(document)
        guard let nodes = whole["nodes"]?.arrayValue, !nodes.isEmpty else {
            throw ZooError(.corrupt, "the graph document has no nodes", remedy: advice)
        }
        do throws(ZooError) {
            try checkReferences(nodes)
            let (graph, keys) = try parse(whole)
            for (node, entry) in zip(graph.nodes, nodes) { try checkMembers(of: node, in: entry) }
            let own = Set(graph.parameters.map(\.path))
            return Contents(graph: graph, keys: keys.filter { own.contains($0.key) })
        } catch {
            throw error.adding(remedy: advice)
        }
    }

    /// Refuses a draft in which blanks are left.
    private static func checkBlanks(_ document: JSONValue) throws(ZooError) {
        func unfilled(_ member: String, in path: String?, _ expected: String) -> ZooError {
            ZooError(
                .invalidArgument, "the graph document's \"\(member)\" is still to be filled in", tensor: path,
                expected: expected, found: "\"\(Self.blank)\"")
        }
        if document["input"]?.stringValue == Self.blank {
            throw unfilled("input", in: nil, "[channels, height, width]")
        }
        for node in document["nodes"]?.arrayValue ?? [] {
            for (member, value) in node.objectValue?.members ?? []
            where value.stringValue == Self.blank || value.arrayValue == [.string(Self.blank)] {
                let expected =
                    [
                        "function": Activation.names.joined(separator: ", "),
                        "operation": "maximum or average",
                    ][member]
                throw unfilled(member, in: node["path"]?.stringValue, expected ?? "what tensors don't show")
            }
        }
    }

    private static let members = ["schema", "architecture", "input", "output", "head", "nodes", "comment"]
    private static let nodeMembers = ["path", "layer", "inputs", "shared_with", "keys", "comment"]

    /// Refuses members that the layer doesn't have: a misspelt one would be passed over.
    private static func checkMembers(of node: Node, in entry: JSONValue) throws(ZooError) {
        if entry["key"] != nil {
            throw ZooError(
                .corrupt, "a layer of the graph document has a key that is no text, or keys beside it",
                tensor: node.path, expected: "key, or keys for each parameter")
        }
        let known = nodeMembers + LayerDocument.members(of: node.layer).map(\.0)
        for member in entry.objectValue?.members ?? [] where !known.contains(member.key) {
            let near = nearest(to: member.key, among: known)
            throw ZooError(
                .corrupt,
                "a layer of the graph document has a member \"\(member.key)\" that means nothing there",
                tensor: node.path,
                expected: near.isEmpty
                    ? known.dropFirst(2).joined(separator: ", ") : near.joined(separator: " or "))
        }
        let roles = Set(node.parameters.map(\.path.role.rawValue))
        let isShort = entry["keys"]?.objectValue?.members.count == ParameterRole.allCases.count
        for member in entry["keys"]?.objectValue?.members ?? [] where !isShort && !roles.contains(member.key)
        {
            throw ZooError(
                .corrupt, "a layer of the graph document names the key of a parameter that it doesn't have",
                tensor: node.path,
                expected: roles.isEmpty ? "no keys" : roles.sorted().joined(separator: ", "),
                found: member.key)
        }
    }

    /// Refuses paths that stand twice, inputs that nothing bears, and layers that wait for themselves.
    private static func checkReferences(_ nodes: [JSONValue]) throws(ZooError) {
        var places: [String: Int] = [LayerGraph.inputPath: -1]
        for (place, node) in nodes.enumerated() {
            guard let path = node["path"]?.stringValue, !path.isEmpty else {
                throw ZooError(
                    .corrupt, "a layer of the graph document has no path",
                    tensor: place > 0
                        ? "after \(nodes[place - 1]["path"]?.stringValue ?? "the first")" : "the first")
            }
            if let first = places.updateValue(place, forKey: path) {
                throw ZooError(
                    .corrupt,
                    first < 0
                        ? "a layer has the path that stands for the network's input"
                        : "two layers have one path",
                    tensor: path, expected: "a path of its own",
                    found: first < 0 ? nil : "layers \(first + 1) and \(place + 1)")
            }
        }
        var sources: [[Int]] = []
        for node in nodes {
            let path = node["path"]?.stringValue
            var list: [Int] = []
            for input in node["inputs"]?.arrayValue ?? [] {
                guard let name = input.stringValue, let place = places[name] else {
                    let near = nearest(to: input.stringValue ?? "", among: Array(places.keys))
                    throw ZooError(
                        .corrupt, "a layer reads what no layer gives", tensor: path,
                        expected: near.isEmpty
                            ? "the path of a layer, or input" : near.joined(separator: " or "),
                        found: input.text())
                }
                list.append(place)
            }
            sources.append(list)
        }
        for (place, list) in sources.enumerated() {
            guard let later = list.first(where: { $0 >= place }) else { continue }
            let names = nodes.map { $0["path"]?.stringValue ?? "" }
            if let circle = circle(through: place, sources) {
                throw ZooError(
                    .corrupt, "layers wait for each other in a circle", tensor: names[place],
                    found: GraphDocument.text(circle.map { names[$0] }))
            }
            throw ZooError(
                .corrupt, "a layer stands before one that it reads", tensor: names[place],
                expected: "\(names[later]) first",
                remedy: "List layers in the order in which they are computed.")
        }
    }

    private static func text(_ circle: [String]) -> String {
        let names = circle.count <= 9 ? circle : circle.prefix(4) + ["…"] + circle.suffix(4)
        return names.joined(separator: " reads ")
    }

    /// A way from a layer over what it reads back to itself.
    private static func circle(through start: Int, _ sources: [[Int]]) -> [Int]? {
        // For each layer reached, the one that reads it.
        var readers: [Int: Int] = [:]
        var open = [start]
        while let layer = open.popLast() {
            for source in sources[layer] where source >= 0 {
                if source == start {
                    var way = [start]
                    var place = layer
                    while place != start, let reader = readers[place] {
                        way.append(place)
                        place = reader
                    }
                    return [start] + way.reversed()
                }
                if readers[source] == nil {
                    readers[source] = layer
                    open.append(source)
                }
            }
        }
        return nil
    }
}
