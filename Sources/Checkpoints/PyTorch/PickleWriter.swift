internal import ZooContainers
internal import ZooTensors

/// Writes pickles of protocol 2 with only those opcodes that PyTorch's own safe reader knows.
struct PickleWriter {
    private(set) var bytes: [UInt8] = [0x80, 2]

    mutating func opcode(_ letter: Character) { bytes += Array(String(letter).utf8) }

    mutating func mark() { opcode("(") }

    mutating func tuple() { opcode("t") }

    mutating func emptyTuple() { opcode(")") }

    mutating func global(_ module: String, _ name: String) { bytes.appendASCII("c\(module)\n\(name)\n") }

    mutating func boolean(_ value: Bool) { bytes.append(value ? 0x88 : 0x89) }

    mutating func text(_ value: String) throws(ZooError) {
        let utf8 = Array(value.utf8)
        guard let count = UInt32(exactly: utf8.count) else {
            throw ZooError(.invalidArgument, "a text of \(utf8.count) bytes is too long for a pickle")
        }
        opcode("X")
        bytes.appendLittleEndian(count)
        bytes += utf8
    }

    mutating func integer(_ value: Int) {
        switch value {
        case 0..<256:
            opcode("K")
            bytes.append(UInt8(truncatingIfNeeded: value))
        case 256..<65536:
            opcode("M")
            bytes.appendLittleEndian(UInt16(truncatingIfNeeded: value))
        case Int(Int32.min)...Int(Int32.max):
            opcode("J")
            bytes.appendLittleEndian(Int32(truncatingIfNeeded: value))
        default:
            bytes += [0x8A, 8]
            bytes.appendLittleEndian(Int64(value))
        }
    }

    mutating func integers(_ values: [Int]) {
        guard !values.isEmpty else { return emptyTuple() }
        mark()
        for value in values { integer(value) }
        tuple()
    }

    /// `collections.OrderedDict()`.
    mutating func orderedDictionary() {
        global("collections", "OrderedDict")
        emptyTuple()
        opcode("R")
    }

    /// Begins the items of the dictionary on top of the stack; keys and values follow.
    mutating func beginItems() { mark() }

    mutating func endItems() { opcode("u") }

    mutating func build() { opcode("b") }

    mutating func emptyDictionary() { opcode("}") }

    mutating func call() { opcode("R") }

    mutating func persistentID() { opcode("Q") }

    mutating func stop() { opcode(".") }
}
