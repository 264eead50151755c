/// Rows of text in aligned columns.
struct TextTable {
    /// Where a column's texts stand; those of a `whole` one stand left and are never broken.
    enum Alignment { case left, right, whole }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    init(_ columns: [(String, Alignment)]) { self.columns = columns.map { (title: $0.0, alignment: $0.1) } }

    /// Adds a row; a cell is one line, whatever it says.
    mutating func append(_ row: [String]) {
        rows.append(
            row.map {
                PlainText.without(
                    controls: $0.contains("\n") ? $0.split(separator: "\n").joined(separator: " ") : $0)
            })
    }

    /// The table, each line indented by two spaces. Where it is wider than the terminal, its texts are broken
    /// between words.
    var text: String {
        let titles = columns.map(\.title)
        let widths = widths(within: Terminal.width)
        let rule = "  " + widths.map { String(repeating: "─", count: $0) }.joined(separator: "  ")
        let heading = lines(titles, widths).map(Terminal.bold)
        return (heading + [rule] + rows.flatMap { lines($0, widths) }).joined(separator: "\n")
    }

    /// A row in as many lines as its longest cell takes.
    private func lines(_ cells: [String], _ widths: [Int]) -> [String] {
        let parts = cells.indices.map {
            columns[$0].alignment == .whole ? [cells[$0]] : Words.wrapped(cells[$0], width: widths[$0])
        }
        return (0..<(parts.map(\.count).max() ?? 1)).map { line in
            let padded = cells.indices.map { column in
                let part = line < parts[column].count ? parts[column][line] : ""
                let fill = String(repeating: " ", count: max(0, widths[column] - part.count))
                return columns[column].alignment == .right ? fill + part : part + fill
            }
            var text = "  " + padded.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    private func widths(within limit: Int?) -> [Int] {
        let cells = [columns.map(\.title)] + rows
        var widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        guard let limit else { return widths }
        let least = columns.indices.map { column in
            columns[column].alignment != .left
                ? widths[column] : cells.map { Words.longest($0[column]) }.max() ?? 0
        }
        var excess = widths.reduce(0) { $0 + $1 + 2 } - limit
        while excess > 0 {
            // The widest of those that can give way does.
            guard
                let column = widths.indices.filter({ widths[$0] > least[$0] }).max(by: {
                    widths[$0] < widths[$1]
                })
            else { break }
            widths[column] -= 1
            excess -= 1
        }
        return widths
    }
}

/// Breaks text between words; what stands in brackets, such as a shape, stays together.
enum Words {
    /// Lines of at most `width` characters, if no word is longer.
    /// - Parameter first: the width of the first line, if it is another.
    static func wrapped(_ text: String, width: Int, first: Int? = nil) -> [String] {
        if columns(text) <= first ?? width { return [text] }
        var lines: [String] = []
        var line = ""
        for word in words(text) {
            let limit = lines.isEmpty ? first ?? width : width
            if !line.isEmpty, columns(line) + 1 + columns(word) > limit {
                lines.append(line)
                line = word
            } else {
                line += line.isEmpty ? word : " " + word
            }
        }
        return lines + [line]
    }

    /// Characters of the longest word.
    static func longest(_ text: String) -> Int { words(text).map { columns($0) }.max() ?? 0 }

    private static func words(_ text: String) -> [String] {
        var words = [""]
        var depth = 0
        for character in text {
            // What makes text bold has a bracket of its own.
            if character == "[", words.last?.last != "\u{1B}" { depth += 1 }
            if character == "]" { depth -= 1 }
            if character == " ", depth <= 0 {
                words.append("")
            } else {
                words[words.count - 1].append(character)
            }
        }
        return words
    }

    /// Characters that a terminal shows: without those that make others bold.
    static func columns(_ text: some StringProtocol) -> Int {
        var isEscape = false
        return text.count { character in
            if character == "\u{1B}" { isEscape = true }
            defer { if character == "m" { isEscape = false } }
            return !isEscape
        }
    }
}
