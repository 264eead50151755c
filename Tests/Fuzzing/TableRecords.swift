/// The indexer's table taken apart into records (`CHDF5Shim.h` states its form), and put together again with all
/// lengths right.
struct TableRecords {
    /// A number, or a text with its length in front.
    enum Field {
        case number(UInt64)
        case text([UInt8])
    }

    struct Record {
        var kind: UInt8
        var fields: [Field]
        /// What is counted at the end: an attribute's values, or a dataset's chunks.
        var items: [[Field]]?

        init(_ kind: Character, _ fields: [Field], items: [[Field]]? = nil) {
            self.kind = kind.asciiValue ?? 0
            self.fields = fields
            self.items = items
        }
    }

    var records: [Record] = []

    /// `nil` for anything but a whole table.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        while let kind = reader.byte() {
            switch Character(Unicode.Scalar(kind)) {
            case "G": records.append(Record("G", reader.fields("t")))
            case "T": records.append(Record("T", reader.fields("t")))
            case "A": records.append(reader.attribute())
            case "D": records.append(reader.dataset())
            case "E":
                guard reader.number() == UInt64(records.count), !reader.isBroken else { return nil }
                return
            default: return nil
            }
            if reader.isBroken { return nil }
        }
        return nil
    }

    /// The table, with the number of its records at its end.
    var bytes: [UInt8] {
        var result: [UInt8] = []
        for record in records {
            result.append(record.kind)
            record.fields.forEach { TableRecords.append($0, to: &result) }
            guard let items = record.items else { continue }
            result += [UInt8](UInt64(items.count), width: 8)
            items.joined().forEach { TableRecords.append($0, to: &result) }
        }
        return result + Array("E".utf8) + [UInt8](UInt64(records.count), width: 8)
    }

    private static func append(_ field: Field, to result: inout [UInt8]) {
        switch field {
        case .number(let value): result += [UInt8](value, width: 8)
        case .text(let text): result += [UInt8](UInt64(text.count), width: 8) + text
        }
    }

    /// Takes a table apart that the indexer made.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0
        var isBroken = false

        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func byte() -> UInt8? {
            guard position < bytes.count else { return nil }
            position += 1
            return bytes[position - 1]
        }

        mutating func number() -> UInt64 {
            isBroken = isBroken || position + 8 > bytes.count
            position += 8
            return isBroken ? 0 : bytes.number(at: position - 8, width: 8)
        }

        mutating func text() -> [UInt8] {
            let count = number()
            guard !isBroken, count <= UInt64(bytes.count - position) else {
                isBroken = true
                return []
            }
            position += Int(count)
            return Array(bytes[(position - Int(count))..<position])
        }

        /// One field for each letter: `n` for a number, `t` for a text.
        mutating func fields(_ letters: String) -> [Field] {
            letters.map { $0 == "n" ? .number(number()) : .text(text()) }
        }

        /// Appends fields and returns the number that is their last.
        private mutating func add(_ letters: String, to record: inout Record) -> UInt64 {
            record.fields += fields(letters)
            if case .number(let value)? = record.fields.last { return value }
            return 0
        }

        private mutating func items(_ count: UInt64, _ letters: String) -> [[Field]] {
            var items: [[Field]] = []
            while items.count < count, !isBroken { items.append(fields(letters)) }
            return items
        }

        mutating func attribute() -> Record {
            var record = Record("A", fields("t"))
            let kind = add("n", to: &record)
            _ = add("n", to: &record)
            record.items = items(number(), kind == 1 ? "t" : "n")
            return record
        }

        mutating func dataset() -> Record {
            var record = Record("D", fields("t"))
            let kind = add("n", to: &record)
            // Class, size, byte order, and what integers and floating-point numbers have in addition.
            _ = add("nnn" + (kind == 0 ? "nnn" : kind == 1 ? "nnnnnnnnn" : ""), to: &record)
            let rank = min(add("nn", to: &record), 64)
            let extents = String(repeating: "n", count: Int(rank))
            _ = add(extents, to: &record)
            switch add("n", to: &record) {
            case 1: _ = add("t", to: &record)
            case 2: _ = add("tnnn", to: &record)
            case 3:
                _ = add("tn" + extents + "n", to: &record)
                for _ in 0..<min(add("n", to: &record), 64) where !isBroken {
                    let parameters = min(add("nn", to: &record), 64)
                    _ = add(String(repeating: "n", count: Int(parameters)) + "t", to: &record)
                }
                record.items = items(number(), extents + "nnn")
            default: break
            }
            return record
        }
    }
}
