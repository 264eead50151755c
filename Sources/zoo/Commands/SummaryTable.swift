import ArgumentParser
import Menagerie

/// The table of `zoo summary`.
struct SummaryTable {
    /// What stands beside the tree.
    enum Column: String, CaseIterable {
        case kind, input, output, kernel, parameters, share
        case torchinfo = "mult-adds"
        case multiplyAdds = "multiply-adds"
        case trainable, variables

        /// Columns by name, separated by commas.
        static func list(_ names: String) throws -> [Column] {
            try names.split(separator: ",", omittingEmptySubsequences: false).map { name in
                guard let column = Column(rawValue: name.trimmed) else {
                    let known = allCases.map(\.rawValue).joined(separator: ", ")
                    throw ValidationError("--columns knows no \"\(name.trimmed)\"; choose among \(known).")
                }
                return column
            }
        }

        fileprivate var headings: [(String, TextTable.Alignment)] {
            switch self {
            case .kind: [("kind", .left), ("", .left)]
            case .parameters, .share, .torchinfo, .multiplyAdds: [(rawValue, .right)]
            case .input, .output, .kernel, .trainable, .variables: [(rawValue, .left)]
            }
        }
    }

    /// Columns when none are asked for.
    static let usual: [Column] = [.kind, .output, .parameters, .torchinfo]

    private let summary: GraphSummary
    private let columns: [Column]
    private let lines: [SummaryTree.Line]

    init(_ summary: GraphSummary, columns: [Column], depth: Int?) {
        self.summary = summary
        self.columns = columns
        self.lines = SummaryTree(summary, depth: depth).lines
    }

    var text: String {
        var table = TextTable([("layer", .whole)] + columns.flatMap(\.headings))
        for line in lines {
            let totals = summary.totals(of: line)
            let row = line.isModule ? nil : line.layer.map { summary.rows[$0] }
            let variables = variables(of: line, row)
            table.append([branches(of: line) + line.name] + cells(line, totals, row, variables.first ?? "–"))
            // Further variables go below, beside the tree's branches.
            guard columns.contains(.variables) else { continue }
            for variable in variables.dropFirst() {
                let blank = columns.flatMap { column in
                    column == .variables ? [variable] : column.headings.map { _ in "" }
                }
                table.append([continuation(of: line)] + blank)
            }
        }
        return table.text
    }

    private func cells(
        _ line: SummaryTree.Line, _ totals: GraphSummary.Totals, _ row: GraphSummary.Row?, _ variable: String
    ) -> [String] {
        columns.flatMap { column -> [String] in
            switch column {
            case .kind: row.map { [$0.kind, $0.details] } ?? ["", ""]
            case .input:
                [(row?.inputs ?? totals.input.map { [$0] } ?? []).map(\.description).joined(separator: " ")]
            case .output: [totals.output.description]
            case .kernel: [row?.kernel.map { "[\($0.height), \($0.width)]" } ?? "–"]
            case .parameters: [SummaryTable.count(totals.parameters)]
            case .share:
                [
                    totals.parameters == 0
                        ? "–"
                        : "\(Numbers.fixed(Double(totals.parameters) / Double(summary.parameters) * 100, 2)) %"
                ]
            case .torchinfo: [SummaryTable.count(totals.torchinfoMultAdds)]
            case .multiplyAdds: [SummaryTable.count(totals.multiplyAdds)]
            case .trainable: [SummaryTable.state(totals)]
            case .variables: [variable]
            }
        }
    }

    private static func count(_ number: Int) -> String { number == 0 ? "–" : Numbers.grouped(number) }

    private static func state(_ totals: GraphSummary.Totals) -> String {
        if totals.parameters == 0 { return "–" }
        if totals.trainable == 0 { return "frozen" }
        return totals.trainable == totals.parameters ? "yes" : "partly"
    }

    private func variables(of line: SummaryTree.Line, _ row: GraphSummary.Row?) -> [String] {
        (row?.variables ?? []).map { variable in
            guard let key = variable.key, key != variable.path.description else {
                return variable.path.description
            }
            return "\(variable.path.role.rawValue) ← \(key)"
        }
    }

    private func branches(of line: SummaryTree.Line) -> String {
        guard let last = line.isLast.last else { return "" }
        return line.isLast.dropLast().map { $0 ? "   " : "│  " }.joined() + (last ? "└─ " : "├─ ")
    }

    private func continuation(of line: SummaryTree.Line) -> String {
        line.isLast.map { $0 ? "   " : "│  " }.joined() + (line.hasChildren ? "│" : "")
    }

    /// The parts by which layers can be named, a row each.
    static func parts(of summary: GraphSummary) -> String {
        let isFrozen = summary.trainable < summary.parameters
        var table = TextTable(
            [("part", .whole), ("layers", .left), ("output", .left), ("parameters", .right)]
                + [("mult-adds", .right)] + (isFrozen ? [("trainable", .left)] : []))
        for part in summary.parts {
            let totals = summary.totals(of: part.layers)
            let paths = part.layers.map { summary.rows[$0].path }
            let layers = [paths.first, paths.dropFirst().last].compactMap { $0 }
            table.append(
                [
                    part.name, layers.joined(separator: " … "), totals.output.description,
                    count(totals.parameters), count(totals.torchinfoMultAdds),
                ] + (isFrozen ? [state(totals)] : []))
        }
        return table.text
    }

    /// The lines below the table.
    static func totals(of summary: GraphSummary) -> [String] {
        func line(_ name: String, _ text: String) -> String {
            "  " + name + String(repeating: " ", count: max(1, 22 - name.count)) + text
        }
        func megabytes(_ bytes: Int) -> String { "\(Numbers.fixed(Double(bytes) / 1e6, 2)) MB" }
        let sizes = summary.sizes
        var lines = [
            line("parameters", Numbers.grouped(summary.parameters)),
            line("  trainable", Numbers.grouped(summary.trainable)),
            line("  non-trainable", Numbers.grouped(summary.parameters - summary.trainable)),
        ]
        if summary.statistics > 0 {
            lines.append(
                line("statistics", "\(Numbers.grouped(summary.statistics)) (running means and variances)"))
        }
        lines += [
            line(
                "mult-adds",
                "\(Numbers.grouped(summary.torchinfoMultAdds)) (\(Numbers.scaled(summary.torchinfoMultAdds)); all layers, torchinfo's rule)"
            ),
            line(
                "multiply-adds",
                "\(Numbers.grouped(summary.multiplyAdds)) (\(Numbers.scaled(summary.multiplyAdds)); convolutions and linear layers alone)"
            ),
            line("input size", megabytes(sizes.input)),
            line(
                "forward/backward pass",
                "\(megabytes(sizes.forwardBackward)) (results of layers with parameters, twice)"),
            line("parameter size", megabytes(sizes.parameters)),
            line("estimated total size", megabytes(sizes.total)),
            line("activations", "\(megabytes(summary.activationBytes)) (results of all layers, once)"),
        ]
        return lines
    }
}

extension Substring {
    /// Without spaces at its ends.
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
