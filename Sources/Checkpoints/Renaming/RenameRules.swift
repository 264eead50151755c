public import ZooTensors

/// Rules that give tensors other names, applied one after the other, schema `menagerie/rename/1`.
public struct RenameRules: Sendable {
    /// The schema of the document.
    public static let schema = "menagerie/rename/1"

    /// One rule: what matches the pattern, wherever it stands in a name, is replaced.
    public struct Rule: Sendable {
        /// The regular expression.
        public let pattern: NamePattern
        /// What stands in the place of every match, as it was given.
        public let replacement: String
        let template: RenameTemplate

        /// Reads a rule.
        /// - Throws: ``ZooError`` for a pattern or a replacement that isn't understood.
        public init(pattern: String, replacement: String) throws(ZooError) {
            self.pattern = try NamePattern(pattern)
            self.replacement = replacement
            template = try RenameTemplate(replacement, groupNames: self.pattern.groupNames)
        }
    }

    /// The rules in order.
    public let rules: [Rule]

    private static let maximumRuleCount = 1_000
    /// Steps that all rules together may take for all names; a few seconds' worth.
    private static let maximumSteps = 100_000_000

    /// Rules from a program.
    public init(_ rules: [Rule]) { self.rules = rules }

    /// Reads a document: `{"schema": "menagerie/rename/1", "rules": [{"pattern": "^model\\.", "replacement": ""}]}`.
    /// - Throws: ``ZooError`` that names the rule that isn't understood.
    public init(path: String) throws(ZooError) {
        do throws(ZooError) {
            let source = try ByteSource(path: path)
            guard source.count <= 16 << 20 else {
                throw ZooError(.limitExceeded, "the rename rules are longer than 16 MiB")
            }
            try self.init(json: try JSONParser.parse(try source.allBytes()))
        } catch {
            throw error.adding(
                file: path,
                remedy:
                    "Write {\"schema\": \"\(RenameRules.schema)\", \"rules\": [{\"pattern\": \"^model\\\\.\", \"replacement\": \"\"}]}."
            )
        }
    }

    /// Reads the document's content.
    public init(json: JSONValue) throws(ZooError) {
        guard json["schema"]?.stringValue == RenameRules.schema else {
            throw ZooError(
                .unsupported, "these are no rename rules", expected: "the schema \(RenameRules.schema)",
                found: json["schema"]?.stringValue ?? "none")
        }
        guard let list = json["rules"]?.arrayValue,
            json.objectValue?.keys.allSatisfy({ ["schema", "rules", "comment"].contains($0) }) == true
        else {
            throw ZooError(.invalidArgument, "the rename rules are no list under \"rules\"")
        }
        guard list.count <= RenameRules.maximumRuleCount else {
            throw ZooError(
                .limitExceeded, "there are more than \(RenameRules.maximumRuleCount) rename rules",
                found: "\(list.count)")
        }
        var rules: [Rule] = []
        for (number, entry) in list.enumerated() {
            guard let pattern = entry["pattern"]?.stringValue,
                let replacement = entry["replacement"]?.stringValue,
                entry.objectValue?.keys.allSatisfy({ ["pattern", "replacement", "comment"].contains($0) })
                    == true
            else {
                throw ZooError(
                    .invalidArgument, "rename rule \(number + 1) isn't a pattern and a replacement",
                    found: String(entry.text().prefix(80)))
            }
            do throws(ZooError) {
                rules.append(try Rule(pattern: pattern, replacement: replacement))
            } catch {
                throw error.adding(tensor: "rule \(number + 1)")
            }
        }
        self.rules = rules
    }

    /// The new names, in the order of the old ones.
    /// - Returns: also, for every rule, how many names it matched.
    /// - Throws: ``ZooError`` when a name becomes empty or the rules take too much work.
    public func rename(_ names: [String]) throws(ZooError) -> (names: [String], matches: [Int]) {
        var budget = WorkBudget(RenameRules.maximumSteps)
        var matches = [Int](repeating: 0, count: rules.count)
        var result: [String] = []
        result.reserveCapacity(names.count)
        for original in names {
            var name = original
            for (number, rule) in rules.enumerated() {
                guard
                    let replaced = try rule.pattern.replacing(in: name, with: rule.template, budget: &budget)
                else { continue }
                matches[number] += 1
                name = replaced
            }
            guard !name.isEmpty else {
                throw ZooError(
                    .invalidArgument, "the rename rules leave nothing of a name", tensor: original,
                    remedy: "Leave a part of it, or leave the tensor out (--exclude).")
            }
            result.append(name)
        }
        return (result, matches)
    }

    /// A sentence for every rule that matched nothing.
    public func notes(for matches: [Int]) -> [String] {
        zip(rules, matches).enumerated().compactMap { number, pair in
            pair.1 > 0 ? nil : "rename rule \(number + 1), \"\(pair.0.pattern.text)\", matches no name"
        }
    }
}
