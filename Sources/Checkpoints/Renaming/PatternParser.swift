internal import ZooTensors

/// What a regular expression says, as a tree.
indirect enum PatternNode {
    case empty
    case scalars(ScalarSet)
    case assertion(Assertion)
    case sequence([PatternNode])
    case choice([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?, isGreedy: Bool)
    case group(PatternNode, number: Int)

    enum Assertion: Sendable {
        case start, end, wordBoundary, noWordBoundary
    }
}

/// A set of characters.
struct ScalarSet: Sendable {
    var ranges: [ClosedRange<UInt32>] = []
    var classes: [(kind: Class, isNegated: Bool)] = []
    var isNegated = false

    enum Class: Sendable {
        case digit, word, space

        func contains(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .digit: scalar.properties.generalCategory == .decimalNumber
            case .word:
                scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            case .space: scalar.properties.isWhitespace
            }
        }
    }

    static let everything = ScalarSet(isNegated: true)

    init(_ scalar: Unicode.Scalar) { ranges = [scalar.value...scalar.value] }

    init(isNegated: Bool = false) { self.isNegated = isNegated }

    init(_ kind: Class, isNegated: Bool) { classes = [(kind, isNegated)] }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let isInside =
            ranges.contains { $0.contains(scalar.value) }
            || classes.contains { $0.kind.contains(scalar) != $0.isNegated }
        return isInside != isNegated
    }
}

/// Reads a regular expression: Python's notation, without what needs more than one look at a character
/// (backreferences, looking ahead or behind).
struct PatternParser {
    static let maximumLength = 1_000
    static let maximumDepth = 50
    static let maximumRepetition = 200
    static let maximumGroups = 30

    private let scalars: [Unicode.Scalar]
    private var position = 0
    /// Names of the groups by number, from 1 on.
    private(set) var groupNames: [String?] = []

    init(_ pattern: String) throws(ZooError) {
        scalars = Array(pattern.unicodeScalars)
        guard scalars.count <= PatternParser.maximumLength else {
            throw ZooError(
                .limitExceeded, "a pattern is longer than \(PatternParser.maximumLength) characters",
                found: "\(scalars.count)")
        }
    }

    mutating func parse() throws(ZooError) -> PatternNode {
        let node = try choice(depth: 0)
        guard position == scalars.count else { throw failure("a ) stands without its (") }
        return node
    }

    private func failure(_ problem: String, code: ZooError.Code = .invalidArgument) -> ZooError {
        ZooError(
            code, "the pattern \(quotedPattern) can't be read: \(problem), at character \(position + 1)")
    }

    private var quotedPattern: String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars.prefix(60))
        return "\"\(text)\(scalars.count > 60 ? "…" : "")\""
    }

    private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars.count - position >= wanted.count,
            Array(scalars[position..<(position + wanted.count)]) == wanted
        else { return false }
        position += wanted.count
        return true
    }

    private mutating func choice(depth: Int) throws(ZooError) -> PatternNode {
        guard depth <= PatternParser.maximumDepth else {
            throw failure("groups are nested deeper than \(PatternParser.maximumDepth)", code: .limitExceeded)
        }
        var branches = [try sequence(depth: depth)]
        while take("|") { branches.append(try sequence(depth: depth)) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence(depth: Int) throws(ZooError) -> PatternNode {
        var parts: [PatternNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            parts.append(try repetition(of: try atom(depth: depth)))
        }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func repetition(of node: PatternNode) throws(ZooError) -> PatternNode {
        var least = 0
        var most: Int?
        if take("*") {
        } else if take("+") {
            least = 1
        } else if take("?") {
            most = 1
        } else if let bounds = try countedBounds() {
            (least, most) = bounds
        } else {
            return node
        }
        let isGreedy = !take("?")
        if let next = current, "*+?".unicodeScalars.contains(next) {
            throw failure("a repetition of a repetition")
        }
        if case .assertion = node { throw failure("a repetition of what has no length") }
        return .repeated(node, least: least, most: most, isGreedy: isGreedy)
    }

    /// `{2}`, `{2,}`, `{,3}`, `{2,3}`; braces with anything else in them stand for themselves.
    private mutating func countedBounds() throws(ZooError) -> (Int, Int?)? {
        guard current == "{", let close = scalars[position...].firstIndex(of: "}") else { return nil }
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars[(position + 1)..<close])
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        let isCount =
            (1...2).contains(fields.count) && text != "," && !text.isEmpty
            && fields.allSatisfy { $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
        guard isCount else { return nil }
        let least = fields[0].isEmpty ? 0 : Int(fields[0]) ?? .max
        var most: Int? = least
        if fields.count == 2 { most = fields[1].isEmpty ? nil : Int(fields[1]) ?? .max }
        guard max(least, most ?? 0) <= PatternParser.maximumRepetition else {
            throw failure("more than \(PatternParser.maximumRepetition) repetitions", code: .limitExceeded)
        }
        if let most, most < least { throw failure("a repetition of at least \(least) and at most \(most)") }
        position = close + 1
        return (least, most)
    }

    private mutating func atom(depth: Int) throws(ZooError) -> PatternNode {
        guard let scalar = current else { return .empty }
        position += 1
        switch scalar {
        case "(": return try group(depth: depth)
        case "[": return .scalars(try set())
        case ".": return .scalars(.everything)
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        case "\\": return try escape()
        case "*", "+", "?":
            position -= 1
            throw failure("nothing to repeat")
        default: return .scalars(ScalarSet(scalar))
        }
    }

    private mutating func group(depth: Int) throws(ZooError) -> PatternNode {
        var number: Int?
        if take("?:") {
        } else if take("?P<") || (current == "?" && isNameAhead && take("?<")) {
            number = try beginGroup(named: try groupName())
        } else if current == "?" {
            throw failure(
                "of what begins with (? only (?: and (?P<name> are supported; there is no looking ahead or behind",
                code: .unsupported)
        } else {
            number = try beginGroup(named: nil)
        }
        let content = try choice(depth: depth + 1)
        guard take(")") else { throw failure("a ( without its )") }
        return number.map { .group(content, number: $0) } ?? content
    }

    /// Whether `?<` is followed by a name rather than by what looks behind.
    private var isNameAhead: Bool {
        guard position + 2 < scalars.count, scalars[position + 1] == "<" else { return false }
        return scalars[position + 2].properties.isAlphabetic || scalars[position + 2] == "_"
    }

    private mutating func beginGroup(named name: String?) throws(ZooError) -> Int {
        groupNames.append(name)
        guard groupNames.count <= PatternParser.maximumGroups else {
            throw failure("more than \(PatternParser.maximumGroups) groups", code: .limitExceeded)
        }
        return groupNames.count
    }

    private mutating func groupName() throws(ZooError) -> String {
        var name = ""
        while let scalar = current, scalar != ">" {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(">"), !name.isEmpty, Int(name) == nil, !groupNames.contains(name) else {
            throw failure("a group's name doesn't end, is empty, a number or taken")
        }
        return name
    }
}

extension PatternParser {
    fileprivate mutating func escape() throws(ZooError) -> PatternNode {
        if take("A") { return .assertion(.start) }
        if take("Z") { return .assertion(.end) }
        if take("b") { return .assertion(.wordBoundary) }
        if take("B") { return .assertion(.noWordBoundary) }
        return .scalars(try escapedSet())
    }

    /// What follows a backslash, also inside brackets.
    private mutating func escapedSet() throws(ZooError) -> ScalarSet {
        guard let scalar = current else { throw failure("a backslash at the end") }
        position += 1
        switch scalar {
        case "d": return ScalarSet(.digit, isNegated: false)
        case "D": return ScalarSet(.digit, isNegated: true)
        case "w": return ScalarSet(.word, isNegated: false)
        case "W": return ScalarSet(.word, isNegated: true)
        case "s": return ScalarSet(.space, isNegated: false)
        case "S": return ScalarSet(.space, isNegated: true)
        case "t": return ScalarSet("\t")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        default:
            let isLetterOrDigit = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            guard !isLetterOrDigit else {
                position -= 1
                throw failure("\\\(scalar) is not supported", code: .unsupported)
            }
            return ScalarSet(scalar)
        }
    }

    fileprivate mutating func set() throws(ZooError) -> ScalarSet {
        var result = ScalarSet(isNegated: take("^"))
        var isFirst = true
        while let scalar = current, isFirst || scalar != "]" {
            isFirst = false
            position += 1
            var item = ScalarSet(scalar)
            if scalar == "\\" { item = try escapedSet() }
            // A range: a character, a hyphen, a character.
            if let low = item.ranges.first?.lowerBound, current == "-", position + 1 < scalars.count,
                scalars[position + 1] != "]"
            {
                position += 1
                let end = scalars[position]
                position += 1
                let high = end == "\\" ? try escapedSet().ranges.first?.lowerBound : end.value
                guard let high, high >= low else { throw failure("a range that runs backwards") }
                result.ranges.append(low...high)
                continue
            }
            result.ranges += item.ranges
            result.classes += item.classes
        }
        guard take("]") else { throw failure("a [ without its ]") }
        return result
    }
}
