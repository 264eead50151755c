import Menagerie

/// The tensors of a checkpoint as a tree of their names' parts, with columns beside it.
struct TensorTree {
    private final class Branch {
        var children: [(name: String, branch: Branch)] = []
        var places: [String: Int] = [:]
        /// The tensor with exactly this name.
        var tensor: Int?

        func child(_ name: String) -> Branch {
            if let place = places[name] { return children[place].branch }
            let branch = Branch()
            places[name] = children.count
            children.append((name, branch))
            return branch
        }

        /// The tensors in it and below.
        var tensors: [Int] { (tensor.map { [$0] } ?? []) + children.flatMap(\.branch.tensors) }
    }

    /// A line of the tree: its indented name, and either one tensor or all those below it.
    struct Line {
        let name: String
        let tensor: Int?
        let below: [Int]
    }

    /// The lines, in the tensors' order.
    let lines: [Line]

    /// - Parameter names: the tensors' names; dots and slashes part them.
    init(_ names: [String]) {
        let root = Branch()
        for (index, name) in names.enumerated() {
            let parts = name.split(omittingEmptySubsequences: false) { $0 == "." || $0 == "/" }
            // Names from strangers may be all dots.
            var branch = root
            for part in parts.prefix(32) { branch = branch.child(String(part)) }
            if parts.count > 32 || branch.tensor != nil { branch = root.child(name) }
            branch.tensor = index
        }
        var lines: [Line] = []
        TensorTree.walk(root, depth: 0, names, &lines)
        self.lines = lines
    }

    private static func walk(_ branch: Branch, depth: Int, _ names: [String], _ lines: inout [Line]) {
        let indent = String(repeating: "  ", count: depth)
        for (name, child) in branch.children {
            // A chain of branches that don't fork is one line.
            var (label, end) = (name, child)
            while end.tensor == nil, end.children.count == 1 {
                label += "." + end.children[0].name
                end = end.children[0].branch
            }
            if let tensor = end.tensor { lines.append(Line(name: indent + label, tensor: tensor, below: [])) }
            guard !end.children.isEmpty else { continue }
            if end.tensor == nil {
                lines.append(Line(name: indent + label, tensor: nil, below: end.tensors))
            }
            walk(end, depth: depth + 1, names, &lines)
        }
    }
}
