import ArgumentParser
import Menagerie

struct GraphDraftCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "draft",
        abstract: "Propose a graph document for a state dict of an unknown network.",
        usage: "zoo graph draft <file> [-o <file>] [<options>]",
        discussion: """
            Takes the layers in the file's order, one behind the other, and finds by arithmetic which size of pictures, \
            padding and pooling lead to what the first linear layer takes. Several may; the most usual is written, \
            --explanation takes another. What no tensor shows, activations and the kind of pooling, is a blank, "?", to \
            be filled in there or by --activation and --pooling. Dropout leaves no trace either, and no result \
            depends on it.

            Examples:
              zoo graph draft weights.pth -o my-net.json
              zoo graph draft weights.pth --input-size 28 --activation relu --pooling maximum -o my-net.json
              zoo convert weights.pth --graph my-net.json -o my-net.zoo.safetensors
            """)

    @Argument(help: "A state dict: a PyTorch file, safetensors, NPZ.") var file: String
    @Option(name: [.short, .long], help: ArgumentHelp("The document to write.", valueName: "file"))
    var output: String?
    @Option(
        name: .long,
        help: ArgumentHelp("Size of the pictures, where it is known: 28 or 28x40.", valueName: "pixels"))
    var inputSize: PictureSize?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The function behind each layer but the last: \(functions).", valueName: "name"))
    var activation: String?
    @Option(name: .long, help: ArgumentHelp("What poolings take: maximum or average.", valueName: "kind"))
    var pooling: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The function at the end of a decoder, or none.", valueName: "name"))
    var outputActivation: String?
    @Option(
        name: .long,
        help: ArgumentHelp("The function between an encoder and its decoder, or none.", valueName: "name"))
    var codeActivation: String?
    @Option(name: .long, help: ArgumentHelp("Which of the explanations to write.", valueName: "number"))
    var explanation = 1
    @Option(
        name: .long,
        help: ArgumentHelp("Which state dict to take when a PyTorch file holds several.", valueName: "key"))
    var key: String?
    @OptionGroup var outputOptions: OutputOptions

    private static let functions = Activation.plain.map(\.name).joined(separator: ", ")

    func validate() throws {
        guard explanation > 0 else { throw ValidationError("--explanation counts from 1.") }
        if inputSize?.channels != nil {
            throw ValidationError("--input-size is height and width here; the channels show in the tensors.")
        }
        _ = try choices()
    }

    private func choices() throws -> GraphDraft.Choices {
        func function(_ name: String, _ option: String) throws -> Activation {
            guard let found = Activation.plain.first(where: { $0.name == name.lowercased() }) else {
                throw ValidationError("\(option) is none of \(GraphDraftCommand.functions).")
            }
            return found
        }
        var choices = GraphDraft.Choices()
        choices.activation = try activation.map { try function($0, "--activation") }
        if let pooling {
            guard let operation = Pooling.Operation(rawValue: pooling.lowercased()) else {
                throw ValidationError("--pooling is maximum or average.")
            }
            choices.pooling = operation
        }
        choices.outputActivation = try outputActivation.map {
            $0 == "none" ? nil : try function($0, "--output-activation")
        }
        choices.codeActivation = try codeActivation.map {
            $0 == "none" ? nil : try function($0, "--code-activation")
        }
        return choices
    }

    func run() throws {
        let opener = ModelOpener(stateDict: key, isolation: .helper(executable: pathOfThisExecutable()))
        let checkpoint = try opener.checkpoint(file)
        for warning in checkpoint.warnings {
            Terminal.printError(ErrorText.oneLine("warning: \(file): \(warning)."))
        }
        guard !ModelFile.isNative(checkpoint) else {
            throw ZooError(
                .invalidArgument, "a native model says itself which network it is", file: file,
                remedy: "Print its document: zoo graph show \(Paths.quoted(file))")
        }
        let choices = try choices()
        let draft: GraphDraft
        let text: String
        let blanks: [String: [String]]
        do {
            draft = try GraphDraft(checkpoint, size: inputSize.map { Extent($0.height, $0.width) })
            text = try draft.text(explanation: explanation - 1, choices)
            blanks = try draft.blanks(explanation: explanation - 1, choices)
        } catch {
            throw error.adding(file: file)
        }
        if let output {
            try Outputs.refuse(output, asOutputOf: file)
            let document = try AtomicFile(path: output)
            try document.write(text)
            try document.commit()
        }
        if outputOptions.json { return print(try json(draft, text, blanks).text(pretty: true)) }
        guard let output else { return print(text, terminator: "") }
        show(draft, blanks, output: output)
    }

    private func show(_ draft: GraphDraft, _ blanks: [String: [String]], output: String) {
        for remark in draft.remarks { Terminal.printText("  note: \(remark)") }
        for (place, explanation) in draft.explanations.enumerated() {
            let mark = place == self.explanation - 1 ? "→" : " "
            Terminal.printText("\(mark) \(place + 1). \(explanation.sentence)")
        }
        if !blanks.isEmpty {
            print()
            for (member, paths) in blanks.sorted(by: { $0.key < $1.key }) {
                Terminal.printText("  to fill in: \(member) of \(paths.joined(separator: ", "))")
            }
        }
        print()
        print("Wrote \(Terminal.bold(output))")
        let native = Paths.quoted(Paths.replacingExtension(file, with: ".zoo.safetensors"))
        print(
            "Next: \(blanks.isEmpty ? "" : "fill in every \"?\", then ")zoo convert \(Paths.quoted(file)) --graph "
                + "\(Paths.quoted(output)) -o \(native)")
    }

    private func json(
        _ draft: GraphDraft, _ text: String, _ blanks: [String: [String]]
    ) throws -> JSONValue {
        [
            "schema": "menagerie/draft/1", "file": .string(file),
            "output": output.map { .string($0) } ?? .null,
            "explanation": draft.explanations.isEmpty ? .null : .integer(explanation),
            "explanations": .array(
                draft.explanations.map { explanation in
                    [
                        "input": [
                            .integer(explanation.input.channels), .integer(explanation.input.height),
                            .integer(explanation.input.width),
                        ], "text": .string(explanation.sentence),
                    ]
                }),
            "blanks": .array(
                blanks.sorted { $0.key < $1.key }.map { member, paths in
                    ["member": .string(member), "paths": .array(paths.map { .string($0) })]
                }),
            "notes": .array(draft.remarks.map { .string($0) }),
            "document": try JSONParser.parse(Array(text.utf8)),
        ]
    }
}

extension Activation {
    /// Functions without numbers of their own, and the others with PyTorch's defaults.
    fileprivate static let plain: [Activation] = [
        .relu, .relu6, .leakyReLU(slope: 0.01), .silu, .sigmoid, .tanh, .hardSwish,
        .hardSigmoid(slope: 1.0 / 6),
        .elu(alpha: 1), .selu, .gelu(approximate: false), .gelu(approximate: true), .softplus,
    ]
}
