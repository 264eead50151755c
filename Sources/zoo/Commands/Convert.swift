import ArgumentParser
import Menagerie

struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn a checkpoint into a native model, or a model into another framework's file.",
        usage: "zoo convert <file> -o <file> [<options>]",
        discussion: """
            Reads a file, the index of several, or a folder as Hugging Face or KerasHub lays it out. The output's extension \
            decides the format: .zoo.safetensors (native), .pth, .safetensors, .npz, .keras (a whole Keras 3 \
            model), .h5 (a whole Keras model in HDF5), .weights.h5 (Keras 3 weights). Every tensor is accounted for in the report.

            Of networks that keras.applications lacks, zoo/keras/keras_networks.py in the repository builds AlexNet, \
            ResNet18 and LeNet as they are written here.

            A network that zoo doesn't know is read with --graph, a document that lists its layers (zoo graph --help \
            says how to write one); its tensors go by the document's paths or keys, all of them, as always.

            --proof DIR writes a folder with which anybody can check the conversion: a seeded input, our logits and the \
            results of some layers, the report, and check.py, which computes the same in PyTorch or Keras, from the \
            file itself, and names the first layer that differs. Where the source is native, the proof is about \
            the output.

            With --raw the tensors are copied as they are, under the names that they have, one after the other; so \
            are those of a network that isn't known, between PyTorch, safetensors and NumPy files.

            Examples:
              zoo convert zoo/weights/lenet-mnist.pth -o lenet.zoo.safetensors
              zoo convert lenet.zoo.safetensors -o lenet.h5
              zoo convert lenet.zoo.safetensors --to timm -o lenet-folder
              zoo convert body.pth --head 'linear 512 256, relu, dropout 0.5, linear 256 5' -o m.zoo.safetensors
              zoo convert tf_efficientnet_b0.pth --dialect timm-tf --to keras -o b0.weights.h5
              zoo convert weights.pth --graph my-net.json -o my-net.zoo.safetensors
              zoo convert model.keras -o model.zoo.safetensors --proof proof && python proof/check.py
              zoo convert zoo/weights/lenet-mnist.pth --raw --dtype f16 --exclude 'fc3.*' \\
                -o features.safetensors
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var file: String
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("The file to write; with --to timm, the folder.", valueName: "file")) var output:
        String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "What to write, where the output's name doesn't tell: "
                + ConvertTarget.names.joined(separator: ", ")
                + ". torchvision is a state dict with torchvision's names; timm (or hf) is a folder with "
                + "config.json; keras is a network as keras.applications has it, so that its own takes the weights.",
            valueName: "target"))
    var to: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A file with the names of the classes, one per line; else the checkpoint's own are taken.",
            valueName: "file"))
    var labels: String?
    @Option(
        name: .long,
        help: ArgumentHelp("A document that describes the network: zoo graph --help.", valueName: "file"))
    var graph: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "A new folder for numbers and a program that check the conversion.", valueName: "folder"))
    var proof: String?
    @Flag(name: .long, help: "Go on when tensors are missing or left over; the report lists them.")
    var allowPartial = false
    @Flag(
        name: .long,
        help:
            "With --to: take into the numbers what the library's network lacks, where that is exact (epsilon, scaling)."
    )
    var fold = false
    @Flag(
        name: .long,
        help:
            "With --to: write a library's names although its network computes other numbers, and say in what."
    )
    var allowInexact = false
    @Flag(name: .long, help: "Take parameters that are NaN or infinite as they are.")
    var allowNonfinite = false
    @Flag(name: .long, help: "Print a row for each parameter, however many there are.")
    var verbose = false
    @Flag(name: .long, help: "Show what would be converted, and write nothing.")
    var dryRun = false
    @Flag(
        name: .long,
        help: "Copy the tensors as they are, whatever network they belong to; so do the next three options.")
    var raw = false
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var storage: StorageOptions
    @OptionGroup var preprocessing: PreprocessingOptions
    @OptionGroup var model: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
        if fold || allowInexact, try ConvertTarget(to: to, output: output).library == nil {
            throw ValidationError(
                "\(fold ? "--fold" : "--allow-inexact") goes with --to torchvision, timm, timm-tf or "
                    + "efficientnet-pytorch.")
        }
        if dryRun, proof != nil { throw ValidationError("--proof computes and writes; leave --dry-run out.") }
        if allowPartial, proof != nil {
            throw ValidationError("--proof is about what the file holds; leave --allow-partial out.")
        }
    }

    func run() throws {
        let target = try ConvertTarget(to: to, output: output)
        try Outputs.refuse(output, asOutputOf: file)
        if let graph { try Outputs.refuse(output, asOutputOf: graph) }
        if raw || !selection.given.isEmpty { return try copy(to: try tableFormat(of: target), because: nil) }
        if storage.maxShardSize != nil, target.format != .safetensors {
            throw ValidationError("--max-shard-size is for .safetensors files.")
        }
        if storage.dtype != nil, target.format.isKeras {
            throw ValidationError("--dtype is not for Keras files, which are written as f32.")
        }
        do {
            try convert(to: target)
        } catch let error as ZooError {
            guard error.code == .unknownArchitecture, let format = target.tableFormat, choices.isEmpty,
                let source = try? model.opener().tensorTable(file).format,
                TensorTableFormat(source) != nil
            else { throw error }
            try copy(
                to: format, because: "no known network has these tensors; they are copied as they are (--raw)"
            )
        }
    }

    // MARK: Copying

    /// Options that only a network has a use for, as the user wrote them.
    private var choices: [String] {
        [
            ("--labels", labels != nil), ("--allow-partial", allowPartial), ("--graph", graph != nil),
            ("--proof", proof != nil), ("--fold", fold), ("--allow-inexact", allowInexact),
            ("--allow-nonfinite", allowNonfinite),
        ]
        .filter(\.1).map(\.0)
            + preprocessing.given + model.given.filter { $0 != "--key" }
    }

    private func tableFormat(of target: ConvertTarget) throws -> TensorTableFormat {
        let asked = raw ? "--raw" : selection.given[0]
        if let choice = choices.first { throw ValidationError("\(choice) doesn't go with \(asked).") }
        guard let format = target.tableFormat else {
            throw ValidationError(
                "\(asked) copies tensors as they are, into a .pth, .safetensors or .npz file; "
                    + "\(to ?? target.format.rawValue) needs a network.")
        }
        if storage.maxShardSize != nil, format != .safetensors {
            throw ValidationError("--max-shard-size is for .safetensors files.")
        }
        return format
    }

    private func copy(to format: TensorTableFormat, because reason: String?) throws {
        try RawCopy(
            file: file, output: output, format: format, opener: model.opener(), selection: selection,
            storage: storage, isDryRun: dryRun, isJSON: outputOptions.json, reason: reason
        ).run()
    }

    // MARK: Converting

    private func convert(to target: ConvertTarget) throws {
        let names = try labels.map(ClassNames.read(path:))
        if let proof { try ProofKit.check(folder: proof) }
        let (source, report) = try open()
        let targetNames: Export.Names
        do {
            targetNames = try target.names(for: source)
        } catch {
            throw error.adding(file: file)
        }
        let model = try named(preprocessing.apply(to: source), names)
        let (exported, folds) = try folded(model, target)
        var options = ExportOptions()
        options.allowsInexact = allowInexact
        options.typeChange = storage.typeChange
        options.maximumShardByteCount = try storage.maximumShardByteCount()
        options.names = targetNames
        let paths = try ModelExporter.paths(of: exported, to: output, format: target.format, options: options)
        try Outputs.refuse(paths, asOutputOf: [file])
        let prover =
            proof == nil ? nil : try proofKit(report == nil ? exported : model, report, target, files: paths)
        var outcome: ExportOutcome?
        if dryRun {
            try ModelExporter.check(exported, to: output, format: target.format, options: options)
        } else {
            outcome = try ModelExporter.write(exported, to: output, format: target.format, options: options)
        }
        let kit = try proof.flatMap { try prover?.write(to: $0) }
        if outputOptions.json {
            let document = json(
                report, model: model, format: target.format, files: outcome?.paths ?? paths,
                notes: folds + (outcome?.notes ?? []), inexact: outcome?.inexact ?? [], kit: kit)
            print(document.text(pretty: true))
            return
        }
        if let report {
            ConvertReport(report: report, file: file, isWhole: verbose).show()
        } else {
            print("\(Terminal.bold(file))  native model, \(model.graph.architecture)")
        }
        for note in folds + (outcome?.notes ?? []) { Terminal.printText("  note: \(note)") }
        for difference in outcome?.inexact ?? [] {
            Terminal.printText("  inexact: \(difference)")
        }
        if let outcome {
            try ConvertedFiles.show(outcome.paths, output: output, format: target.format.rawValue)
            if let kit, let proof {
                let kept = Numbers.counted(kit.layers.count, "layer")
                print("Wrote \(Terminal.bold(proof)) (input, logits, results of \(kept), check.py)")
                print("Next: python \(Paths.quoted(proof + "/check.py"))")
            } else {
                print("Next: \(next(target.format))")
            }
        } else {
            print("Nothing was written (--dry-run).")
        }
    }

    /// The model with what the target's network lacks taken into its numbers, if that was asked for.
    private func folded(_ model: Model, _ target: ConvertTarget) throws -> (model: Model, notes: [String]) {
        guard fold, let library = target.library else { return (model, []) }
        do {
            return try Folding.folded(model, for: library)
        } catch {
            throw error.adding(file: file)
        }
    }

    /// The kit about the framework's file: the source, or the output of a native source.
    private func proofKit(
        _ model: Model, _ report: ConversionReport?, _ target: ConvertTarget, files: [String]
    ) throws -> ProofKit {
        if let report {
            let isKeras = report.plan.framework == .keras
            let checkpoint = try self.model.opener().checkpoint(file)
            return ProofKit(
                model: model, source: file, framework: isKeras ? .keras : .pytorch, keys: model.keys,
                isWeightsOnly: isKeras && checkpoint.extras["model_config"]?.objectValue == nil,
                report: report)
        }
        guard target.format != .native, files.count == 1, storage.dtype == nil else {
            throw ZooError(
                .invalidArgument,
                "a proof needs one file of PyTorch's or Keras' with the model's own numbers",
                file: file,
                remedy: "Give --proof when you convert from such a file, or into one without --dtype.")
        }
        return try ProofKit(
            model: target.format.isKeras
                ? Export.kerasForm(of: model, names: target.names(for: model)) : model,
            source: output, framework: target.format.isKeras ? .keras : .pytorch,
            keys: target.format.isKeras
                ? [:] : try Export.pytorch(model, names: target.names(for: model)).keys,
            isWeightsOnly: target.format == .kerasWeights)
    }

    private func open() throws -> (model: Model, report: ConversionReport?) {
        guard let graph else {
            return try model.open(
                file, allowPartial: allowPartial, allowNonFinite: allowNonfinite)
        }
        if let choice = model.given.first(where: {
            ["--architecture", "--dialect", "--headless", "--head", "--input-size"].contains($0)
        }) {
            throw ValidationError("\(choice) doesn't go with --graph, which says it.")
        }
        return try model.open(
            file, as: GraphDocument.read(path: graph), allowPartial: allowPartial,
            allowNonFinite: allowNonfinite)
    }

    private func named(_ model: Model, _ names: [String]?) throws -> Model {
        guard let names else { return model }
        do {
            return try model.with(labels: names)
        } catch {
            throw error.adding(file: labels)
        }
    }

    private func next(_ format: ExportFormat) -> String {
        switch format {
        case .native: "zoo summary \(Paths.quoted(output))"
        case .pytorch: "in Python: model.load_state_dict(torch.load(\"\(output)\", weights_only=True))"
        case .safetensors: "in Python: model.load_state_dict(safetensors.torch.load_file(\"\(output)\"))"
        case .npz: "in Python: numpy.load(\"\(output)\")"
        case .timm:
            "in Python: timm.create_model(\"local-dir:\(output)\", pretrained=True)"
        case .keras, .kerasArchive: "in Python: keras.models.load_model(\"\(output)\", compile=False)"
        case .kerasWeights: "in Python: model.load_weights(\"\(output)\")"
        }
    }

    private func json(
        _ report: ConversionReport?, model: Model, format: ExportFormat, files: [String], notes: [String],
        inexact: [String], kit: (files: [String], layers: [String])?
    ) -> JSONValue {
        [
            "schema": "menagerie/convert/1", "input": .string(file),
            "output": dryRun ? .null : .string(output), "format": .string(format.rawValue),
            "architecture": .string(model.graph.architecture), "report": report?.json ?? .null,
            "files": .array(files.map { .string($0) }), "notes": .array(notes.map { .string($0) }),
            "inexact": .array(inexact.map { .string($0) }),
            "proof": kit.map { kit in
                [
                    "files": .array(kit.files.map { .string($0) }),
                    "layers": .array(kit.layers.map { .string($0) }),
                ]
            } ?? .null,
        ]
    }
}
