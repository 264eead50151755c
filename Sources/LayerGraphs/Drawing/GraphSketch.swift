import ZooTensors

/// A network as boxes and arrows: a box a layer, or a module where only some levels are shown.
struct GraphSketch {
    /// What a box is coloured by.
    enum Category: String, CaseIterable {
        case input, convolution, linear, normalization, activation, pooling, combination, regularization,
            shape
        case module

        /// The name in a legend.
        var title: String {
            switch self {
            case .input: "input"
            case .convolution: "convolution"
            case .linear: "linear"
            case .normalization: "normalisation"
            case .activation: "activation"
            case .pooling: "pooling"
            case .combination: "combination"
            case .regularization: "dropout"
            case .shape: "shape"
            case .module: "module"
            }
        }

        /// Whether such a layer is drawn as a strip below the one before it.
        var isStrip: Bool { self == .normalization || self == .activation || self == .regularization }
    }

    /// A layer, a module, or the input.
    struct Box {
        /// The layer's or module's path.
        let path: String
        /// `Conv2d`; for a module how many layers it has.
        let kind: String
        /// `3→32, 3×3`.
        let details: String
        /// Shape of the result without the batch, `32×112×112`.
        let shape: String
        /// Elements of parameters and statistics.
        let parameters: Int
        let category: Category
        /// Boxes that it reads, each once, in order.
        var sources: [Int] = []
        /// Boxes that read it, each once, in order.
        var readers: [Int] = []
    }

    /// The input first; every box stands behind those that it reads.
    private(set) var boxes: [Box]
    /// For each box, the longest way to it from the input, in boxes.
    let levels: [Int]

    /// Draws up a summary.
    /// - Parameter depth: levels of modules that are opened; `nil` for all.
    init(_ graph: LayerGraph, _ summary: GraphSummary, depth: Int?) {
        var groups: [[Int]] = []
        for line in SummaryTree(summary, depth: depth).lines where line.depth > 0 || !line.hasChildren {
            if !line.hasChildren {
                groups.append(line.layers)
            } else if let layer = line.layer {
                groups.append([layer])
            }
        }
        groups.sort { ($0.first ?? 0) < ($1.first ?? 0) }
        var ordering = Ordering(groups, summary)
        // A module that is left and entered again would be before and behind itself: it is opened.
        while !ordering.blocked.isEmpty {
            groups = groups.enumerated().flatMap { index, rows in
                ordering.blocked.contains(index) ? rows.map { [$0] } : [rows]
            }
            ordering = Ordering(groups, summary)
        }
        let order = groups.indices.sorted {
            (ordering.levels[$0], groups[$0].first ?? 0) < (ordering.levels[$1], groups[$1].first ?? 0)
        }
        var places = [Int](repeating: 0, count: groups.count)
        for (place, group) in order.enumerated() { places[group] = place + 1 }
        var boxes = [
            Box(
                path: LayerGraph.inputPath, kind: "Input", details: "",
                shape: GraphSketch.text(summary.input),
                parameters: 0, category: .input)
        ]
        for group in order {
            boxes.append(GraphSketch.box(groups[group], graph, summary, depth: depth ?? .max))
        }
        for (index, group) in order.enumerated() {
            let sources = Set(ordering.sources[group].map { $0 < 0 ? 0 : places[$0] }).sorted()
            boxes[index + 1].sources = sources
            for source in sources { boxes[source].readers.append(index + 1) }
        }
        self.boxes = boxes
        self.levels = [0] + order.map { ordering.levels[$0] }
    }

    private static func box(
        _ rows: [Int], _ graph: LayerGraph, _ summary: GraphSummary, depth: Int
    ) -> Box {
        let totals = summary.totals(of: rows)
        if rows.count == 1, let row = rows.first {
            let layer = summary.rows[row]
            return Box(
                path: layer.path, kind: layer.kind, details: layer.details, shape: text(layer.output),
                parameters: layer.parameters + layer.statistics, category: graph.nodes[row].layer.category)
        }
        return Box(
            path: commonPath(rows.map { summary.rows[$0].path }, depth: depth), kind: "\(rows.count) layers",
            details: "",
            shape: text(totals.output), parameters: totals.parameters + totals.statistics, category: .module)
    }

    /// The path of the module that all of these are in.
    private static func commonPath(_ paths: [String], depth: Int) -> String {
        var parts = Array(SummaryTree.parts(of: paths.first ?? "").prefix(depth))
        for path in paths.dropFirst() {
            let others = SummaryTree.parts(of: path)
            parts = Array(zip(parts, others).prefix { $0 == $1 }.map(\.0))
        }
        return parts.joined(separator: ".")
    }

    private static func text(_ shape: TensorShape) -> String {
        shape.dimensions.dropFirst().map(String.init).joined(separator: "×")
    }

    /// Groups of rows in an order in which they can be computed, as far as there is one.
    private struct Ordering {
        /// For each group, those that it reads; -1 is the input.
        var sources: [[Int]]
        /// For each group, the longest way to it.
        var levels: [Int]
        /// Groups of several rows that wait for themselves.
        var blocked: Set<Int> = []

        init(_ groups: [[Int]], _ summary: GraphSummary) {
            var groupOf = [Int](repeating: 0, count: summary.rows.count)
            for (index, rows) in groups.enumerated() { for row in rows { groupOf[row] = index } }
            sources = groups.enumerated().map { index, rows in
                rows.flatMap { summary.sources[$0] }.map { $0 < 0 ? -1 : groupOf[$0] }.filter { $0 != index }
            }
            levels = [Int](repeating: 1, count: groups.count)
            var waiting = sources.map { $0.count { $0 >= 0 } }
            var readers = [[Int]](repeating: [], count: groups.count)
            for (index, list) in sources.enumerated() {
                for source in list where source >= 0 { readers[source].append(index) }
            }
            var ready = groups.indices.filter { waiting[$0] == 0 }
            var done = 0
            while done < ready.count {
                let group = ready[done]
                done += 1
                for reader in readers[group] {
                    levels[reader] = max(levels[reader], levels[group] + 1)
                    waiting[reader] -= 1
                    if waiting[reader] == 0 { ready.append(reader) }
                }
            }
            // What stands behind a circle waits too, but isn't part of it.
            var held = Set(groups.indices.filter { waiting[$0] > 0 })
            while true {
                let ends = held.filter { group in !readers[group].contains { held.contains($0) } }
                if ends.isEmpty { break }
                held.subtract(ends)
            }
            blocked = held.filter { groups[$0].count > 1 }
        }
    }
}

extension Layer {
    /// What the layer is coloured by in drawings.
    var category: GraphSketch.Category {
        switch self {
        case .convolution, .transposedConvolution: .convolution
        case .linear: .linear
        case .activation, .parametricReLU, .softmax: .activation
        case .pooling, .adaptivePooling, .globalPooling: .pooling
        case .add, .multiply, .average, .concatenate: .combination
        case .dropout, .spatialDropout, .stochasticDepth: .regularization
        case .padding, .cropping, .upsampling, .flatten, .reshape, .permute: .shape
        // Batch normalisation, and what else shifts and scales by statistics or constants.
        default: .normalization
        }
    }
}
