import ArgumentParser
import Menagerie

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is in a checkpoint: tensors, extras, and the network they belong to.",
        usage: "zoo inspect <file> [<options>]",
        discussion: """
            Reads PyTorch (.pth, .pt), Keras (.keras, .h5, .weights.h5, .weights.json), safetensors and native files. Nothing in \
            the file is run, and no tensor's numbers are read, unless --stats asks for them. --scan lists \
            what loading a pickle in Python would import and call, each judged, and what else is hidden in \
            the file; it exits with 0 when all is harmless, with 2 when something isn't.

            Examples:
              zoo inspect zoo/weights/lenet-mnist.pth
              zoo inspect zoo/weights/lenet-mnist.h5 --stats
              zoo inspect --scan download.pth
            """)

    @Argument(help: "The file to look into.") var file: String
    @OptionGroup var model: ModelOptions
    @OptionGroup var output: OutputOptions
    @Flag(name: .long, help: "Read the numbers: smallest, largest, mean, spread, NaN, infinities, zeros.")
    var stats = false
    @Flag(name: .long, help: "Say what loading the file in Python would run, and what else is hidden in it.")
    var scan = false

    func validate() throws {
        if scan, stats || !model.given.isEmpty {
            throw ValidationError("--scan looks at the file as a whole; give it alone, or with --json.")
        }
    }

    func run() throws {
        if scan { return try FileScan(path: file, isJSON: output.json).run() }
        let opener = model.opener()
        let checkpoint = try opener.checkpoint(file)
        let size = try Inspect.byteCount(of: checkpoint, at: file)
        let recognised = Recognition(checkpoint, options: opener.conversion)
        // What isn't recognised is shown as it is, unless the user said what it should be.
        if let failure = recognised.failure,
            !model.given.filter({ $0 != "--key" && $0 != "--dequantize" }).isEmpty
        {
            throw failure.adding(file: file)
        }
        let statistics = try checkpoint.tensors.map { (tensor) throws(ZooError) in
            try stats ? InspectedTensors.statistics(tensor, file: file) : nil
        }
        if output.json {
            print(json(checkpoint, statistics, size: size, recognised: recognised).text(pretty: true))
        } else {
            printTable(checkpoint, statistics, size: size, recognised: recognised)
        }
    }

    /// Bytes of the file, or of all files that were read.
    private static func byteCount(of checkpoint: Checkpoint, at path: String) throws(ZooError) -> Int {
        var count = 0
        for file in checkpoint.files.isEmpty ? [path] : checkpoint.files {
            count += try ByteSource(path: file).count
        }
        return count
    }

    private func json(
        _ checkpoint: Checkpoint, _ statistics: [TensorStatistics?], size: Int, recognised: Recognition
    ) -> JSONValue {
        var tensors: [JSONValue] = []
        for (tensor, statistics) in zip(checkpoint.tensors, statistics) {
            var entry: JSONObject = [
                "key": .string(tensor.name),
                "type": .string(tensor.typeName ?? tensor.elementType.rawValue),
                "shape": .array(tensor.shape.dimensions.map { .integer($0) }),
                "bytes": .integer(tensor.byteCount),
                "location": tensor.location.map { .string($0) } ?? .null,
                "storage": tensor.storageKey.map { .string($0) } ?? .null,
            ]
            if let statistics { entry["statistics"] = statistics.json }
            tensors.append(.object(entry))
        }
        return [
            "schema": "menagerie/inspect/1", "file": .string(file), "bytes": .integer(size),
            "format": .string(checkpoint.format.rawValue), "tensors": .array(tensors),
            "elements": .integer(checkpoint.tensors.reduce(0) { $0 + $1.shape.elementCount }),
            "extras": .object(checkpoint.extras), "notes": .array(checkpoint.notes.map { .string($0) }),
            "architecture": recognised.architecture.map { .string($0) } ?? .null,
            "recognition": .string(recognised.text),
        ]
    }

    private func printTable(
        _ checkpoint: Checkpoint, _ statistics: [TensorStatistics?], size: Int, recognised: Recognition
    ) {
        Terminal.printText("\(Terminal.bold(file))  \(checkpoint.format.title), \(Numbers.bytes(size))")
        print()
        print(InspectedTensors.table(checkpoint, statistics).text)
        let elements = checkpoint.tensors.reduce(0) { $0 + $1.shape.elementCount }
        let bytes = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
        print()
        print(
            "  \(Numbers.grouped(checkpoint.tensors.count)) tensors, \(Numbers.grouped(elements)) elements, "
                + Numbers.bytes(bytes))
        for (key, value) in checkpoint.extras.members {
            let text = value.text()
            Terminal.printText("  \(key): \(text.count > 100 ? String(text.prefix(97)) + "…" : text)")
        }
        for note in checkpoint.notes { Terminal.printText("  note: \(note)") }
        Terminal.printText("  network: \(recognised.text)")
        print()
        print("Next: \(recognised.nextCommand(file))")
    }
}

/// Which network a checkpoint belongs to, as a sentence.
private struct Recognition {
    let architecture: String?
    let text: String
    /// Why it belongs to none that is known.
    let failure: ZooError?
    private let isNative: Bool
    private let needsChoice: Bool
    private var hasAnotherHead = false

    init(_ checkpoint: Checkpoint, options: Converter.Options) {
        isNative = ModelFile.isNative(checkpoint)
        var needsChoice = false
        var failure: ZooError?
        var nearMiss: String?
        do throws(ZooError) {
            if isNative {
                architecture = try ModelFile.read(checkpoint).graph.architecture
                text = "\(architecture ?? "") (a native model file)"
            } else {
                let plan = try Converter(options: options).plan(checkpoint)
                nearMiss = plan.nearMiss
                hasAnotherHead = plan.hasAnotherHead
                if !hasAnotherHead { try plan.requireComplete(file: nil) }
                architecture = plan.architecture.name
                let known = "\(plan.architecture.name): \(plan.architecture.title); \(plan.dialect)"
                text =
                    hasAnotherHead
                    ? "\(known); \(plan.origin.evidence.last ?? ""). \(plan.origin.remedy)" : known
            }
        } catch {
            architecture = nil
            failure = error.adding(warning: checkpoint.warnings.first)
            text =
                nearMiss.map { "almost \($0). \(error.remedy ?? "")" }
                ?? "not recognised: \(error.problem). \(error.remedy ?? "")"
            needsChoice = error.code == .ambiguous
        }
        self.failure = failure
        self.needsChoice = needsChoice
    }

    func nextCommand(_ file: String) -> String {
        let native = Paths.replacingExtension(file, with: ".zoo.safetensors")
        let file = Paths.quoted(file)
        if isNative { return "zoo summary \(file)" }
        if architecture == nil, !needsChoice { return "zoo inspect \(file) --json" }
        let choice = needsChoice ? " --architecture NAME" : hasAnotherHead ? " --headless" : ""
        return "zoo convert \(file)\(choice) -o \(Paths.quoted(native))"
    }
}
