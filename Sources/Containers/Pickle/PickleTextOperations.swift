internal import ZooTensors

/// The text opcodes of protocols 0 and 1, and those of copyreg's registry. Readers refuse them; they are carried out
/// where a pickle is only judged.
extension PickleMachine {
    mutating func performText(_ opcode: PickleOpcode) throws(ZooError) {
        switch opcode {
        case .int:
            let line = try textLine()
            if line == "00" || line == "01" { return try pushConstant(line == "01") }
            try pushDecimal(line)
        case .long:
            let line = try textLine()
            try pushDecimal(line.hasSuffix("L") ? String(line.dropLast()) : line)
        case .float: try pushNew(.real(Double(try textLine()) ?? .nan))
        case .string: try pushText(PickleText.unquoted(try textLine()))
        case .unicode: try pushText(PickleText.unescaped(try textLine(), escapes: "uU"))
        case .persid: try pushNew(.persistent(try make(text: try textLine())))
        case .get: try recall(try memoKey())
        case .put: try remember(as: try memoKey())
        case .inst:
            let module = try textLine()
            let place = try make(.global(try addGlobal(module: module, name: try textLine())))
            let arguments = try make(.tuple(try sequence(try popMark())))
            try pushObject(callable: place, arguments: arguments, isInstance: true)
        case .ext1: try pushRegistered(Int(try cursor.byte()))
        case .ext2: try pushRegistered(Int(try cursor.integer(UInt16.self)))
        case .ext4: try pushRegistered(Int(try cursor.integer(Int32.self)))
        default: throw failure(.unsupported, "the pickle uses an opcode that isn't handled")
        }
    }

    /// A line without its carriage return.
    private mutating func textLine() throws(ZooError) -> String {
        var line = try cursor.line(maximum: 1 << 20)
        if line.last == 0x0D { line.removeLast() }
        return try validText(line)
    }

    private mutating func pushDecimal(_ text: String) throws(ZooError) {
        let digits = text.drop { $0 == " " }
        if let number = Int(digits) { return try pushInteger(number) }
        // Too long for 64 bits, or in another base: no name and no length depends on it.
        try pushNew(.real(.nan))
    }

    private mutating func memoKey() throws(ZooError) -> UInt32 {
        let line = try textLine()
        guard let key = UInt32(line) else {
            throw failure(.corrupt, "the pickle has a memo entry named \(quoted(line))")
        }
        return key
    }

    private mutating func pushRegistered(_ code: Int) throws(ZooError) {
        try pushGlobal(module: "copyreg", name: "_extension_registry[\(code)]")
    }
}

/// Texts as Python 2 and protocol 0 spell them.
enum PickleText {
    /// The content of a quoted literal: `'it\x27s'`.
    static func unquoted(_ literal: String) -> String {
        var content = Substring(literal)
        while content.last == " " { content.removeLast() }
        guard let quote = content.first, quote == "'" || quote == "\"", content.count > 1,
            content.last == quote
        else { return literal }
        return unescaped(String(content.dropFirst().dropLast()), escapes: "x01234567abfnrtv\\'\"")
    }

    /// The text with those escapes carried out that begin with one of `escapes`.
    static func unescaped(_ text: String, escapes: String) -> String {
        var result = String.UnicodeScalarView()
        var rest = Substring(text).unicodeScalars
        let known = Set(escapes.unicodeScalars)
        while let scalar = rest.popFirst() {
            guard scalar == "\\", let kind = rest.first, known.contains(kind) else {
                result.append(scalar)
                continue
            }
            rest.removeFirst()
            let digits: (count: Int, radix: Int)? =
                switch kind {
                case "x": (2, 16)
                case "u": (4, 16)
                case "U": (8, 16)
                default: nil
                }
            if let digits {
                let code = UInt32(String(rest.prefix(digits.count)), radix: digits.radix)
                rest = rest.dropFirst(digits.count)
                result.append(code.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}")
            } else if ("0"..."7").contains(kind) {
                let more = rest.prefix(2).prefix { ("0"..."7").contains($0) }
                rest = rest.dropFirst(more.count)
                let code = UInt32(String(kind) + String(more), radix: 8)
                result.append(code.flatMap(Unicode.Scalar.init) ?? "\u{FFFD}")
            } else {
                let controls: [Unicode.Scalar: Unicode.Scalar] = [
                    "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{B}",
                ]
                result.append(controls[kind] ?? kind)
            }
        }
        return String(result)
    }
}
