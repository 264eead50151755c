import ArgumentParser
import Menagerie

struct Forward: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Feed raw numbers through a model and write what comes out, to compare with any framework.",
        usage: "zoo forward <model> --input <file> -o <file> [<options>]",
        discussion: """
            The input is an NPY array [N, C, H, W] of any number type; nothing is done to it first. An .npy \
            output gets the logits; an .npz archive gets them as "logits" beside one array per named layer, in \
            NCHW order. Layers are those that `zoo summary` lists.

            Examples:
              zoo forward lenet.zoo.safetensors --input x.npy -o y.npy
              zoo forward lenet-mnist --input x.npy -o y.npz --layer conv1 --layer fc1
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var model: String
    @Option(name: .long, help: ArgumentHelp("The numbers to feed, .npy, [N, C, H, W].", valueName: "file"))
    var input: String
    @Option(name: [.short, .long], help: ArgumentHelp("Where to write, .npy or .npz.", valueName: "file"))
    var output: String
    @Option(
        name: .long,
        help: ArgumentHelp("Also write this layer's result (repeatable; needs .npz).", valueName: "path"))
    var layer: [String] = []
    @Flag(name: .long, help: "Compute with the reference executor: plain loops in double precision, slow.")
    var reference = false
    @OptionGroup var options: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    func run() throws {
        let isArchive = output.lowercased().hasSuffix(".npz")
        guard isArchive || output.lowercased().hasSuffix(".npy") else {
            throw ValidationError("The output must end in .npy or .npz.")
        }
        guard isArchive || layer.isEmpty else {
            throw ValidationError("Named layers need an output that ends in .npz.")
        }
        try Outputs.refuse(output, asOutputOf: input)
        try Outputs.refuse(output, asOutputOf: model)
        let (model, _) = try options.open(self.model)
        for path in layer where model.graph[path] == nil { throw model.graph.unknownPath(path) }
        let pictures: Tensor
        do {
            pictures = try NPYFile.read(ByteSource(path: input)).converted(to: .f32)
        } catch {
            throw error.adding(file: input)
        }
        let executor: any Executor
        if reference {
            executor = try ReferenceExecutor(
                graph: model.graph, parameters: model.parameters, precision: .f32)
        } else {
            executor = try NativeExecutor(
                graph: model.graph, parameters: model.parameters, engine: Engine())
        }
        let result: ForwardResult
        do {
            result = try executor.forward(pictures, keeping: Set(layer))
        } catch {
            throw error.adding(file: input)
        }
        var arrays = [(name: "logits", tensor: result.output)]
        for path in layer {
            if let activation = result.activations[path] { arrays.append((path, activation)) }
        }
        if isArchive {
            try NPZFile.write(arrays, to: output)
        } else {
            try NPYFile.write(result.output, to: output)
        }
        report(arrays)
    }

    private func report(_ arrays: [(name: String, tensor: Tensor)]) {
        if outputOptions.json {
            let document: JSONValue = [
                "schema": "menagerie/forward/1", "model": .string(model), "input": .string(input),
                "output": .string(output), "executor": .string(reference ? "reference" : "plan"),
                "arrays": .array(
                    arrays.map {
                        [
                            "name": .string($0.name), "type": .string($0.tensor.elementType.rawValue),
                            "shape": .array($0.tensor.shape.dimensions.map { .integer($0) }),
                        ]
                    }),
            ]
            print(document.text(pretty: true))
            return
        }
        var table = TextTable([("array", .left), ("type", .left), ("shape", .left)])
        for (name, tensor) in arrays {
            table.append([name, tensor.elementType.rawValue, tensor.shape.description])
        }
        print(table.text)
        print("Wrote \(Terminal.bold(output))")
        print("Next: in Python: numpy.load(\"\(output)\")")
    }
}
