/// Which tensors are taken, by patterns with wildcards: `*` stands for any characters, `?` for one.
public struct NameSelection: Sendable, Hashable {
    /// Names must match one of these, if there are any.
    public var included: [String]
    /// Names must match none of these.
    public var excluded: [String]

    /// A selection; without patterns it takes everything.
    public init(included: [String] = [], excluded: [String] = []) {
        self.included = included
        self.excluded = excluded
    }

    /// Whether a tensor is taken.
    public func takes(_ name: String) -> Bool {
        (included.isEmpty || included.contains { NameSelection.matches($0, name) })
            && !excluded.contains { NameSelection.matches($0, name) }
    }

    /// A sentence for every pattern that matches none of the names.
    public func notes(for names: [String]) -> [String] {
        [("--include", included), ("--exclude", excluded)].flatMap { option, patterns in
            patterns.filter { pattern in !names.contains { NameSelection.matches(pattern, $0) } }
                .map { "\(option) \($0) matches no name" }
        }
    }

    /// Whether a whole name matches a pattern with wildcards, in time proportional to the product of their lengths.
    public static func matches(_ pattern: String, _ name: String) -> Bool {
        let pattern = Array(pattern.unicodeScalars)
        let name = Array(name.unicodeScalars)
        var (place, position) = (0, 0)
        // Where to go on when what follows the last * doesn't fit: the * takes one character more.
        var lastStar: (place: Int, position: Int)?
        while position < name.count {
            if place < pattern.count, pattern[place] == "*" {
                lastStar = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == "?" || pattern[place] == name[position] {
                place += 1
                position += 1
            } else if let star = lastStar {
                place = star.place + 1
                position = star.position + 1
                lastStar = (star.place, position)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}
