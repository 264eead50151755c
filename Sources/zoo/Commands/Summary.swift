import ArgumentParser
import Menagerie

struct Summary: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a model's layers with shapes, parameters and multiply-adds.",
        usage: "zoo summary <model> [<options>]",
        discussion: """
            Example:
              zoo summary lenet.zoo.safetensors --batch 64
            """)

    @Argument(help: "A native model, a checkpoint, or the name of an architecture.") var model: String
    @Option(name: .long, help: ArgumentHelp("Pictures per batch.", valueName: "count")) var batch = 1
    @OptionGroup var options: ModelOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(1...65_536).contains(batch) { throw ValidationError("--batch must be between 1 and 65536.") }
    }

    func run() throws {
        let (graph, labels) = try network()
        let summary = try GraphSummary(graph, batch: batch)
        if output.json {
            print(summary.json.text(pretty: true))
            return
        }
        Terminal.printText("\(Terminal.bold(model))  \(summary.architecture), input \(summary.input)")
        print()
        var table = TextTable([
            ("layer", .left), ("kind", .left), ("", .left), ("output", .left), ("parameters", .right),
            ("multiply-adds", .right),
        ])
        for row in summary.rows {
            table.append([
                row.path, row.kind, row.details, row.output.description,
                row.parameters == 0 ? "–" : Numbers.grouped(row.parameters),
                row.multiplyAdds == 0 ? "–" : Numbers.grouped(row.multiplyAdds),
            ])
        }
        print(table.text)
        print()
        print(
            "  parameters     \(Numbers.grouped(summary.parameters)) (\(Numbers.bytes(summary.parameterBytes)))"
        )
        if summary.statistics > 0 {
            print("  statistics     \(Numbers.grouped(summary.statistics)) (running means and variances)")
        }
        print(
            "  multiply-adds  \(Numbers.grouped(summary.multiplyAdds)) (\(Numbers.scaled(summary.multiplyAdds)))"
        )
        print("  activations    \(Numbers.bytes(summary.activationBytes))")
        if let labels {
            let names = labels.prefix(12).joined(separator: ", ") + (labels.count > 12 ? ", …" : "")
            Terminal.printText("  classes        \(names)", indent: 17)
        }
        print()
        print("Next: zoo forward \(Paths.quoted(model)) --input pictures.npy --output logits.npy")
    }

    private func network() throws -> (LayerGraph, [String]?) {
        // A bare architecture name shows the untrained network, unless a file has that name.
        if (try? ByteSource(path: model)) == nil, let known = try? Architecture.named(model) {
            guard options.architecture == nil, options.key == nil else {
                throw ValidationError(
                    "\(model) is an architecture itself: leave --architecture and --key out.")
            }
            return (try known.graph(ArchitectureOptions(inputSize: options.inputSize)), nil)
        }
        let (model, _) = try options.open(model)
        return (model.graph, model.labels)
    }
}
