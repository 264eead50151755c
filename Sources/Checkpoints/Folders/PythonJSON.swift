public import ZooTensors

/// JSON as Python's `json.dumps(value, indent=2)` writes it, for documents that Python programs write too: members in
/// the given order, every element on a line of its own, everything beyond ASCII escaped.
public enum PythonJSON {
    /// The document as text.
    public static func text(_ value: JSONValue) -> String {
        var output = ""
        write(value, indent: "\n", into: &output)
        return output
    }

    private static func write(_ value: JSONValue, indent: String, into output: inout String) {
        switch value {
        case .array(let elements):
            write(elements.map { (nil, $0) }, brackets: ("[", "]"), indent: indent, into: &output)
        case .object(let object):
            write(
                object.members.map { ($0.key, $0.value) }, brackets: ("{", "}"), indent: indent, into: &output
            )
        case .string(let text): write(text, into: &output)
        case .number(let number): output += real(number)
        case .null, .bool, .integer: output += value.text()
        }
    }

    private static func write(
        _ members: [(String?, JSONValue)], brackets: (String, String), indent: String,
        into output: inout String
    ) {
        output += brackets.0
        for (position, (key, value)) in members.enumerated() {
            output += (position > 0 ? "," : "") + indent + "  "
            if let key {
                write(key, into: &output)
                output += ": "
            }
            write(value, indent: indent + "  ", into: &output)
        }
        if !members.isEmpty { output += indent }
        output += brackets.1
    }

    /// Both languages write the shortest digits that give the number back, and in the same way.
    private static func real(_ number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity" }
        return "\(number)"
    }

    private static func write(_ text: String, into output: inout String) {
        output += "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: output += "\\\""
            case 0x5C: output += "\\\\"
            case 0x0A: output += "\\n"
            case 0x0D: output += "\\r"
            case 0x09: output += "\\t"
            case 0x08: output += "\\b"
            case 0x0C: output += "\\f"
            case 0x20...0x7E: output.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default:
                let digits = String(unit, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        output += "\""
    }
}
