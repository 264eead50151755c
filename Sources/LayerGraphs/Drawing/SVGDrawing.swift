/// A network as a picture: SVG that shows itself light or dark as the reader's system is.
struct SVGDrawing {
    private let sketch: GraphSketch
    private let layout: SketchLayout
    private let title: String
    private let subtitle: String
    private static let margin = 24
    private static let header = 86
    private static let bracketGap = 22
    /// Width of a character in proportion to the size of the type.
    private static let characterWidth = 0.6

    init(_ graph: LayerGraph, _ summary: GraphSummary, title: String, depth: Int?) {
        let sketch = GraphSketch(graph, summary, depth: depth)
        let widest = sketch.boxes.map { box in
            max(
                SVGDrawing.width(box.kind + " " + box.details + "   " + box.shape, size: 12),
                SVGDrawing.width(box.path + "   " + SVGDrawing.grouped(box.parameters), size: 11))
        }.max()
        // Modules of one stack say nothing that the boxes don't.
        let deepest = SVGDrawing.modules(of: sketch).map(\.depth).max() ?? 0
        self.sketch = sketch
        self.title = title
        self.subtitle =
            "input \(summary.input.dimensions.dropFirst().map(String.init).joined(separator: "×"))  ·  "
            + "\(SVGDrawing.grouped(summary.parameters)) parameters  ·  "
            + "\(SVGDrawing.grouped(summary.multiplyAdds)) multiply-adds"
        self.layout = SketchLayout(
            sketch, boxWidth: min(max((widest ?? 0) + 34, 230), 490),
            left: SVGDrawing.margin + deepest * SVGDrawing.bracketGap, top: SVGDrawing.header)
    }

    /// The document.
    var text: String {
        let (legend, legendEnd) = legend
        let heading = max(SVGDrawing.width(title, size: 19), SVGDrawing.width(subtitle, size: 12))
        let width = max(layout.right, legendEnd, SVGDrawing.margin + heading) + SVGDrawing.margin
        let height = layout.bottom + SVGDrawing.margin
        var parts = [
            """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" \
            role="img" aria-label="\(escaped(title))">
            <title>\(escaped(title))</title>
            <style>
            \(style)
            </style>
            <defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" \
            orient="auto"><path d="M0 0.5 8 4 0 7.5Z"/></marker></defs>
            <rect class="ground" width="\(width)" height="\(height)"/>
            <text class="title" x="\(SVGDrawing.margin)" y="32">\(escaped(title))</text>
            <text class="quiet" x="\(SVGDrawing.margin)" y="51" font-size="12">\(escaped(subtitle))</text>
            """
        ]
        parts += legend
        parts += brackets
        parts += layout.arrows.map { "<path class=\"arrow\" d=\"\(SVGDrawing.path($0.corners))\"/>" }
        for (index, stack) in layout.stacks.enumerated() {
            parts += drawing(of: stack, left: layout.left(of: index))
        }
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    // MARK: Parts

    private var style: String {
        func rules(_ colors: (GraphSketch.Category) -> DrawingColors.Pair) -> String {
            GraphSketch.Category.allCases.map {
                ".\($0.rawValue){fill:\(colors($0).fill);stroke:\(colors($0).line)}"
            }.joined(separator: "\n")
        }
        return """
            text{font-family:system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;fill:#1f2328}
            .title{font-size:19px;font-weight:600}.kind{font-weight:600}.quiet{fill:#59636e}
            .ground{fill:#fff}.arrow{fill:none;stroke:#8c959f;stroke-width:1.4;marker-end:url(#tip)}
            #tip path{fill:#8c959f}.bracket{fill:none;stroke:#c3cad2;stroke-width:1.4}
            \(rules(DrawingColors.light))
            @media (prefers-color-scheme:dark){
            text{fill:#e6edf3}.quiet{fill:#9198a1}.ground{fill:#0d1117}
            .arrow{stroke:#7d8590}#tip path{fill:#7d8590}.bracket{stroke:#444c56}
            \(rules(DrawingColors.dark))
            }
            """
    }

    private var legend: (parts: [String], end: Int) {
        var x = SVGDrawing.margin
        var parts: [String] = []
        let present = Set(sketch.boxes.map(\.category))
        for category in GraphSketch.Category.allCases where category != .input && present.contains(category) {
            parts += [
                "<rect class=\"\(category.rawValue)\" x=\"\(x)\" y=\"62\" width=\"11\" height=\"11\" rx=\"2\"/>",
                "<text class=\"quiet\" x=\"\(x + 16)\" y=\"71.5\" font-size=\"11\">\(category.title)</text>",
            ]
            x += 32 + SVGDrawing.width(category.title, size: 11)
        }
        return (parts, x)
    }

    private func drawing(of stack: SketchLayout.Stack, left: Int) -> [String] {
        var parts: [String] = []
        var top = stack.top
        let (inner, end) = (left + 11, left + layout.boxWidth - 11)
        for (place, index) in stack.boxes.enumerated() {
            let box = sketch.boxes[index]
            let height = place == 0 ? SketchLayout.headHeight : SketchLayout.stripHeight
            parts.append(
                "<g><title>\(escaped([box.path, box.kind, box.details, box.shape].joined(separator: " ")))</title>"
                    + "<rect class=\"\(box.category.rawValue)\" x=\"\(left)\" y=\"\(top)\" "
                    + "width=\"\(layout.boxWidth)\" height=\"\(height)\" rx=\"\(place == 0 ? 5 : 3)\"/>")
            let name = box.path == LayerGraph.inputPath ? "" : box.path
            if place == 0 {
                let room = layout.boxWidth - 34
                let details = fitted(
                    box.details, room - SVGDrawing.width(box.kind + "   " + box.shape, size: 12), size: 12)
                parts.append(
                    "<text x=\"\(inner)\" y=\"\(top + 17)\" font-size=\"12\"><tspan class=\"kind\">"
                        + "\(escaped(box.kind))</tspan> \(escaped(details))</text>")
                parts.append(label(box.shape, x: end, y: top + 17, size: 12, end: true))
                let count = box.parameters > 0 ? SVGDrawing.grouped(box.parameters) : ""
                let path = fitted(name, room - SVGDrawing.width(count, size: 11), size: 11, keepsEnd: true)
                parts.append(label(path, x: inner, y: top + 32, size: 11, isQuiet: true))
                parts.append(label(count, x: end, y: top + 32, size: 11, isQuiet: true, end: true))
            } else {
                let room = layout.boxWidth - 34 - SVGDrawing.width(box.kind, size: 11)
                parts.append(label(box.kind, x: inner, y: top + 13, size: 11))
                let path = fitted(name, room, size: 11, keepsEnd: true)
                parts.append(label(path, x: end, y: top + 13, size: 11, isQuiet: true, end: true))
            }
            parts.append("</g>")
            top += height
        }
        return parts.filter { !$0.isEmpty }
    }

    /// A module that is bracketed: all boxes whose paths begin with its own.
    private struct Module {
        let path: String
        let depth: Int
        var boxes: [Int]
    }

    /// Modules of the two outermost levels that have more than one box that isn't a strip.
    private static func modules(of sketch: GraphSketch) -> [Module] {
        var modules: [Module] = []
        var places: [String: Int] = [:]
        for (index, box) in sketch.boxes.enumerated() {
            let names = box.path.split(separator: ".", omittingEmptySubsequences: false)
            for depth in 1...2 where names.count > depth || (names.count == depth && box.category == .module)
            {
                let path = names.prefix(depth).joined(separator: ".")
                if let place = places[path] {
                    modules[place].boxes.append(index)
                } else {
                    places[path] = modules.count
                    modules.append(Module(path: path, depth: depth, boxes: [index]))
                }
            }
        }
        return modules.filter { $0.boxes.count { !sketch.boxes[$0].category.isStrip } > 1 }
    }

    /// Lines at the left of modules, outermost first; of those that stand beside each other only the first.
    private var brackets: [String] {
        var stackOf = [Int](repeating: 0, count: sketch.boxes.count)
        for (index, stack) in layout.stacks.enumerated() { for box in stack.boxes { stackOf[box] = index } }
        var ends = [0, 0, 0]
        var parts: [String] = []
        for module in SVGDrawing.modules(of: sketch) {
            let stacks = module.boxes.map { layout.stacks[stackOf[$0]] }
            guard let top = stacks.map(\.top).min(), let bottom = stacks.map(\.bottom).max(),
                top > ends[module.depth]
            else { continue }
            ends[module.depth] = bottom
            let x = SVGDrawing.margin + (module.depth - 1) * SVGDrawing.bracketGap + 12
            let text = fitted(module.path, bottom - top, size: 11, keepsEnd: true)
            parts.append("<path class=\"bracket\" d=\"M\(x + 5) \(top)H\(x)V\(bottom)H\(x + 5)\"/>")
            parts.append(
                "<text class=\"quiet\" font-size=\"11\" text-anchor=\"middle\" "
                    + "transform=\"translate(\(x - 4) \((top + bottom) / 2)) rotate(-90)\">\(escaped(text))</text>"
            )
        }
        return parts
    }

    private func label(
        _ text: String, x: Int, y: Int, size: Int, isQuiet: Bool = false, end: Bool = false
    ) -> String {
        guard !text.isEmpty else { return "" }
        let style = (isQuiet ? " class=\"quiet\"" : "") + (end ? " text-anchor=\"end\"" : "")
        return "<text\(style) x=\"\(x)\" y=\"\(y)\" font-size=\"\(size)\">\(escaped(text))</text>"
    }

    // MARK: Text

    /// A line through corners, which are rounded.
    private static func path(_ corners: [(x: Int, y: Int)]) -> String {
        guard let first = corners.first, let last = corners.last else { return "" }
        var text = "M\(first.x) \(first.y)"
        for place in corners.indices.dropFirst().dropLast() {
            let (before, corner, behind) = (corners[place - 1], corners[place], corners[place + 1])
            func toward(_ other: (x: Int, y: Int)) -> String {
                let (dx, dy) = (other.x - corner.x, other.y - corner.y)
                let reach = min(4, max(abs(dx), abs(dy)) / 2)
                return "\(corner.x + dx.signum() * reach) \(corner.y + dy.signum() * reach)"
            }
            text += "L\(toward(before))Q\(corner.x) \(corner.y) \(toward(behind))"
        }
        return text + "L\(last.x) \(last.y)"
    }

    private static func width(_ text: String, size: Int) -> Int {
        Int(Double(text.count * size) * characterWidth)
    }

    private func fitted(_ text: String, _ width: Int, size: Int, keepsEnd: Bool = false) -> String {
        let count = max(1, Int(Double(width) / (Double(size) * SVGDrawing.characterWidth)))
        if text.count <= count { return text }
        return keepsEnd ? "…" + text.suffix(count - 1) : text.prefix(count - 1) + "…"
    }

    private static func grouped(_ number: Int) -> String {
        var digits = Array(String(number))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    /// Text between tags; what XML can't hold becomes U+FFFD.
    private func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value >= 0xFFFE:
                result += scalar.value > 0xFFFF ? String(Character(scalar)) : "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension LayerGraph {
    /// The network as an SVG document: boxes in the order of computing, top to bottom, with arrows between them.
    /// - Parameters:
    ///   - title: what stands at its head.
    ///   - depth: levels of modules that are opened; `nil` for all.
    public func svg(_ summary: GraphSummary, title: String, depth: Int? = nil) -> String {
        SVGDrawing(self, summary, title: title, depth: depth).text
    }
}
