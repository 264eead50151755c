internal import ZooTensors

/// How many steps matching may take altogether.
struct WorkBudget {
    private var left: Int

    init(_ steps: Int) { left = steps }

    mutating func spend(_ steps: Int = 1) throws(ZooError) {
        left -= steps
        guard left >= 0 else {
            throw ZooError(
                .limitExceeded, "the rename rules take too much work",
                remedy: "Make the patterns simpler: anchor them with ^, and avoid nested repetitions.")
        }
    }
}

extension NamePattern {
    /// A way to match that is still open: the instruction that it stands at, and what it captured.
    private struct Thread {
        let place: Int
        let slots: [Int]
    }

    /// The ways that are open at one character, the preferred ones first.
    private struct Threads {
        var list: [Thread] = []
        var known: Set<Int> = []

        mutating func removeAll() {
            list.removeAll(keepingCapacity: true)
            known.removeAll(keepingCapacity: true)
        }
    }

    /// The first match at or after a character.
    /// - Parameter mustAdvance: passes over an empty match at that character.
    func firstMatch(
        in text: [Unicode.Scalar], from start: Int, mustAdvance: Bool, budget: inout WorkBudget
    ) throws(ZooError) -> Match? {
        var current = Threads()
        var next = Threads()
        var found: Match?
        let empty = [Int](repeating: -1, count: 2 * (groupNames.count + 1))
        for position in start...text.count {
            // A match that begins later only counts as long as there is none that began earlier.
            if found == nil { try add(0, empty, at: position, of: text, to: &current, &budget) }
            if current.list.isEmpty, found != nil { break }
            next.removeAll()
            for thread in current.list {
                try budget.spend()
                switch program[thread.place] {
                case .scalars(let set):
                    guard position < text.count, set.contains(text[position]) else { continue }
                    try add(thread.place + 1, thread.slots, at: position + 1, of: text, to: &next, &budget)
                    continue
                case .match:
                    if mustAdvance, position == start { continue }
                    found = Match(slots: thread.slots)
                default: continue
                }
                // What is less preferred than this match is given up.
                break
            }
            swap(&current, &next)
        }
        return found
    }

    /// Follows everything that takes no character.
    private func add(
        _ place: Int, _ slots: [Int], at position: Int, of text: [Unicode.Scalar], to threads: inout Threads,
        _ budget: inout WorkBudget
    ) throws(ZooError) {
        var open = [Thread(place: place, slots: slots)]
        while let thread = open.popLast() {
            guard threads.known.insert(thread.place).inserted else { continue }
            try budget.spend()
            switch program[thread.place] {
            case .jump(let target): open.append(Thread(place: target, slots: thread.slots))
            case .split(let first, let second):
                open.append(Thread(place: second, slots: thread.slots))
                open.append(Thread(place: first, slots: thread.slots))
            case .save(let slot):
                var saved = thread.slots
                saved[slot] = position
                open.append(Thread(place: thread.place + 1, slots: saved))
            case .assertion(let assertion):
                guard NamePattern.holds(assertion, at: position, of: text) else { continue }
                open.append(Thread(place: thread.place + 1, slots: thread.slots))
            case .scalars, .match: threads.list.append(thread)
            }
        }
    }

    private static func holds(
        _ assertion: PatternNode.Assertion, at position: Int, of text: [Unicode.Scalar]
    ) -> Bool {
        func isWord(_ place: Int) -> Bool {
            text.indices.contains(place) && ScalarSet.Class.word.contains(text[place])
        }
        switch assertion {
        case .start: return position == 0
        case .end: return position == text.count
        case .wordBoundary: return isWord(position - 1) != isWord(position)
        case .noWordBoundary: return isWord(position - 1) == isWord(position)
        }
    }

    /// The text with something else in the place of every match; `nil` when nothing matches. As in Python's `re.sub`,
    /// empty matches count, but after one the next has to be longer or to lie further on.
    func replacing(
        in text: String, with replacement: RenameTemplate, budget: inout WorkBudget
    ) throws(ZooError) -> String? {
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var copied = 0
        var last: Match?
        while let match = try firstMatch(
            in: scalars, from: copied, mustAdvance: last?.range.isEmpty ?? false, budget: &budget)
        {
            result.append(contentsOf: scalars[copied..<match.range.lowerBound])
            replacement.append(to: &result, match: match, text: scalars)
            copied = match.range.upperBound
            last = match
        }
        guard last != nil else { return nil }
        result.append(contentsOf: scalars[copied...])
        return String(result)
    }
}

/// What stands in the place of a match: text, with `$1` or `${name}` for groups, `$0` for all of it, `$$` for a dollar.
struct RenameTemplate: Sendable {
    private enum Part: Sendable {
        case text(String)
        case group(Int)
    }

    private var parts: [Part] = []

    init(_ template: String, groupNames: [String?]) throws(ZooError) {
        var rest = Substring(template)
        while let dollar = rest.firstIndex(of: "$") {
            parts.append(.text(String(rest[..<dollar])))
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                parts.append(.text("$"))
                rest = rest.dropFirst()
                continue
            }
            var name = String(rest.prefix(1))
            if name == "{" {
                guard let close = rest.firstIndex(of: "}") else {
                    throw RenameTemplate.failure(template, "${ without its }")
                }
                name = String(rest[rest.index(after: rest.startIndex)..<close])
                rest = rest[rest.index(after: close)...]
            } else {
                rest = rest.dropFirst()
            }
            let number = Int(name) ?? groupNames.firstIndex(of: name).map { $0 + 1 }
            guard let number, (0...groupNames.count).contains(number) else {
                throw RenameTemplate.failure(template, "there is no group \"\(name)\"")
            }
            parts.append(.group(number))
        }
        parts.append(.text(String(rest)))
    }

    private static func failure(_ template: String, _ problem: String) -> ZooError {
        ZooError(
            .invalidArgument, "the replacement \"\(template.prefix(60))\" can't be read: \(problem)",
            remedy: "Write $1 for what the first ( ) of the pattern took, and $$ for a dollar.")
    }

    func append(to result: inout String.UnicodeScalarView, match: NamePattern.Match, text: [Unicode.Scalar]) {
        for part in parts {
            switch part {
            case .text(let text): result.append(contentsOf: text.unicodeScalars)
            case .group(let number):
                if let range = match.group(number) { result.append(contentsOf: text[range]) }
            }
        }
    }
}
