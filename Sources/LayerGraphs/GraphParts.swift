public import ZooTensors

extension LayerGraph {
    /// A named group of layers: `stem`, `stage1`, `body`, `head`, `classifier`.
    public struct Part: Sendable, Hashable {
        /// The name.
        public let name: String
        /// Paths of its layers, in computing order.
        public let nodes: [String]

        /// A group of layers.
        public init(_ name: String, nodes: [String]) {
            self.name = name
            self.nodes = nodes
        }
    }

    /// The parts that the graph answers to: those that it names itself, and where it doesn't, `body` (all that the
    /// classes aren't told apart by yet: the layers before the head) and `head` (the last linear layer).
    public var namedParts: [Part] {
        var result = parts
        guard let head, let position = position(of: head) else {
            if !parts.contains(where: { $0.name == "body" }) {
                result.append(Part("body", nodes: nodes.map(\.path)))
            }
            return result
        }
        if !parts.contains(where: { $0.name == "body" }) {
            result.append(Part("body", nodes: nodes[..<position].map(\.path)))
        }
        if !parts.contains(where: { $0.name == "head" }) { result.append(Part("head", nodes: [head])) }
        return result
    }

    /// The layers that a name stands for: a part (`stage2`), a layer's path, or what several paths begin with
    /// (`layer3`, `features.2`). A part goes first, then a path.
    /// - Throws: ``ZooError`` with the nearest names when there are none.
    public func nodes(in name: String) throws(ZooError) -> [Node] {
        let named = namedParts
        if let part = named.first(where: { $0.name == name }) { return part.nodes.compactMap { self[$0] } }
        if let node = self[name] { return [node] }
        let below = nodes.filter { $0.path.hasPrefix(name + ".") }
        guard name.isEmpty || below.isEmpty else { return below }
        let near = nearest(to: name, among: named.map(\.name) + containers + nodes.map(\.path))
        let known = named.map(\.name).joined(separator: ", ")
        throw ZooError(
            .invalidArgument, "the network has no part and no layer with this name", tensor: name,
            remedy: near.isEmpty
                ? "Its parts are \(known); `zoo summary` lists the layers' paths."
                : "Did you mean \(near.joined(separator: " or "))?")
    }

    /// What paths begin with, without the last dot, each once and in order.
    private var containers: [String] {
        var seen: Set<String> = []
        var result: [String] = []
        for node in nodes {
            var path = node.path[...]
            while let dot = path.lastIndex(of: ".") {
                path = path[..<dot]
                if seen.insert(String(path)).inserted { result.append(String(path)) }
            }
        }
        return result
    }

    /// Refuses parts that can't be told apart or that have layers which aren't there.
    static func check(_ parts: [Part], nodes: [String: Int]) throws(ZooError) {
        var names: Set<String> = []
        for part in parts {
            guard !part.name.isEmpty, names.insert(part.name).inserted else {
                throw ZooError(
                    .corrupt, "a part's name is empty or stands twice in the graph", tensor: part.name)
            }
            if let stranger = part.nodes.first(where: { nodes[$0] == nil }) {
                throw ZooError(
                    .corrupt, "the part \"\(part.name)\" has a layer that the graph lacks", tensor: stranger)
            }
        }
    }
}
