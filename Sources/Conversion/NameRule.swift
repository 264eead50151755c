/// A row of a table of names: a pattern of canonical paths and the source's pattern for them.
///
/// `{0}` and `{1}` stand for a number, counted from 0 or from 1 on that side: `layer{1}.{0}.conv1` is
/// `stages.{0}.layers.{0}.conv1` where stages are counted from 0. `*` at the end stands for the rest of the path.
struct NameRule: Sendable {
    private let canonical: [Piece]
    private let source: [Piece]
    /// Side of the kernel, where the source has a linear layer as a convolution.
    private let kernel: Int?

    private enum Piece: Sendable, Hashable {
        case text(String)
        case number(from: Int)
        case rest
    }

    init(_ canonical: String, _ source: String, kernel: Int? = nil) {
        self.canonical = NameRule.pieces(canonical)
        self.source = NameRule.pieces(source)
        self.kernel = kernel
    }

    private static func pieces(_ pattern: String) -> [Piece] {
        var pieces: [Piece] = []
        var text = ""
        var rest = pattern[...]
        func flush() {
            if !text.isEmpty { pieces.append(.text(text)) }
            text = ""
        }
        while let character = rest.popFirst() {
            if character == "{", let end = rest.firstIndex(of: "}"), let base = Int(rest[..<end]) {
                flush()
                pieces.append(.number(from: base))
                rest = rest[rest.index(after: end)...]
            } else if character == "*" {
                flush()
                pieces.append(.rest)
            } else {
                text.append(character)
            }
        }
        flush()
        return pieces
    }

    /// The source's name of a canonical path, `nil` when the pattern doesn't fit it.
    func pair(for path: String) -> Dialect.Pair? {
        var numbers: [Int] = []
        var rest = path[...]
        var tail = ""
        for piece in canonical {
            switch piece {
            case .text(let text):
                guard rest.hasPrefix(text) else { return nil }
                rest = rest.dropFirst(text.count)
            case .number(let base):
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                guard let number = Int(digits), number >= base else { return nil }
                numbers.append(number - base)
                rest = rest.dropFirst(digits.count)
            case .rest:
                tail = String(rest)
                rest = rest[rest.endIndex...]
            }
        }
        guard rest.isEmpty else { return nil }
        var name = ""
        var next = numbers.makeIterator()
        for piece in source {
            switch piece {
            case .text(let text): name += text
            case .number(let base): name += "\((next.next() ?? 0) + base)"
            case .rest: name += tail
            }
        }
        return Dialect.Pair(path, name, kernel: kernel)
    }
}

extension [NameRule] {
    /// The source's name of a canonical path by the first rule that fits.
    func source(for path: String) -> Dialect.Pair? { lazy.compactMap { $0.pair(for: path) }.first }
}
