import ArgumentParser
import Menagerie

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn a checkpoint into a native model, or a model into another framework's file.",
        usage: "zoo convert <file> -o <file> [<options>]",
        discussion: """
            The output's extension decides the format: .zoo.safetensors (native), .pth, .safetensors, .h5 (a \
            whole Keras model), .weights.h5 (Keras 3 weights). Every tensor is accounted for in the report.

            Examples:
              zoo convert zoo/weights/lenet-mnist.pth -o lenet.zoo.safetensors
              zoo convert lenet.zoo.safetensors -o lenet.h5
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var file: String
    @Option(name: [.short, .long], help: ArgumentHelp("The file to write.", valueName: "file")) var output:
        String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Format of the output, where its name doesn't tell: "
                + ExportFormat.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "format"))
    var to: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A file with the names of the classes, one per line.", valueName: "file"))
    var labels: String?
    @Flag(name: .long, help: "Go on when tensors are missing or left over; the report lists them.")
    var allowPartial = false
    @Flag(name: .long, help: "Show what would be converted, and write nothing.")
    var dryRun = false
    @OptionGroup var preprocessing: PreprocessingOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
        let format = try exportFormat()
        try Outputs.refuse(output, asOutputOf: file)
        let names = try labels.map(ClassNames.read(path:))
        let (source, report) = try model.open(file, allowPartial: allowPartial)
        let model = try named(preprocessing.apply(to: source), names)
        if !dryRun { try ModelExporter.write(model, to: output, format: format) }
        if outputOptions.json {
            print(json(report, model: model, format: format).text(pretty: true))
            return
        }
        if let report {
            printReport(report)
        } else {
            print("\(Terminal.bold(file))  native model, \(model.graph.architecture)")
        }
        if dryRun {
            print("Nothing was written (--dry-run).")
        } else {
            print(
                "Wrote \(Terminal.bold(output)) (\(format.rawValue), \(Numbers.bytes(try ByteSource(path: output).count)))"
            )
            print("Next: \(next(format))")
        }
    }

    private func named(_ model: Model, _ names: [String]?) throws -> Model {
        guard let names else { return model }
        do {
            return try model.with(labels: names)
        } catch {
            throw error.adding(file: labels)
        }
    }

    private func exportFormat() throws -> ExportFormat {
        if let to {
            guard let format = ExportFormat(rawValue: to) else {
                let known = ExportFormat.allCases.map(\.rawValue)
                throw ValidationError("--to \(to) is not one of \(known.joined(separator: ", ")).")
            }
            return format
        }
        guard let format = ExportFormat(path: output) else {
            throw ValidationError(
                "The name \(output) doesn't tell a format; end it in .zoo.safetensors, .pth, .safetensors, .h5 or "
                    + ".weights.h5, or say --to FORMAT.")
        }
        return format
    }

    private func next(_ format: ExportFormat) -> String {
        switch format {
        case .native: "zoo summary \(Paths.quoted(output))"
        case .pytorch: "in Python: model.load_state_dict(torch.load(\"\(output)\", weights_only=True))"
        case .safetensors: "in Python: model.load_state_dict(safetensors.torch.load_file(\"\(output)\"))"
        case .keras: "in Python: keras.models.load_model(\"\(output)\", compile=False)"
        case .kerasWeights: "in Python: model.load_weights(\"\(output)\")"
        }
    }

    private func json(_ report: ConversionReport?, model: Model, format: ExportFormat) -> JSONValue {
        [
            "schema": "menagerie/convert/1", "input": .string(file),
            "output": dryRun ? .null : .string(output), "format": .string(format.rawValue),
            "architecture": .string(model.graph.architecture), "report": report?.json ?? .null,
        ]
    }

    private func printReport(_ report: ConversionReport) {
        let plan = report.plan
        Terminal.printText("\(Terminal.bold(file))  \(report.format.title) → \(plan.architecture.name)")
        Terminal.printText("  \(plan.architecture.title); \(plan.dialect)")
        print()
        var table = TextTable([("parameter", .left), ("key", .left), ("shape", .left), ("change", .left)])
        for entry in plan.entries {
            var change = entry.transform.title.map { [$0] } ?? []
            if entry.sourceType != .f32 { change.append("\(entry.sourceType.rawValue)→f32") }
            table.append([
                entry.path.description, entry.key, entry.shape.description,
                change.isEmpty ? "–" : change.joined(separator: ", "),
            ])
        }
        print(table.text)
        print()
        print(
            "  \(plan.entries.count) of \(plan.graph.parameters.count) parameters read, "
                + "\(Numbers.grouped(report.elementsAssigned)) elements")
        for path in report.initialised { print("  initialised: \(path)") }
        for mismatch in plan.mismatched {
            print(
                "  mismatched: \(mismatch.key) is \(mismatch.found), \(mismatch.path) needs \(mismatch.expected)"
            )
        }
        for key in plan.unused { print("  unused: \(key)") }
        for assumption in plan.assumptions { Terminal.printText("  assumed: \(assumption)") }
        if let activation = plan.outputActivation {
            print("  left out: the final \(activation); the model gives logits")
        }
        for note in report.notes { Terminal.printText("  note: \(note)") }
        print()
    }
}
