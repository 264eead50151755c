internal import ZooTensors

/// Reads the one Python literal that an NPY header consists of: a dictionary with exactly the keys `descr`,
/// `fortran_order` and `shape`.
struct PythonLiteral {
    struct ArrayDescription {
        let descr: String
        let isColumnMajor: Bool
        let shape: [Int]
    }

    private let bytes: [UInt8]
    private let start: Int
    private let file: String?
    private var position = 0

    init(_ bytes: [UInt8], start: Int, file: String?) {
        self.bytes = bytes
        self.start = start
        self.file = file
    }

    mutating func arrayDescription() throws(ZooError) -> ArrayDescription {
        var descr: String?
        var isColumnMajor: Bool?
        var shape: [Int]?
        try expect("{")
        while !take("}") {
            let key = try text()
            try expect(":")
            switch key {
            case "descr" where descr == nil:
                guard peek() != UInt8(ascii: "[") else {
                    throw ZooError(
                        .unsupported, "the NumPy array has records, not numbers", file: file,
                        byteOffset: start,
                        remedy: "Save its fields as arrays of their own.")
                }
                descr = try text()
            case "fortran_order" where isColumnMajor == nil: isColumnMajor = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw failure("has an unexpected key, \(quoted(key))")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard position == bytes.count else { throw failure("has something after its end") }
        guard let descr, let isColumnMajor, let shape else {
            throw failure("lacks descr, fortran_order or shape")
        }
        return ArrayDescription(descr: descr, isColumnMajor: isColumnMajor, shape: shape)
    }

    private func failure(_ problem: String) -> ZooError {
        ZooError(.corrupt, "the NumPy array's header \(problem)", file: file, byteOffset: start)
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    private mutating func take(_ word: StaticString) -> Bool {
        skipSpace()
        let wanted = word.description.utf8
        guard bytes.count - position >= wanted.count, bytes[position...].starts(with: wanted) else {
            return false
        }
        position += wanted.count
        return true
    }

    private mutating func expect(_ word: StaticString) throws(ZooError) {
        guard take(word) else { throw failure("lacks \(word)") }
    }

    private mutating func text() throws(ZooError) -> String {
        guard let quote = peek(), quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw failure("lacks a text")
        }
        let rest = bytes[(position + 1)...]
        guard let end = rest.firstIndex(of: quote), !rest[..<end].contains(UInt8(ascii: "\\")) else {
            throw failure("has a text that doesn't end")
        }
        position = end + 1
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private mutating func boolean() throws(ZooError) -> Bool {
        if take("True") { return true }
        if take("False") { return false }
        throw failure("lacks True or False")
    }

    private mutating func tuple() throws(ZooError) -> [Int] {
        try expect("(")
        var values: [Int] = []
        while !take(")") {
            guard values.count < 64 else { throw failure("has too many axes") }
            values.append(try number())
            if !take(",") {
                guard values.count > 1 else { throw failure("has a shape that isn't a tuple") }
                try expect(")")
                break
            }
        }
        return values
    }

    private mutating func number() throws(ZooError) -> Int {
        skipSpace()
        let first = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard let value = Int(String(decoding: bytes[first..<position], as: UTF8.self)) else {
            throw failure("has a shape with something that isn't a size")
        }
        // Python 2 wrote long integers so.
        _ = take("L")
        return value
    }
}
