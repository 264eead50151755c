import Foundation
import Testing

/// Networks that users describe themselves.
@Suite struct GraphDocumentTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func write(_ text: String, _ name: String = "net.json") throws -> String {
        try text.write(toFile: scratch.path(name), atomically: true, encoding: .utf8)
        return scratch.path(name)
    }

    private func document(_ model: String) throws -> String {
        let outcome = try zoo.run("graph", "show", model)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output
    }

    /// What is printed can be read back: the same network, the same numbers.
    @Test func printedDocumentsComeBack() throws {
        let graph = scratch.path("lenet.json")
        let shown = try zoo.run("graph", "show", "lenet-mnist", "-o", graph)
        #expect(shown.code == 0 && shown.output.contains("--graph \(graph)"), "\(shown.errors)")
        let native = scratch.path("n.zoo.safetensors")
        let outcome = try zoo.run("convert", pth, "--graph", graph, "-o", native)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("10 of 10 parameters"))
        for (file, output) in [(native, "a.npy"), (pth, "b.npy")] {
            let made = try zoo.run("forward", file, "--input", Commands.input, "-o", scratch.path(output))
            #expect(made.code == 0, "\(made.errors)")
        }
        #expect(try zoo.run("diff", scratch.path("a.npy"), scratch.path("b.npy")).code == 0)
        // The whole document, as the native file has it, says the same as the short one.
        let whole = try write(zoo.run("graph", "show", native, "--json").output, "whole.json")
        #expect(try String(contentsOfFile: whole, encoding: .utf8).contains("\"dilation\": [1, 1]"))
        let again = scratch.path("again.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "--graph", whole, "-o", again).code == 0)
        #expect(
            try Data(contentsOf: URL(filePath: again)) == Data(contentsOf: URL(filePath: native)))
        // What can be left out is left out.
        #expect(
            try document("lenet").contains(
                "{\"path\": \"conv1\", \"layer\": \"convolution\", \"input_channels\": 1, "
                    + "\"output_channels\": 6, \"kernel\": 5},"))
        #expect(try document(Repository.path("tools/goldens/keras/nested.keras")).contains("\"inputs\": ["))
    }

    @Test func nativeModelsNeedNoDraft() throws {
        let native = scratch.path("n.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "-o", native).code == 0)
        try zoo.expectOneClearLine([
            FailingCall(["graph", "draft", native], naming: native, "zoo graph show"),
            FailingCall(["graph", "draft", pth, "--output-activation", "tanh"], naming: "no decoder"),
        ])
        let draft = try zoo.run("graph", "draft", pth)
        #expect(draft.code == 0 && (draft.output + draft.errors).contains("this is lenet"))
    }

    @Test func theReadmesExampleWorks() throws {
        let readme = try String(contentsOfFile: Repository.path("README.md"), encoding: .utf8)
        let example = try #require(readme.firstMatch(of: /```json\n((?s).*?)```/)).output.1
        let command = try #require(readme.firstMatch(of: /\n(zoo convert .* --graph .*)\n/)).output.1
        _ = try write(String(example), "two-branches.json")
        let arguments = command.split(separator: " ").dropFirst().map { word in
            word == "zoo/weights/lenet-mnist.pth" ? pth : String(word)
        }
        let outcome = try zoo.run(arguments, in: scratch.url)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("stem.weight") && outcome.output.contains("conv1.weight"))
        let summary = try zoo.run("summary", scratch.path("two-branches.zoo.safetensors"))
        #expect(summary.output.contains("Multiply") && summary.output.contains("61,706"))
        // The keys are those of the state dict, so it goes back under the same names.
        let back = scratch.path("back.pth")
        #expect(try zoo.run("convert", scratch.path("two-branches.zoo.safetensors"), "-o", back).code == 0)
        #expect(try zoo.run("diff", pth, back).code == 0)
    }

    /// Changes to a right document, and what the error has to name.
    @Test func mistakesAreNamed() throws {
        let right = try document("lenet")
        let changes: [(old: String, new: String, naming: [String])] = [
            ("\"layer\": \"flatten\"", "\"layer\": \"flaten\"", ["flatten", "found flaten"]),
            ("\"layer\": \"flatten\"", "\"layer\": \"shuffle\"", ["flatten", "found shuffle", "upsampling"]),
            ("\"path\": \"relu2\"", "\"path\": \"relu1\"", ["relu1", "layers 2 and 5"]),
            ("\"path\": \"relu2\"", "\"path\": \"input\"", ["input", "path of its own"]),
            ("\"path\": \"relu2\", ", "", ["no path", "after conv2"]),
            ("\"kernel\": 5}", "\"kernel\": 5, \"strides\": 2}", ["conv1", "strides", "expected stride"]),
            ("\"kernel\": 5}", "\"kernel\": \"five\"}", ["conv1", "\"kernel\"", "found \"five\""]),
            (", \"kernel\": 5}", "}", ["conv1", "\"kernel\"", "found none"]),
            ("\"kernel\": 5}", "\"kernel\": [5, 5, 5]}", ["conv1", "[5, 5, 5]"]),
            ("\"input_features\": 400", "\"input_features\": 256", ["fc1", "[N, 256]", "[1, 400]"]),
            ("\"input_channels\": 6", "\"input_channels\": 8", ["conv2", "[N, 8, H, W]", "[1, 6, 14, 14]"]),
            (
                "\"path\": \"relu2\"", "\"path\": \"relu2\", \"inputs\": [\"conv3\"]",
                ["relu2", "conv2", "found \"conv3\""]
            ),
            (
                "\"path\": \"relu2\"", "\"path\": \"relu2\", \"inputs\": [\"fc1\"]",
                ["relu2", "circle", "fc1 reads flatten"]
            ),
            ("\"path\": \"relu2\"", "\"path\": \"relu2\", \"inputs\": [\"relu2\"]", ["relu2 reads relu2"]),
            (
                "\"path\": \"relu2\"", "\"path\": \"relu2\", \"inputs\": [\"conv2\", \"relu1\"]",
                ["relu2", "inputs"]
            ),
            ("\"head\": \"fc3\"", "\"head\": \"conv1\"", ["conv1", "head"]),
            ("\"head\": \"fc3\"", "\"haed\": \"fc3\"", ["haed", "expected head"]),
            ("menagerie/graph/1", "menagerie/graph/9", ["menagerie/graph/9"]),
            ("\"input\": [1, 32, 32]", "\"input\": [1, 32]", ["input"]),
            ("\"function\": \"relu\"", "\"function\": \"relo\"", ["relu1", "relo"]),
            ("\"function\": \"relu\"", "\"function\": \"relu\", \"slope\": 1", ["relu1", "slope"]),
            (
                "\"nodes\": [\n    {\"path\": \"conv1\",",
                "\"nodes\": [{\"path\": \"early\", \"layer\": \"softmax\", \"inputs\": [\"fc3\"]},"
                    + "{\"path\": \"conv1\", \"inputs\": [\"input\"],", ["early", "fc3 first"]
            ),
            ("]\n}", "]", ["JSON"]),
        ]
        var calls: [FailingCall] = []
        for (index, change) in changes.enumerated() {
            let range = try #require(right.range(of: change.old), "\(change.old)")
            let path = try write(right.replacingCharacters(in: range, with: change.new), "\(index).json")
            var call = FailingCall(["convert", pth, "--graph", path, "-o", "OUTPUTS/x.zoo.safetensors"])
            call.naming = change.naming.filter { $0 != "JSON" } + [path]
            calls.append(call)
        }
        try zoo.expectOneClearLine(calls)
    }

    /// A document that is right, and a file that isn't its network's.
    @Test func filesThatDoNotFitAreExplained() throws {
        let right = try document("lenet")
        func graph(_ old: String, _ new: String, _ name: String) throws -> String {
            try write(right.replacing(old, with: new), name)
        }
        let renamed = try graph("\"path\": \"fc2\"", "\"path\": \"fc_2\"", "renamed.json")
        let keyed = try graph("\"path\": \"fc2\"", "\"key\": \"fcc2\", \"path\": \"fc_2\"", "keyed.json")
        let wide = try graph("\"output_features\": 10}", "\"output_features\": 12}", "wide.json")
        let short = try write(
            right.replacing(
                "    {\"path\": \"relu4\", \"layer\": \"activation\", \"function\": \"relu\"},\n", with: ""
            )
            .replacing(
                ",\n    {\"path\": \"fc3\", \"layer\": \"linear\", \"input_features\": 84, \"output_features\": 10}",
                with: ""
            )
            .replacing("\"head\": \"fc3\"", with: "\"head\": \"fc2\""), "short.json")
        func call(_ file: String, _ graph: String, _ options: String...) -> [String] {
            ["convert", file, "--graph", graph, "-o", "OUTPUTS/x.zoo.safetensors"] + options
        }
        let native = scratch.path("n.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "-o", native).code == 0)
        try zoo.expectOneClearLine([
            FailingCall(call(pth, renamed), naming: pth, "fc_2.weight", "[84, 120]", "fc2.weight [84, 120]"),
            FailingCall(call(pth, keyed), naming: pth, "fc_2.weight", "fcc2.weight", "fc2.weight"),
            FailingCall(call(pth, wide), naming: pth, "fc3.weight", "expected [12, 84], found [10, 84]"),
            FailingCall(call(pth, short), naming: pth, "fc3.weight"),
            FailingCall(call(native, renamed), naming: native, "--graph"),
            FailingCall(call(Repository.path("zoo/weights/lenet-mnist.h5"), renamed), naming: "Keras"),
            FailingCall(call(pth, scratch.path("none.json")), naming: "none.json"),
        ])
        let partial = try zoo.run(
            "convert", pth, "--graph", renamed, "--allow-partial", "-o", scratch.path("p.zoo.safetensors"))
        #expect(partial.code == 0 && partial.output.contains("initialised: fc_2.weight"), "\(partial.errors)")
        for option in [["--architecture", "lenet"], ["--input-size", "32"], ["--raw"]] {
            let outcome = try zoo.run(
                ["convert", pth, "--graph", renamed, "-o", scratch.path("x.safetensors")] + option)
            #expect(outcome.code == 64 && outcome.errors.contains("--graph"), "\(option): \(outcome.errors)")
        }
        #expect(try zoo.run("graph", "show", pth, "-o", pth).code == 1)
    }
}
