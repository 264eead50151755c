import ArgumentParser
import Menagerie

struct Summary: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a model's layers with shapes, parameters and multiply-adds; draw it.",
        usage: "zoo summary <model> [<options>]",
        discussion: """
            A tree of layers by their dotted paths, in the manner of torchinfo; modules have the totals of what is in \
            them. Numbers are torchinfo's: parameters are what is learned (running statistics count apart), mult-adds \
            take every weight and bias of a convolution once per picture and place of its result, and those of other \
            layers once per picture. The figure people quote as MACs, convolutions and linear layers alone without \
            their biases (torchvision's rule), stands below as multiply-adds, and is a column of its own.

            The parts below the tree (stem, stage1, body, head) are names for groups of layers: --freeze takes them, \
            as zoo train does.

            Columns for --columns, in the order given:
              kind, input, output, kernel, parameters, share, mult-adds, multiply-adds, trainable, variables
            share is the share of all parameters; variables are the names of parameters and statistics, and their \
            keys in the source file where those are others.

            Examples:
              zoo summary lenet.zoo.safetensors --batch 64
              zoo summary lenet-classic --classes 26 --columns kind,output,parameters,share
              zoo summary model.keras --input-size 128x96 --depth 1
              zoo summary run/last.zoo.safetensors --columns output,trainable
              zoo summary lenet-d2l --svg lenet.svg
            """)

    @Argument(help: "A native model, a checkpoint, or the name of an architecture.") var model: String
    @Option(name: .long, help: ArgumentHelp("Pictures per batch.", valueName: "count")) var batch = 1
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Levels of the tree that are shown; deeper layers count with their module.", valueName: "count"))
    var depth: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("Columns, separated by commas.", valueName: "names")) var columns: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Layers to count as frozen: stem, stage1, body, a path, what paths begin with; * stands for anything. A run's "
                + "checkpoint says itself what it froze. Repeatable.", valueName: "layers"))
    var freeze: [String] = []
    @Option(
        name: .long, help: ArgumentHelp("Classes, when an architecture is named.", valueName: "count"))
    var classes: Int?
    @Flag(name: .long, help: "Print the network as a Graphviz graph instead.") var dot = false
    @Option(
        name: .long, help: ArgumentHelp("Also draw the network, as an SVG file.", valueName: "file"))
    var svg: String?
    @OptionGroup var options: ModelOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(1...65_536).contains(batch) { throw ValidationError("--batch must be between 1 and 65536.") }
        if let depth, !(0...64).contains(depth) {
            throw ValidationError("--depth must be between 0 and 64.")
        }
        if let classes, !(1...1_048_576).contains(classes) {
            throw ValidationError("--classes must be between 1 and 1048576.")
        }
        if dot, output.json { throw ValidationError("--dot and --json both want to be all that is printed.") }
        if let columns { _ = try SummaryTable.Column.list(columns) }
    }

    func run() throws {
        let subject = try SummarySubject(model, classes: classes, options: options)
        let graph = subject.graph
        let frozen = try frozenPaths(of: graph, patterns: freeze + subject.frozen)
        let summary: GraphSummary
        do {
            summary = try GraphSummary(
                graph, batch: batch, input: subject.input, frozen: frozen, keys: subject.keys)
        } catch {
            throw subject.file == nil ? error : error.adding(file: model)
        }
        if let svg {
            try Outputs.refuse(svg, asOutputOf: model)
            let file = try AtomicFile(path: svg)
            try file.write(graph.svg(summary, title: Paths.name(model), depth: depth))
            try file.commit()
        }
        if dot { return print(graph.dot(summary, depth: depth), terminator: "") }
        if output.json { return print(summary.json.text(pretty: true)) }
        try show(summary, labels: subject.labels, isFrozen: !frozen.isEmpty)
    }

    private func show(_ summary: GraphSummary, labels: [String]?, isFrozen: Bool) throws {
        Terminal.printText("\(Terminal.bold(model))  \(summary.architecture), input \(summary.input)")
        print()
        let list =
            try columns.map(SummaryTable.Column.list) ?? SummaryTable.usual + (isFrozen ? [.trainable] : [])
        print(SummaryTable(summary, columns: list, depth: depth).text)
        print()
        print(SummaryTable.parts(of: summary))
        print()
        for line in SummaryTable.totals(of: summary) { Terminal.printText(line, indent: 26) }
        if let labels {
            let names = labels.prefix(12).joined(separator: ", ") + (labels.count > 12 ? ", …" : "")
            Terminal.printText("  classes               \(names)", indent: 24)
        }
        print()
        if let svg { print("Wrote \(Terminal.bold(svg))") }
        print("Next: zoo forward \(Paths.quoted(model)) --input pictures.npy --output logits.npy")
    }

    /// Paths of layers with parameters that any of the names or patterns stands for, as `zoo train --freeze` takes
    /// them.
    private func frozenPaths(of graph: LayerGraph, patterns: [String]) throws(ZooError) -> Set<String> {
        var frozen: Set<String> = []
        for pattern in patterns {
            guard pattern.contains("*") else {
                frozen.formUnion(try graph.nodes(in: pattern).map(\.path))
                continue
            }
            let matching = graph.nodes.map(\.path).filter { NameSelection.matches(pattern, $0) }
            if matching.isEmpty { throw graph.unknownPath(pattern) }
            frozen.formUnion(matching)
        }
        return frozen.filter { graph[$0]?.layer.parameterShapes.isEmpty == false }
    }
}

/// The network that a summary is of.
private struct SummarySubject {
    let graph: LayerGraph
    let labels: [String]?
    let keys: [ParameterPath: String]
    /// Patterns of layers that the run froze whose checkpoint this is.
    let frozen: [String]
    /// The pictures that were asked for; `nil` for the network's own.
    let input: InputShape?
    /// The file that it is from; `nil` for an architecture without numbers.
    let file: String?

    init(_ name: String, classes: Int?, options: ModelOptions) throws {
        let size = options.inputSize
        // A bare architecture name shows the untrained network, unless a file has that name.
        if (try? ByteSource(path: name)) == nil, let known = try? Architecture.named(name) {
            guard options.architecture == nil, options.key == nil else {
                throw ValidationError(
                    "\(name) is an architecture itself: leave --architecture and --key out.")
            }
            let side = size.flatMap { $0.height == $0.width ? $0.height : nil }
            graph = try known.graph(
                ArchitectureOptions(classes: classes, inputChannels: size?.channels, inputSize: side))
            (labels, keys, frozen, file) = (nil, [:], [], nil)
        } else {
            if classes != nil {
                throw ValidationError(
                    "--classes is for architectures; zoo surgery gives a model another head.")
            }
            let (model, isRun) = try SummarySubject.open(name, options: options)
            (graph, labels, keys, frozen, file) = (model.graph, model.labels, model.keys, isRun, name)
        }
        let channels = graph.input.channels
        input = size.map { InputShape(channels: $0.channels ?? channels, height: $0.height, width: $0.width) }
    }

    private static func open(
        _ path: String, options: ModelOptions
    ) throws(ZooError) -> (model: Model, frozen: [String]) {
        var opener = options.opener()
        // A native file has its size; that doesn't keep it from being looked at with another.
        let checkpoint = try opener.withoutSize.checkpoint(path)
        if ModelFile.isNative(checkpoint) { opener = opener.withoutSize }
        let frozen = try RunCheckpoint.configuration(of: checkpoint)?.frozen ?? []
        do throws(ZooError) {
            return (try options.open(path, with: opener).model, frozen)
        } catch {
            // Nor does one whose configuration says another size, if the layers can take this one.
            guard let size = opener.conversion.inputSize,
                let model = try? options.open(path, with: opener.withoutSize).model,
                (try? model.graph.shapes(
                    batch: 1,
                    input: InputShape(channels: model.graph.input.channels, height: size, width: size)))
                    != nil
            else { throw error }
            return (model, frozen)
        }
    }
}

extension ModelOpener {
    /// The same opener without a choice of size.
    fileprivate var withoutSize: ModelOpener {
        var opener = self
        opener.conversion.inputSize = nil
        return opener
    }
}
