import ArgumentParser
import Menagerie

struct SurgeryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "surgery",
        abstract: "Give a model a new head for other classes; everything before it stays byte for byte.",
        usage: """
            zoo surgery <model> --labels <file> -o <file> [<options>]
            zoo surgery <model> --classes <count> -o <file> [<options>]
            """,
        discussion: """
            The head is the last linear layer. Its fresh numbers are drawn as the architecture's own framework \
            would, from a seed. A model that ends with its features gets a whole classifier: so an autoencoder's \
            encoder, which --headless takes out of its file, becomes a classifier's body.

            Examples:
              zoo surgery lenet-mnist -o fashion.zoo.safetensors \\
                --labels zoo/data/fashion-mnist/labels.txt
              zoo surgery autoencoder.pth --headless --classes 10 -o digits.zoo.safetensors
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var model: String
    @Option(
        name: .long,
        help: ArgumentHelp("A file with the names of the new classes, one per line.", valueName: "file"))
    var labels: String?
    @Option(
        name: .long,
        help: ArgumentHelp("The number of new classes, when they have no names.", valueName: "count"))
    var classes: Int?
    @Option(name: .long, help: ArgumentHelp("Seed of the new head's numbers.", valueName: "number")) var seed:
        UInt64 = 0
    @Option(name: [.short, .long], help: ArgumentHelp("The native file to write.", valueName: "file"))
    var output: String
    @OptionGroup var options: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
        if (labels == nil) == (classes == nil) { throw ValidationError("Give either --labels or --classes.") }
        if let classes, !(1...1_048_576).contains(classes) {
            throw ValidationError("--classes must be between 1 and 1048576.")
        }
        if !output.lowercased().hasSuffix(".zoo.safetensors") {
            throw ValidationError("The output is a native model: end its name in .zoo.safetensors.")
        }
    }

    func run() throws {
        try Outputs.refuse(output, asOutputOf: model)
        let (source, _) = try options.open(model)
        let operation: HeadReplacement
        if let labels {
            operation = HeadReplacement(labels: try ClassNames.read(path: labels), seed: seed)
        } else {
            operation = HeadReplacement(classes: classes ?? 0, seed: seed)
        }
        let description = operation.description(for: source)
        let result = try operation.apply(to: source)
        try ModelFile.write(result, to: output)
        if outputOptions.json {
            let document: JSONValue = [
                "schema": "menagerie/surgery/1", "input": .string(model), "output": .string(output),
                "head": .string(result.graph.head ?? ""), "classes": .integer(operation.labels.count),
                "labels": .array(operation.labels.map { .string($0) }),
                "seed": .integer(Int(clamping: seed)), "operation": .string(description),
            ]
            print(document.text(pretty: true))
            return
        }
        Terminal.printText("\(Terminal.bold(model))  \(description)")
        Terminal.printText("  classes: \(operation.labels.joined(separator: ", "))")
        print("Wrote \(Terminal.bold(output))")
        print("Next: zoo train \(Paths.quoted(output)) --data FOLDER -o run")
    }
}
