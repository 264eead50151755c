import Testing
import ZooLayerGraphs
import ZooTensors

/// Drawings of networks with branches: everything is there, and nothing hides anything.
@Suite struct DrawingTests {
    private static func convolution(_ input: Int, _ output: Int) -> Layer {
        .convolution(Convolution(input, output, kernel: Extent(3), padding: Padding(1)))
    }

    /// Residual blocks with squeeze and excitation, then branches of different lengths, then dense connections.
    private static func branches() throws -> LayerGraph {
        var nodes = [Node("stem", convolution(3, 8), inputs: ["input"])]
        var last = "stem"
        func add(_ path: String, _ layer: Layer, _ inputs: String...) {
            nodes.append(Node(path, layer, inputs: inputs.isEmpty ? [last] : inputs))
            last = path
        }
        for block in 0..<2 {
            let start = last
            add("body.\(block).conv", convolution(8, 8))
            add("body.\(block).bn", .batchNormalization(BatchNormalization(8)))
            add("body.\(block).relu", .activation(.relu))
            let wide = last
            add("body.\(block).se.pool", .adaptivePooling(AdaptivePooling(.average, output: Extent(1))))
            add("body.\(block).se.fc", .convolution(Convolution(8, 8, kernel: Extent(1))))
            add("body.\(block).se.gate", .activation(.sigmoid))
            add("body.\(block).se.scale", .multiply, wide, last)
            let scaled = last
            if block == 0 { add("body.0.downsample", convolution(8, 8), start) }
            add("body.\(block).add", .add, scaled, block == 0 ? last : start)
        }
        let fork = last
        add("mixed.a", convolution(8, 4), fork)
        add("mixed.b1", convolution(8, 4), fork)
        add("mixed.b2", convolution(4, 4))
        add("mixed.c1", convolution(8, 4), fork)
        add("mixed.c2", convolution(4, 4))
        add("mixed.c3", convolution(4, 4))
        add("mixed.join", .concatenate(axis: 1), "mixed.a", "mixed.b2", "mixed.c3", fork)
        for step in 0..<3 {
            let before = last
            add("dense.\(step).conv", convolution(20 + 4 * step, 4))
            add("dense.\(step).cat", .concatenate(axis: 1), before, last)
        }
        add("pool", .globalPooling(GlobalPooling(.average, keepsDimensions: false)))
        add("head <&\">", .linear(Linear(32, 5)))
        return try LayerGraph(
            architecture: "branches", input: InputShape(channels: 3, height: 8, width: 8), nodes: nodes)
    }

    private static let graphs: [(name: String, depth: Int?)] = [
        ("all layers", nil), ("blocks", 2), ("modules", 1),
    ]

    @Test(arguments: [nil, 2, 1] as [Int?])
    func nothingHidesAnything(depth: Int?) throws {
        let graph = try Self.branches()
        let drawing = Drawing(graph.svg(try GraphSummary(graph), title: "Branches & <more>", depth: depth))
        #expect(drawing.boxes.count > (depth == nil ? graph.nodes.count : 5))
        for (index, box) in drawing.boxes.enumerated() {
            #expect(box.x >= 0 && box.right <= drawing.width && box.bottom <= drawing.height)
            for other in drawing.boxes[..<index] where other.overlaps(box) {
                Issue.record("\(other) and \(box) overlap")
            }
        }
        #expect(drawing.arrows.count >= 5)
        for arrow in drawing.arrows {
            // An arrow touches the box that it leaves and the one that it reaches, and no other.
            for (from, to) in zip(arrow, arrow.dropFirst()) {
                for box in drawing.boxes where box.isCut(from, to) {
                    Issue.record("an arrow runs through \(box): \(from) to \(to)")
                }
            }
            #expect(drawing.boxes.contains { $0.bottom == arrow[0].y && $0.spans(arrow[0].x) })
            #expect(
                drawing.boxes.contains {
                    $0.y == arrow[arrow.count - 1].y && $0.spans(arrow[arrow.count - 1].x)
                })
            #expect(arrow.allSatisfy { (0...drawing.width).contains($0.x) })
        }
    }

    /// A folded module bears the name of the level that is shown, whatever all its layers share beyond it.
    @Test func foldedModulesAreNamedByTheirLevel() throws {
        let graph = try Self.branches()
        let dot = graph.dot(try GraphSummary(graph), depth: 2)
        #expect(dot.contains("label=\"body.0\\n8 layers") || dot.contains("label=\"body.0\\n9 layers"))
        let inner = try LayerGraph(
            architecture: "inner", input: InputShape(channels: 1, height: 2, width: 2),
            chain: [("a.b.c.x", .activation(.relu)), ("a.b.c.y", .activation(.tanh))])
        #expect(inner.dot(try GraphSummary(inner), depth: 1).contains("label=\"a\\n2 layers"))
    }

    @Test func everyLayerAndEveryEdgeIsDrawn() throws {
        let graph = try Self.branches()
        let summary = try GraphSummary(graph)
        let svg = graph.svg(summary, title: "t")
        let dot = graph.dot(summary)
        for node in graph.nodes.dropLast() {
            #expect(svg.contains(">\(node.path)<"), "\(node.path)")
            #expect(dot.contains("label=\"\(node.path)\\n"), "\(node.path)")
        }
        #expect(svg.contains("head &lt;&amp;&quot;&gt;") && !svg.contains("head <"))
        #expect(dot.contains("head <&\\\">"))
        #expect(svg.contains("prefers-color-scheme:dark"))
        // The input has an edge, too, and strips hang on the boxes above them without an arrow.
        let edges = graph.nodes.reduce(0) { $0 + Set($1.inputs).count }
        #expect(dot.split(separator: "\n").count { $0.contains(" -> ") } == edges)
        #expect(Drawing(svg).arrows.count == edges - 6)
    }

    /// A module that is left and entered again can't be one box.
    @Test func modulesThatWaitForThemselvesAreOpened() throws {
        let relu = Layer.activation(.relu)
        let graph = try LayerGraph(
            architecture: "knot", input: InputShape(channels: 1, height: 2, width: 2),
            nodes: [
                Node("a.first", relu, inputs: ["input"]), Node("b.x", relu, inputs: ["a.first"]),
                Node("b.y", relu, inputs: ["b.x"]), Node("a.second", relu, inputs: ["b.y"]),
                Node("c.x", relu, inputs: ["a.second"]), Node("c.y", relu, inputs: ["c.x"]),
            ])
        let dot = graph.dot(try GraphSummary(graph), depth: 1)
        for label in ["a.first", "a.second", "c\\n2 layers"] {
            #expect(dot.contains("\"\(label)"), "\(label)")
        }
        #expect(dot.contains(" -> "))
    }

    @Test func modulesHaveTheTotalsOfTheirLayers() throws {
        let graph = try Self.branches()
        let summary = try GraphSummary(graph, batch: 2, frozen: ["body.0.conv"])
        let tree = SummaryTree(summary, depth: 2)
        #expect(tree.lines.first?.path == "")
        #expect(tree.lines.allSatisfy { $0.depth <= 2 })
        let block = try #require(tree.lines.first { $0.path == "body.0" })
        let totals = summary.totals(of: block)
        // Two 3×3 convolutions and one 1×1, with biases; a batch normalisation.
        #expect(totals.parameters == 2 * (8 * 8 * 9 + 8) + (8 * 8 + 8) + 16)
        #expect(totals.trainable == totals.parameters - (8 * 8 * 9 + 8))
        #expect(totals.statistics == 16)
        #expect(totals.input == [2, 8, 8, 8] && totals.output == [2, 8, 8, 8])
        #expect(totals.torchinfoMultAdds == 2 * 2 * 64 * (8 * 8 * 9 + 8) + 2 * (8 * 8 + 8) + 2 * 16)
        let whole = SummaryTree(summary).lines
        #expect(whole.first { $0.path == "body.0.se" }.map { summary.totals(of: $0).output } == [2, 8, 8, 8])
        #expect(whole.compactMap(\.layer).sorted() == Array(graph.nodes.indices))
    }
}

/// What is in an SVG file: boxes, and the corners of arrows.
private struct Drawing {
    struct Point {
        let x: Int
        let y: Int
    }

    struct Box: CustomStringConvertible {
        let x: Int
        let y: Int
        let right: Int
        let bottom: Int
        var description: String { "box \(x)…\(right), \(y)…\(bottom)" }

        func overlaps(_ other: Box) -> Bool {
            x < other.right && other.x < right && y < other.bottom && other.y < bottom
        }

        func spans(_ x: Int) -> Bool { x > self.x && x < right }

        /// Whether a line from corner to corner, upright or level, passes through the inside.
        func isCut(_ a: Point, _ b: Point) -> Bool {
            min(a.x, b.x) < right && max(a.x, b.x) > x && min(a.y, b.y) < bottom && max(a.y, b.y) > y
        }
    }

    let width: Int
    let height: Int
    let boxes: [Box]
    let arrows: [[Point]]

    init(_ svg: String) {
        let size = svg.firstMatch(of: /viewBox="0 0 (\d+) (\d+)"/)?.output
        width = size.flatMap { Int($0.1) } ?? 0
        height = size.flatMap { Int($0.2) } ?? 0
        boxes = svg.matches(of: /<\/title><rect class="\w+" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/)
            .map {
                let numbers = [$0.output.1, $0.output.2, $0.output.3, $0.output.4].map { Int($0) ?? 0 }
                return Box(
                    x: numbers[0], y: numbers[1], right: numbers[0] + numbers[2],
                    bottom: numbers[1] + numbers[3])
            }
        arrows = svg.matches(of: /<path class="arrow" d="([^"]+)"/).map { match in
            match.output.1.matches(of: /[MLQ ](\d+) (\d+)/).compactMap { pair in
                guard let x = Int(pair.output.1), let y = Int(pair.output.2) else { return nil }
                return Point(x: x, y: y)
            }
        }
    }
}
