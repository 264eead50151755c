public import ZooTensors

/// The layers of a summary as a tree by their dotted paths, in computing order: what stands before a dot is a module,
/// with the totals of all that is in it.
public struct SummaryTree: Sendable, Hashable {
    /// A line of the tree: a layer, a module, or both in one.
    public struct Line: Sendable, Hashable {
        /// The path; empty for the network as a whole.
        public let path: String
        /// The last part of the path.
        public let name: String
        /// Modules around it, of which the network is one.
        public let depth: Int
        /// For each level from 1 on, whether this line or the module around it is the last one there.
        public let isLast: [Bool]
        /// The row of the layer with exactly this path.
        public let layer: Int?
        /// Whether the line stands for all rows of ``layers``, not for the one of its own alone.
        public let isModule: Bool
        /// Whether lines of its own layers follow.
        public let hasChildren: Bool
        /// Rows of this path and below.
        public let layers: [Int]
    }

    /// The network first, then depth first.
    public let lines: [Line]

    /// Deepest level that is told apart: paths from strangers may be all dots.
    private static let deepest = 16

    /// Builds the tree.
    /// - Parameter depth: levels that are shown; what is deeper is counted with the module that it is in. `nil` for
    ///   all.
    public init(_ summary: GraphSummary, depth: Int? = nil) {
        let root = Branch()
        for (index, row) in summary.rows.enumerated() {
            var branch = root
            branch.rows.append(index)
            for part in SummaryTree.parts(of: row.path) {
                branch = branch.child(part)
                branch.rows.append(index)
            }
            branch.layer = index
        }
        var lines: [Line] = []
        SummaryTree.walk(
            root, name: summary.architecture, path: "", isLast: [], limit: depth ?? SummaryTree.deepest + 1,
            &lines)
        self.lines = lines
    }

    /// Parts of a path, from the outermost module to the layer.
    static func parts(of path: String) -> [String] {
        let parts = path.split(separator: ".", maxSplits: deepest - 1, omittingEmptySubsequences: false)
        return parts.map(String.init)
    }

    private final class Branch {
        var children: [(name: String, branch: Branch)] = []
        var places: [String: Int] = [:]
        var layer: Int?
        var rows: [Int] = []

        func child(_ name: String) -> Branch {
            if let place = places[name] { return children[place].branch }
            let branch = Branch()
            places[name] = children.count
            children.append((name, branch))
            return branch
        }
    }

    private static func walk(
        _ branch: Branch, name: String, path: String, isLast: [Bool], limit: Int, _ lines: inout [Line]
    ) {
        let isOpen = isLast.count < limit && !branch.children.isEmpty
        lines.append(
            Line(
                path: path, name: name, depth: isLast.count, isLast: isLast, layer: branch.layer,
                isModule: branch.layer == nil || (!isOpen && branch.rows.count > 1), hasChildren: isOpen,
                layers: branch.rows))
        guard isOpen else { return }
        for (place, child) in branch.children.enumerated() {
            walk(
                child.branch, name: child.name, path: path.isEmpty ? child.name : "\(path).\(child.name)",
                isLast: isLast + [place == branch.children.count - 1], limit: limit, &lines)
        }
    }
}

extension GraphSummary {
    /// What a line of the tree comes to.
    public struct Totals: Sendable, Hashable {
        /// Shape of what it reads first from outside.
        public var input: TensorShape?
        /// Shape of the last result that is read outside.
        public var output: TensorShape
        /// Elements of parameters that are learned.
        public var parameters = 0
        /// How many of those training would change.
        public var trainable = 0
        /// Elements of running statistics.
        public var statistics = 0
        /// Multiply-adds of convolutions and linear layers.
        public var multiplyAdds = 0
        /// Multiply-adds by torchinfo's rule.
        public var torchinfoMultAdds = 0
    }

    /// The totals of some rows, which together count as one module. The sums can't overflow: those of all rows don't.
    public func totals(of layers: [Int]) -> Totals {
        let members = Set(layers)
        var totals = Totals(output: result(of: layers).map { rows[$0].output } ?? output)
        for row in layers.map({ rows[$0] }) {
            totals.parameters += row.parameters
            totals.trainable += row.trainable
            totals.statistics += row.statistics
            totals.multiplyAdds += row.multiplyAdds
            totals.torchinfoMultAdds += row.torchinfoMultAdds
        }
        search: for row in layers {
            for (place, source) in sources[row].enumerated() where !members.contains(source) {
                totals.input = rows[row].inputs[place]
                break search
            }
        }
        return totals
    }

    /// The row that gives the result of some rows, which together count as one module: the last one that is read
    /// outside.
    public func result(of layers: [Int]) -> Int? {
        let members = Set(layers)
        return layers.last { row in readers[row].contains { !members.contains($0) } } ?? layers.last
    }

    /// The totals of a line: of its own layer, or of everything in it.
    public func totals(of line: SummaryTree.Line) -> Totals {
        if !line.isModule, let layer = line.layer { return totals(of: [layer]) }
        return totals(of: line.layers)
    }
}
