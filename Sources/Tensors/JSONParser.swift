/// A strict JSON reader (RFC 8259) for documents from strangers: no duplicate names, no trailing text, bounded
/// depth, bounded memory, valid UTF-8, and every error tells its byte.
public struct JSONParser {
    /// What a reader of foreign documents may relax.
    public struct Options: Sendable {
        /// How deep arrays and objects may nest.
        public var maximumDepth = 128
        /// Accept `NaN`, `Infinity` and `-Infinity`, which Python's encoder writes.
        public var acceptsNonFiniteNumbers = false
        /// Bytes of the file that the document is a part of, when that is larger than the document. The values may
        /// take 48 MiB and as much again: two letters of text can become a value of fifty bytes.
        public var fileByteCount = 0

        /// The strict defaults.
        public init() {}
    }

    private let bytes: [UInt8]
    private let options: Options
    private var position = 0
    /// Bytes that further values may take.
    private var memory: Int

    private init(bytes: [UInt8], options: Options) {
        self.bytes = bytes
        self.options = options
        memory = 48 << 20 + min(max(bytes.count, options.fileByteCount), 1 << 40)
    }

    /// What values take at most: while an array or a table grows, it is there twice, and one of them has room to spare.
    private enum Cost {
        static let container = 64
        static func element(at place: Int) -> Int { place < 8 ? 48 : 72 }
        /// From the ninth member on, an object keeps a table of its names.
        static func member(at place: Int) -> Int { place < 8 ? 80 : 216 }
        static func of(_ text: String) -> Int { text.utf8.count <= 15 ? 0 : 32 + text.utf8.count }
    }

    private mutating func spend(_ byteCount: Int) throws(ZooError) {
        memory -= byteCount
        guard memory >= 0 else {
            throw ZooError(
                .limitExceeded, "a JSON document holds more values than its file has reason to",
                byteOffset: position)
        }
    }

    /// Reads one document.
    /// - Throws: ``ZooError`` with the byte offset inside the document.
    public static func parse(_ bytes: [UInt8], options: Options = Options()) throws(ZooError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, options: options)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.failure("text follows the JSON document") }
        return value
    }

    /// Reads one document from a string.
    public static func parse(_ text: String, options: Options = Options()) throws(ZooError) -> JSONValue {
        try parse(Array(text.utf8), options: options)
    }

    private func failure(_ problem: String) -> ZooError {
        ZooError(.corrupt, "invalid JSON: \(problem)", byteOffset: position)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            position += 1
        }
    }

    private mutating func take(_ literal: StaticString) -> Bool {
        let text = literal.description.utf8
        guard bytes.count - position >= text.count,
            zip(bytes[position...], text).allSatisfy({ $0 == $1 })
        else { return false }
        position += text.count
        return true
    }

    private mutating func takeByte(_ wanted: Unicode.Scalar) -> Bool {
        guard let byte = current, UInt32(byte) == wanted.value else { return false }
        position += 1
        return true
    }

    private mutating func value(depth: Int) throws(ZooError) -> JSONValue {
        guard depth <= options.maximumDepth else {
            throw failure("nested deeper than \(options.maximumDepth) levels")
        }
        skipSpace()
        guard let byte = current else { throw failure("the document ends where a value is expected") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""):
            let text = try string()
            try spend(Cost.of(text))
            return .string(text)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default:
            if take("true") { return .bool(true) }
            if take("false") { return .bool(false) }
            if take("null") { return .null }
            if options.acceptsNonFiniteNumbers {
                if take("NaN") { return .number(.nan) }
                if take("Infinity") { return .number(.infinity) }
            }
            throw failure("a value is expected")
        }
    }

    private mutating func object(depth: Int) throws(ZooError) -> JSONValue {
        position += 1
        try spend(Cost.container)
        var result = JSONObject()
        skipSpace()
        if takeByte("}") { return .object(result) }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw failure("a member's name is expected") }
            let name = try string()
            let nameEnd = position
            try spend(Cost.of(name) + Cost.member(at: result.count))
            skipSpace()
            guard takeByte(":") else { throw failure("a colon is expected") }
            guard result.insert(try value(depth: depth + 1), named: name) else {
                position = nameEnd
                throw failure("the name \"\(name)\" stands twice in one object")
            }
            skipSpace()
            if takeByte("}") { return .object(result) }
            guard takeByte(",") else { throw failure("a comma or a closing brace is expected") }
        }
    }

    private mutating func array(depth: Int) throws(ZooError) -> JSONValue {
        position += 1
        try spend(Cost.container)
        var result: [JSONValue] = []
        skipSpace()
        if takeByte("]") { return .array(result) }
        result.reserveCapacity(4)
        while true {
            try spend(Cost.element(at: result.count))
            result.append(try value(depth: depth + 1))
            skipSpace()
            if takeByte("]") { return .array(result) }
            guard takeByte(",") else { throw failure("a comma or a closing bracket is expected") }
        }
    }

    private mutating func number() throws(ZooError) -> JSONValue {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        if options.acceptsNonFiniteNumbers, take("Infinity") { return .number(-.infinity) }
        let firstDigit = position
        try digits()
        if bytes[firstDigit] == UInt8(ascii: "0"), position - firstDigit > 1 {
            throw failure("a number begins with a superfluous zero")
        }
        var isInteger = true
        if current == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        if isInteger, position - start <= 18, bytes[start] != UInt8(ascii: "-") {
            return .integer(bytes[start..<position].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        // Minus zero is no whole number: as one it would lose its sign.
        if isInteger, text != "-0", let whole = Int(text) { return .integer(whole) }
        guard let real = Double(text), real.isFinite else {
            throw failure("the number \(text.prefix(40)) is out of range")
        }
        return .number(real)
    }

    private mutating func digits() throws(ZooError) {
        let start = position
        while let byte = current, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        guard position > start else { throw failure("a digit is expected") }
    }

    private mutating func string() throws(ZooError) -> String {
        position += 1
        // Most strings are plain: no escapes, and nothing but ASCII.
        let start = position
        while position < bytes.count, JSONParser.isPlain(bytes[position]) { position += 1 }
        if current == UInt8(ascii: "\"") {
            position += 1
            return String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
        }
        var text = Array(bytes[start..<position])
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let result = String(validating: text, as: UTF8.self) else {
                    throw failure("a string isn't valid UTF-8")
                }
                return result
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("a control character stands unescaped in a string")
            default: text.append(byte)
            }
        }
        throw failure("a string doesn't end")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escape(into text: inout [UInt8]) throws(ZooError) {
        guard let byte = current else { throw failure("a string doesn't end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = UInt32(try fourHexDigits())
            if (0xD800..<0xDC00).contains(code) {
                guard take("\\u") else { throw failure("half of a surrogate pair stands alone") }
                let low = UInt32(try fourHexDigits())
                guard (0xDC00..<0xE000).contains(low) else { throw failure("a surrogate pair is broken") }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw failure("half of a surrogate pair stands alone")
            }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw failure("an unknown escape stands in a string")
        }
    }

    private mutating func fourHexDigits() throws(ZooError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("four hexadecimal digits are expected")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
