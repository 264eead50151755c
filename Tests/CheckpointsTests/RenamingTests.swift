import Foundation
import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

@Suite struct RenamingTests {
    private func renamed(_ name: String, _ pattern: String, _ replacement: String) throws -> String {
        try RenameRules([RenameRules.Rule(pattern: pattern, replacement: replacement)]).rename([name]).names[
            0]
    }

    @Test(arguments: [
        ("model.conv.weight", #"^model\."#, "", "conv.weight"),
        ("a.b.c", #"\."#, "/", "a/b/c"),
        (
            "layer1.0.conv1.weight", #"^layer(\d+)\.(\d+)"#, "stages.$1.blocks.$2",
            "stages.1.blocks.0.conv1.weight"
        ),
        ("layers.3.w", #"^layers\.(?P<n>\d+)\.(w|b)$"#, "l${n}_$2 $0 $$", "l3_w layers.3.w $"),
        ("aaa", "a*?", "-", "-------"), ("abxd", "x*", "-", "-a-b--d-"), ("abc", "b|ab", "X", "Xc"),
        ("abc", "ab|b", "X", "Xc"), ("foobar", "(?:foo|foob)(a?)", "<$1>", "<>bar"),
        ("xay", "[^x-z]", "_", "x_y"),
        ("w-a]b", #"[\]-]"#, "_", "w_a_b"), ("a_b1", #"\w{2,3}"#, "#", "#1"), ("aaaa", "a{3}", "b", "ba"),
        ("aaaa", "a{,2}", "b", "bbb"), ("a{2}", "a{b?|a", "c", "c2}"),
        ("one two", #"\btwo\b"#, "2", "one 2"),
        ("naïve", "ï", "i", "naive"), ("abab", "(ab)*", "<$1>", "<ab><>"), ("ac", "a(b)?c", "[$1]", "[]"),
        ("x.y", "(?<first>x)", "${first}${first}", "xx.y"), ("ab", "(a|ab)(c|bcd)?", "[$1|$2]", "[a|]b"),
    ])
    func names(name: String, pattern: String, replacement: String, wanted: String) throws {
        #expect(try renamed(name, pattern, replacement) == wanted)
    }

    @Test(arguments: [
        "(", ")", "[a", "a**", "*a", "a{3,2}", "(?=a)", "(?<=a)", "(?i)a", #"\1"#, #"a\"#, "[b-a]",
        "(?P<a>x)(?P<a>y)",
        "(?P<", "a{201}", "((a{200}){200}){200}", "^*", #"\q"#, String(repeating: "(", count: 200),
        String(repeating: "a", count: 1_001),
    ])
    func patternsThatArentUnderstood(pattern: String) {
        let error = #expect(throws: ZooError.self) { try NamePattern(pattern) }
        #expect(error?.problem.contains("pattern") == true, "\(String(describing: error))")
    }

    @Test(arguments: ["$1", "${a}", "${", "$", "$x"]) func replacementsThatArentUnderstood(
        replacement: String
    ) {
        #expect(throws: ZooError.self) { try RenameRules.Rule(pattern: "a", replacement: replacement) }
    }

    /// Patterns that take a backtracking matcher for ever.
    @Test(arguments: [
        "(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*)*x", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(a?){200}a{200}",
    ])
    func catastrophicPatternsTakeBoundedTime(pattern: String) throws {
        let start = Date()
        let rule = try RenameRules.Rule(pattern: pattern, replacement: "")
        let names = [String(repeating: "a", count: 1_000) + "!", String(repeating: "x", count: 300)]
        _ = try? RenameRules([rule]).rename(names)
        #expect(Date().timeIntervalSince(start) < 30)
    }

    @Test func workIsBoundedAltogether() throws {
        let rule = try RenameRules.Rule(pattern: "(a?){200}b", replacement: "")
        let names = (0..<20_000).map { "\($0)" + String(repeating: "a", count: 200) }
        let error = #expect(throws: ZooError.self) { try RenameRules([rule]).rename(names) }
        #expect(error?.code == .limitExceeded)
    }

    @Test func rulesFollowEachOther() throws {
        let rules = RenameRules([
            try .init(pattern: "^a", replacement: "b"), try .init(pattern: "^b", replacement: "c"),
            try .init(pattern: "nothing", replacement: ""),
        ])
        let outcome = try rules.rename(["a.x", "b.x", "d"])
        #expect(outcome.names == ["c.x", "c.x", "d"])
        #expect(outcome.matches == [1, 2, 0])
        #expect(rules.notes(for: outcome.matches) == [#"rename rule 3, "nothing", matches no name"#])
        let error = #expect(throws: ZooError.self) {
            try RenameRules([.init(pattern: ".*", replacement: "")]).rename(["gone"])
        }
        #expect(error?.tensor == "gone")
    }

    @Test(arguments: [
        #"{"rules": []}"#, #"{"schema": "menagerie/rename/1"}"#,
        #"{"schema": "menagerie/rename/2", "rules": []}"#,
        #"{"schema": "menagerie/rename/1", "rules": {}}"#,
        #"{"schema": "menagerie/rename/1", "rules": [], "x": 1}"#,
        #"{"schema": "menagerie/rename/1", "rules": [{"pattern": "a"}]}"#,
        #"{"schema": "menagerie/rename/1", "rules": [{"pattern": "a", "replacement": "", "flags": "i"}]}"#,
        #"{"schema": "menagerie/rename/1", "rules": [{"pattern": "(", "replacement": ""}]}"#, "[]", "",
    ])
    func documentsThatAreNoRules(text: String) throws {
        let folder = try TemporaryFolder()
        try TestFiles.write(Array(text.utf8), to: folder.file("r.json"))
        let error = #expect(throws: ZooError.self) { try RenameRules(path: folder.file("r.json")) }
        #expect(error?.file == folder.file("r.json") && error?.remedy?.contains("rules") == true)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "a.b", true), ("conv*", "conv1.weight", true),
        ("*.weight", "conv1.weight", true),
        ("*.weight", "conv1.weight.x", false), ("a?c", "abc", true), ("a?c", "ac", false), ("", "", true),
        ("", "a", false),
        ("a*b*c", "axxbyyc", true), ("a*b*c", "axxbyy", false), ("*a*a*a*", "aa", false), ("**", "x", true),
        ("[a]", "[a]", true),
        (String(repeating: "*a", count: 50) + "b", String(repeating: "a", count: 5_000), false),
    ])
    func wildcards(pattern: String, name: String, isMatch: Bool) {
        #expect(NameSelection.matches(pattern, name) == isMatch)
    }

    /// Python's `re` finds the same, in names and patterns put together at random.
    @Test(.enabled(if: Python.isInstalled)) func pythonsPatternsFindTheSame() throws {
        var random = SeededGenerator()
        let pieces = [
            "a", "b", ".", "\\.", "[ab]", "[^a]", "(a|b)", "(a)", "(?:b|ab)", "^", "$", "\\d", "\\w", "a*",
            "b+", "(ab)?", "a*?",
            "(a|ab)(b|)", "[a-c]{2}", "b{1,2}", "\\b", "x", "(a+?)",
        ]
        var cases: [(pattern: String, name: String)] = []
        while cases.count < 4_000 {
            let pattern = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                pieces.randomElement(using: &random)!
            }.joined()
            let name = (0..<Int.random(in: 0...9, using: &random)).map { _ in
                ["a", "b", "c", ".", "1", "x"].randomElement(using: &random)!
            }.joined()
            cases.append((pattern, name))
        }
        let folder = try TemporaryFolder()
        try TestFiles.write(
            Array(cases.map { "\($0.pattern)\n\($0.name)\n" }.joined().utf8), to: folder.file("cases"))
        let (output, status) = try Python.run(
            """
            import re, sys
            lines = open(sys.argv[1]).read().split("\\n")
            for pattern, name in zip(lines[0::2], lines[1::2]):
                print(":" + re.sub(pattern, lambda m: "<" + m[0] + ">", name))
            """, [folder.file("cases")])
        try #require(status == 0, "\(output)")
        let answers = output.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0.dropFirst())
        }
        for (pair, answer) in zip(cases, answers) {
            let rule = try RenameRules.Rule(pattern: pair.pattern, replacement: "<$0>")
            let ours =
                pair.name.isEmpty && answer.isEmpty
                ? "" : try RenameRules([rule]).rename([pair.name]).names[0]
            #expect(ours == answer, "\(pair.pattern) in \(pair.name)")
        }
    }
}

/// SplitMix64, the same numbers in every run.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64 = 7

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
