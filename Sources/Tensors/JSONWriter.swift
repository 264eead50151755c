extension JSONValue {
    /// The document as text.
    /// - Parameters:
    ///   - pretty: two-space indentation and one member per line; otherwise everything on one line.
    ///   - sortedKeys: members in alphabetical order, except that `schema` comes first.
    public func text(pretty: Bool = false, sortedKeys: Bool = true) -> String {
        var output = ""
        write(into: &output, pretty: pretty, sortedKeys: sortedKeys, depth: 0)
        return output
    }

    private func write(into output: inout String, pretty: Bool, sortedKeys: Bool, depth: Int) {
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .integer(let value): output += String(value)
        case .number(let value):
            if value.isFinite { output += "\(value)" } else { output += JSONValue.finite(value).text() }
        case .string(let value): JSONValue.write(string: value, into: &output)
        case .array(let elements):
            // Short lists of plain values read better on one line.
            let flat = elements.allSatisfy { if case .array = $0 { false } else { $0.objectValue == nil } }
            write(
                elements.map { (nil, $0) }, brackets: ("[", "]"), into: &output, pretty: pretty && !flat,
                sortedKeys: sortedKeys, depth: depth)
        case .object(let object):
            var members = object.members.map { (Optional($0.key), $0.value) }
            if sortedKeys {
                members.sort { left, right in
                    let (a, b) = (left.0 ?? "", right.0 ?? "")
                    if (a == "schema") != (b == "schema") { return a == "schema" }
                    return a < b
                }
            }
            write(
                members, brackets: ("{", "}"), into: &output, pretty: pretty, sortedKeys: sortedKeys,
                depth: depth)
        }
    }

    private func write(
        _ members: [(String?, JSONValue)], brackets: (String, String), into output: inout String,
        pretty: Bool,
        sortedKeys: Bool, depth: Int
    ) {
        output += brackets.0
        for (position, (key, value)) in members.enumerated() {
            if position > 0 { output += pretty ? "," : ", " }
            if pretty { output += "\n" + String(repeating: "  ", count: depth + 1) }
            if let key {
                JSONValue.write(string: key, into: &output)
                output += ": "
            }
            value.write(into: &output, pretty: pretty, sortedKeys: sortedKeys, depth: depth + 1)
        }
        if pretty, !members.isEmpty { output += "\n" + String(repeating: "  ", count: depth) }
        output += brackets.1
    }

    private static func write(string: String, into output: inout String) {
        output += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}
