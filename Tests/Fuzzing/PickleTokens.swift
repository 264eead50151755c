/// A pickle as a run of opcodes with their arguments, which can be changed one by one.
package struct PickleTokens {
    struct Token {
        var opcode: UInt8
        /// Everything behind the opcode: a number, a line, or a length and what it counts.
        var argument: [UInt8]
    }

    /// How an opcode's argument is stored.
    private enum Form {
        case fixed(Int)
        case lines(Int)
        /// A length of so many bytes, then the content.
        case counted(Int)
    }

    var tokens: [Token] = []
    /// What follows the last opcode that could be read.
    private var rest: [UInt8] = []

    /// Reads opcodes up to STOP.
    package init(_ bytes: [UInt8], from start: Int = 0) {
        var position = start
        while position < bytes.count {
            let opcode = bytes[position]
            guard let count = PickleTokens.argumentCount(opcode, bytes, position + 1),
                position + 1 + count <= bytes.count
            else { break }
            tokens.append(
                Token(opcode: opcode, argument: Array(bytes[(position + 1)..<(position + 1 + count)])))
            position += 1 + count
            if opcode == UInt8(ascii: ".") { break }
        }
        end = position
        rest = Array(bytes[position...])
    }

    /// Where the pickle ends.
    package private(set) var end = 0

    /// The pickle, without what followed it.
    package var pickle: [UInt8] { tokens.flatMap { [$0.opcode] + $0.argument } }

    /// The pickle, and what followed it.
    package var bytes: [UInt8] { pickle + rest }

    private static func form(_ opcode: UInt8) -> Form {
        switch Character(Unicode.Scalar(opcode)) {
        case "B", "T", "X", "\u{8B}": .counted(4)
        case "C", "U", "\u{8A}", "\u{8C}": .counted(1)
        case "\u{8D}", "\u{8E}", "\u{96}": .counted(8)
        case "F", "I", "L", "P", "S", "V", "g", "p": .lines(1)
        case "c", "i": .lines(2)
        case "G", "\u{95}": .fixed(8)
        case "J", "j", "r", "\u{84}": .fixed(4)
        case "M", "\u{83}": .fixed(2)
        case "K", "h", "q", "\u{80}", "\u{82}": .fixed(1)
        default: .fixed(0)
        }
    }

    private static func argumentCount(_ opcode: UInt8, _ bytes: [UInt8], _ start: Int) -> Int? {
        switch form(opcode) {
        case .fixed(let count): return count
        case .lines(let lines):
            var position = start
            for _ in 0..<lines {
                guard position <= bytes.count, let end = bytes[position...].firstIndex(of: 0x0A) else {
                    return nil
                }
                position = end + 1
            }
            return position - start
        case .counted(let width):
            let count = bytes.number(at: start, width: width)
            return count <= UInt64(bytes.count) ? width + Int(count) : nil
        }
    }

    private static let names = [
        "os\nsystem\n", "torch\nFloatStorage\n", "torch\nDoubleStorage\n",
        "torch._utils\n_rebuild_tensor_v2\n",
        "torch._utils\n_rebuild_tensor_v3\n", "torch._utils\n_rebuild_qtensor\n", "torch\nSize\n",
        "torch._utils\n_rebuild_parameter\n", "torch._tensor\n_rebuild_from_type_v2\n",
        "torch\nfloat8_e5m2\n",
        "collections\nOrderedDict\n", "collections\ndefaultdict\n", "torch.storage\nUntypedStorage\n",
        "numpy._core.multiarray\n_reconstruct\n", "numpy._core.multiarray\nscalar\n", "numpy\ndtype\n",
        "pathlib\nPosixPath\n", "datetime\ndatetime\n", "_codecs\nencode\n", "torch\nper_channel_affine\n",
        "copyreg\n_reconstructor\n", "builtins\nset\n", "argparse\nNamespace\n", "decimal\nDecimal\n", "\n\n",
    ]
    private static let texts = [
        "", "storage", "module", "state_dict", "model", "_parameters", "_modules", "_buffers", "_metadata",
        "cpu",
        "0", "1", "weight", "f8", "O8", "neg", "conj", "module.", "..", "é", "_extra_state",
    ]

    /// Changes opcodes and arguments in a few places.
    package mutating func mutate(_ random: inout FuzzRandom) {
        for _ in 0..<random.few() { change(&random) }
    }

    private mutating func change(_ random: inout FuzzRandom) {
        guard !tokens.isEmpty else { return tokens.append(PickleTokens.made(&random)) }
        let place = random.below(tokens.count)
        switch random.below(10) {
        case 0: tokens.remove(at: place)
        case 1: tokens.insert(tokens[random.below(tokens.count)], at: place)
        case 2: tokens.swapAt(place, random.below(tokens.count))
        case 3: tokens.insert(PickleTokens.made(&random), at: place)
        case 4:
            // A run from elsewhere.
            let start = random.below(tokens.count)
            let run = tokens[start..<min(tokens.count, start + 1 + random.below(12))]
            tokens.insert(contentsOf: run, at: place)
        case 5: tokens.removeSubrange(place..<min(tokens.count, place + 1 + random.below(8)))
        case 6:
            // Another opcode with the same argument.
            tokens[place].opcode = PickleTokens.opcode(&random)
        default: changeArgument(at: place, &random)
        }
    }

    private mutating func changeArgument(at start: Int, _ random: inout FuzzRandom) {
        // Most opcodes have none: the next one that has.
        guard let place = (start..<tokens.count).first(where: { !tokens[$0].argument.isEmpty }) else {
            return
        }
        var argument = tokens[place].argument
        switch PickleTokens.form(tokens[place].opcode) {
        case .fixed(let width):
            argument = [UInt8](random.number(near: argument.number(at: 0, width: width)), width: width)
        case .lines(let count):
            argument = Array(count == 2 ? random.pick(PickleTokens.names).utf8 : "\(random.number())\n".utf8)
        case .counted(let width):
            if random.once(in: 3) {
                // The length alone lies.
                argument.put(random.number(near: argument.number(at: 0, width: width)), at: 0, width: width)
            } else {
                let text =
                    random.once(in: 4)
                    ? [UInt8](random.next(), width: 8) : Array(random.pick(PickleTokens.texts).utf8)
                argument = [UInt8](UInt64(text.count), width: width) + text
            }
        }
        tokens[place].argument = argument
    }

    private static func opcode(_ random: inout FuzzRandom) -> UInt8 {
        random.pick(Array("().012BCFGIJKLMNPQRSTUVX]abcdeghijlopqrstu}".utf8) + Array(0x80...0x98))
    }

    private static func made(_ random: inout FuzzRandom) -> Token {
        let opcode = opcode(&random)
        switch form(opcode) {
        case .fixed(let width): return Token(opcode: opcode, argument: [UInt8](random.number(), width: width))
        case .lines(let count):
            let line = count == 2 ? random.pick(names) : "\(Int64(bitPattern: random.number()))\n"
            return Token(opcode: opcode, argument: Array(line.utf8))
        case .counted(let width):
            let text = Array(random.pick(texts).utf8)
            return Token(opcode: opcode, argument: [UInt8](UInt64(text.count), width: width) + text)
        }
    }
}
