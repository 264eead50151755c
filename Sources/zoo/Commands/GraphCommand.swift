import ArgumentParser
import Menagerie

/// `zoo graph`: networks as documents that people read and write.
struct GraphCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Networks as documents: print one to begin with, write your own.",
        usage: "zoo graph <subcommand>",
        discussion: """
            A graph document lists a network's layers with every number that tensors don't show. With one, a state \
            dict of a network that zoo doesn't know becomes a native model:

              zoo convert weights.pth --graph my-net.json -o my-net.zoo.safetensors

            A layer is one line: {"path": "conv1", "layer": "convolution", "input_channels": 1, \
            "output_channels": 6, "kernel": 5}. Layers stand in the order of computing; each reads the one before it \
            unless "inputs" says otherwise ("input" is the network's). Parameters are expected under the layer's path, \
            conv1.weight, or under another module name that "key" gives. What PyTorch's layers have defaults for may \
            be left out; a kernel, stride or padding may be one number. What zoo graph show prints can be edited \
            and read back; schemas/graph.schema.json lists all layers.

            Of a state dict that nobody has a document for, zoo graph draft proposes one.

            Examples:
              zoo graph show lenet -o my-net.json
              zoo graph draft weights.pth -o my-net.json
            """, subcommands: [GraphShow.self, GraphDraftCommand.self])
}

struct GraphShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print the graph document of a model or an architecture.",
        usage: "zoo graph show <model> [-o <file>] [<options>]",
        discussion: """
            The short form, a line a layer: what PyTorch's layers have defaults for is left out. --json prints the \
            whole document, as native files hold it.

            Examples:
              zoo graph show lenet-classic
              zoo graph show model.keras -o model.json
            """)

    @Argument(help: "A native model, a checkpoint, or the name of an architecture.") var model: String
    @Option(name: [.short, .long], help: ArgumentHelp("A file to write instead.", valueName: "file"))
    var output: String?
    @OptionGroup var options: ModelOptions
    @Flag(name: .long, help: "Leave nothing out.") var json = false

    func run() throws {
        let (graph, keys) = try network()
        let text =
            json
            ? GraphDocument.json(graph, keys: keys).text(pretty: true) + "\n"
            : GraphDocument.shortText(graph, keys: keys)
        guard let output else { return print(text, terminator: "") }
        try Outputs.refuse(output, asOutputOf: model)
        let file = try AtomicFile(path: output)
        try file.write(text)
        try file.commit()
        print("Wrote \(Terminal.bold(output))")
        print("Next: zoo convert weights.pth --graph \(Paths.quoted(output)) -o model.zoo.safetensors")
    }

    private func network() throws -> (LayerGraph, [ParameterPath: String]) {
        if (try? ByteSource(path: model)) == nil, let known = try? Architecture.named(model) {
            guard options.architecture == nil, options.key == nil else {
                throw ValidationError(
                    "\(model) is an architecture itself: leave --architecture and --key out.")
            }
            return (try known.graph(ArchitectureOptions(inputSize: options.inputSize?.side)), [:])
        }
        let (model, _) = try options.open(model)
        // Keras' keys are no state dict's.
        return (model.graph, model.provenance.dialect == Framework.keras.rawValue ? [:] : model.keys)
    }
}
