extension LayerGraph {
    /// The network as a graph in Graphviz' language: a box a layer, top to bottom.
    /// - Parameter depth: levels of modules that are opened; `nil` for all.
    public func dot(_ summary: GraphSummary, depth: Int? = nil) -> String {
        let boxes = GraphSketch(self, summary, depth: depth).boxes
        var lines = [
            "digraph \"\(escaped(architecture))\" {", "  rankdir=TB;",
            "  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];",
            "  edge [color=\"#6b7280\", arrowsize=0.7];",
        ]
        for (index, box) in boxes.enumerated() {
            let text = [
                box.path, [box.kind, box.details].filter { !$0.isEmpty }.joined(separator: " "), box.shape,
            ]
            let label = text.map(escaped).joined(separator: "\\n")
            lines.append(
                "  n\(index) [label=\"\(label)\", fillcolor=\"\(DrawingColors.light(box.category).fill)\"];")
        }
        for (index, box) in boxes.enumerated() {
            for source in box.sources { lines.append("  n\(source) -> n\(index);") }
        }
        return lines.joined(separator: "\n") + "\n}\n"
    }

    /// Text inside quotation marks of Graphviz' language.
    private func escaped(_ text: String) -> String {
        String(
            text.flatMap { character -> [Character] in
                switch character {
                case "\"", "\\": ["\\", character]
                case _ where character.isNewline: [" "]
                default: [character]
                }
            })
    }
}
