/// Prints text without what could act on a terminal: names in files from strangers may hold control characters.
///
/// Stands in the place of Swift's own `print` in the whole command.
func print(_ text: String = "", terminator: String = "\n") {
    Swift.print(PlainText.without(controls: text), terminator: terminator)
}

/// Text that only shows.
enum PlainText {
    /// The text with U+FFFD for control characters and for those that turn the direction of writing round; lines,
    /// and what makes text bold, stay. A JSON document has escaped what matters itself and stays as it is.
    static func without(controls text: String) -> String {
        guard text.first != "{", text.unicodeScalars.contains(where: isControl) else { return text }
        var result = String.UnicodeScalarView()
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let isKept = !isControl(scalar) || isBold(scalars[index...])
            result.append(isKept ? scalar : "\u{FFFD}")
        }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Whether an escape sequence begins that switches bold on or off.
    private static func isBold(_ rest: ArraySlice<Unicode.Scalar>) -> Bool {
        rest.starts(with: "\u{1B}[1m".unicodeScalars) || rest.starts(with: "\u{1B}[0m".unicodeScalars)
    }
}
