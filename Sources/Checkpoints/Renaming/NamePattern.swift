public import ZooTensors

/// A regular expression that is matched in time proportional to the text, whatever it says: all ways to match go
/// forward side by side, one character at a time (Thompson's construction, with Pike's captures). What it finds is
/// what a backtracking matcher such as Python's finds first.
public struct NamePattern: Sendable {
    enum Instruction: Sendable {
        case scalars(ScalarSet)
        case assertion(PatternNode.Assertion)
        /// Both ways, the first one preferred.
        case split(Int, Int)
        case jump(Int)
        case save(Int)
        case match
    }

    /// A match: where it lies, and where its groups do, in scalars.
    struct Match {
        let slots: [Int]

        var range: Range<Int> { slots[0]..<slots[1] }

        func group(_ number: Int) -> Range<Int>? {
            let (start, end) = (slots[2 * number], slots[2 * number + 1])
            return start >= 0 && end >= start ? start..<end : nil
        }
    }

    static let maximumProgramLength = 5_000

    /// The pattern as it was given.
    public let text: String
    /// Names of the groups, from number 1 on.
    let groupNames: [String?]
    private(set) var program: [Instruction] = []

    /// Reads a pattern.
    /// - Throws: ``ZooError`` with the place of what isn't understood, and for one that is too large.
    public init(_ text: String) throws(ZooError) {
        var parser = try PatternParser(text)
        let tree = try parser.parse()
        self.text = text
        self.groupNames = parser.groupNames
        try emit(.save(0))
        try compile(tree)
        try emit(.save(1))
        try emit(.match)
    }

    // MARK: Compiling

    @discardableResult
    private mutating func emit(_ instruction: Instruction) throws(ZooError) -> Int {
        program.append(instruction)
        guard program.count <= NamePattern.maximumProgramLength else {
            throw ZooError(
                .limitExceeded, "the pattern \"\(text.prefix(60))\" repeats too much",
                remedy: "Use * or + in the place of large numbers of repetitions.")
        }
        return program.count - 1
    }

    private mutating func compile(_ node: PatternNode) throws(ZooError) {
        switch node {
        case .empty: break
        case .scalars(let set): try emit(.scalars(set))
        case .assertion(let assertion): try emit(.assertion(assertion))
        case .sequence(let parts): for part in parts { try compile(part) }
        case .choice(let branches): try compile(branches[...])
        case .group(let content, let number):
            try emit(.save(2 * number))
            try compile(content)
            try emit(.save(2 * number + 1))
        case .repeated(let content, let least, let most, let isGreedy):
            for _ in 0..<least { try compile(content) }
            guard let most else { return try compileLoop(content, isGreedy: isGreedy) }
            var exits: [Int] = []
            for _ in least..<most {
                exits.append(try emit(.split(0, 0)))
                try compile(content)
            }
            for exit in exits { setSplit(exit, into: exit + 1, past: program.count, isGreedy) }
        }
    }

    private mutating func compile(_ branches: ArraySlice<PatternNode>) throws(ZooError) {
        guard let first = branches.first, branches.count > 1 else {
            if let first = branches.first { try compile(first) }
            return
        }
        let split = try emit(.split(0, 0))
        try compile(first)
        let jump = try emit(.jump(0))
        program[split] = .split(split + 1, program.count)
        try compile(branches.dropFirst())
        program[jump] = .jump(program.count)
    }

    private mutating func compileLoop(_ content: PatternNode, isGreedy: Bool) throws(ZooError) {
        let split = try emit(.split(0, 0))
        try compile(content)
        try emit(.jump(split))
        setSplit(split, into: split + 1, past: program.count, isGreedy)
    }

    private mutating func setSplit(_ place: Int, into inside: Int, past outside: Int, _ isGreedy: Bool) {
        program[place] = isGreedy ? .split(inside, outside) : .split(outside, inside)
    }
}
