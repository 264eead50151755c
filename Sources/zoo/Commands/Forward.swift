import ArgumentParser
import Menagerie

struct Forward: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Feed raw numbers through a model and write what comes out, to compare with any framework.",
        usage: "zoo forward <model> --input <file> -o <file> [<options>]",
        discussion: """
            The input is an array [N, C, H, W] of any number type, in an .npy, .npz or safetensors file; nothing is \
            done to it first. Channels stand before rows and columns, also for models from Keras, whose own inputs \
            have them last: x.transpose(0, 3, 1, 2) in NumPy turns those round. Results have the same order.

            An .npy output gets the logits; an .npz or .safetensors file gets them as "logits" beside an array for \
            each layer kept, under the layer's path. Layers are those that `zoo summary` lists; the path of a module \
            stands for what the module gives, as a hook on it in PyTorch would see it, and the name of a part \
            (stem, stage1, body) for what comes out of that. A network's final softmax is left out when it is \
            converted, so these are logits.

            With --mode training, BatchNorm uses the batch's statistics and dropout drops, drawn from --seed; the \
            running statistics that the pass leaves are written too, as "bn1.running_mean".

            Examples:
              zoo forward lenet.zoo.safetensors --input x.npy -o y.npy
              zoo forward lenet-mnist --input x.npy -o y.npz --keep conv1 --keep 'fc*'
              zoo forward resnet18.zoo.safetensors --input x.npy -o y.npz --keep stem --keep 'layer4.*.conv2'
              zoo forward model.keras --input x.npz --array pictures -o all.safetensors --all
              zoo forward lenet-mnist --input x.npy -o exact.npy --executor reference && zoo diff y.npy exact.npy
            """)

    /// What computes.
    enum ExecutorName: String, ExpressibleByArgument, CaseIterable { case native, reference }
    /// How layers behave that training changes.
    enum ModeName: String, ExpressibleByArgument, CaseIterable { case inference, training }

    @Argument(help: ArgumentHelp(ModelOptions.help)) var model: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The numbers to feed, [N, C, H, W]: .npy, .npz or .safetensors.", valueName: "file"))
    var input: String
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Which array of the input file, when it has several and none is called input.", valueName: "name")
    )
    var array: String?
    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to write: .npy, .npz or .safetensors.", valueName: "file"))
    var output: String
    @Option(
        name: [.customLong("keep"), .customLong("layer")], parsing: .singleValue,
        help: ArgumentHelp(
            "Also write the results of layers that match; * stands for anything. Repeatable.",
            valueName: "pattern"))
    var keep: [String] = []
    @Flag(name: .long, help: "Also write every layer's result.") var all = false
    @Option(
        name: .long,
        help: "What computes: native (oneDNN), or reference (plain loops in double precision, slow).")
    var executor = ExecutorName.native
    @Option(name: .long, help: "How layers behave: inference, or training.") var mode = ModeName.inference
    @Option(
        name: .long,
        help: ArgumentHelp("With --mode training: seed of what is drawn, 0 by default.", valueName: "number"))
    var seed: UInt64?
    @OptionGroup var options: ModelOptions
    @OptionGroup var outputOptions: OutputOptions

    private enum Format { case npy, npz, safetensors }

    private var format: Format? {
        let name = output.lowercased()
        if name.hasSuffix(".npy") { return .npy }
        if name.hasSuffix(".npz") { return .npz }
        return name.hasSuffix(".safetensors") && !name.hasSuffix(".zoo.safetensors") ? .safetensors : nil
    }

    func validate() throws {
        guard let format else {
            throw ValidationError("The output must end in .npy, .npz or .safetensors.")
        }
        if format == .npy, all || !keep.isEmpty {
            throw ValidationError(
                "Layers beside the logits need an output that ends in .npz or .safetensors.")
        }
        if seed != nil, mode != .training { throw ValidationError("--seed needs --mode training.") }
    }

    func run() throws {
        try Outputs.refuse(output, asOutputOf: input)
        try Outputs.refuse(output, asOutputOf: model)
        let (model, _) = try options.open(self.model)
        let selection = try ForwardSelection(keep, all: all, of: model.graph)
        let pictures = try ForwardInput.read(input, array: array)
        let arrays: [ForwardArray]
        do {
            try ForwardInput.check(pictures, for: model.graph)
            arrays = try compute(model, pictures, selection)
        } catch {
            throw error.adding(file: input)
        }
        switch format {
        case .npy: try NPYFile.write(arrays[0].tensor, to: output)
        case .npz: try NPZFile.write(arrays.map { ($0.name, $0.tensor) }, to: output)
        case .safetensors, nil:
            try SafetensorsWriter.write(arrays.map { NamedTensor($0.name, $0.tensor) }, to: output)
        }
        try report(arrays)
    }

    private func compute(
        _ model: Model, _ pictures: Tensor, _ selection: ForwardSelection
    ) throws(ZooError) -> [ForwardArray] {
        let pass = ForwardPass(
            executor: executor == .reference
                ? try ReferenceExecutor(graph: model.graph, parameters: model.parameters, precision: .f32)
                : try NativeExecutor(graph: model.graph, parameters: model.parameters, engine: Engine()),
            mode: mode == .inference ? .inference : .training(TrainingMoment(seed: seed ?? 0)),
            batch: executor == .reference ? 1 : 64)
        let progress = StepProgress("pictures", of: pictures.shape.dimensions.first ?? 0)
        let result = try pass.run(
            pictures, keeping: Set(selection.arrays.map(\.node)), progress: progress.show)
        progress.finish()
        var arrays = [ForwardArray(name: "logits", node: model.graph.output, tensor: result.output)]
        for (name, node) in selection.arrays where result.activations[node] != nil {
            arrays.append(
                ForwardArray(name: name, node: node, tensor: result.activations[node] ?? result.output))
        }
        if format != .npy {
            for (path, tensor) in result.statistics.entries {
                arrays.append(ForwardArray(name: path.description, node: path.node, tensor: tensor))
            }
        }
        return arrays
    }

    private func report(_ arrays: [ForwardArray]) throws(ZooError) {
        if outputOptions.json {
            var list: [JSONValue] = []
            for array in arrays {
                list.append([
                    "name": .string(array.name), "node": .string(array.node),
                    "type": .string(array.tensor.elementType.rawValue),
                    "shape": .array(array.tensor.shape.dimensions.map { .integer($0) }),
                    "statistics": try TensorStatistics(array.tensor).json,
                ])
            }
            let document: JSONValue = [
                "schema": "menagerie/forward/1", "model": .string(model), "input": .string(input),
                "output": .string(output), "executor": .string(executor.rawValue),
                "mode": .string(mode.rawValue), "arrays": .array(list),
            ]
            print(document.text(pretty: true))
            return
        }
        var table = TextTable([
            ("array", .left), ("type", .left), ("shape", .left), ("min", .right), ("max", .right),
            ("mean", .right), ("std", .right),
        ])
        for array in arrays {
            let numbers = try TensorStatistics(array.tensor)
            let cells = [numbers.minimum, numbers.maximum, numbers.mean, numbers.standardDeviation]
            table.append(
                [array.name, array.tensor.elementType.rawValue, array.tensor.shape.description]
                    + cells.map { $0.map { Numbers.significant($0, 4) } ?? "–" })
            if numbers.nanCount + numbers.infinityCount > 0 {
                Terminal.printError(
                    ErrorText.oneLine(
                        "warning: \(array.name) has \(Numbers.grouped(numbers.nanCount)) NaN and "
                            + "\(Numbers.grouped(numbers.infinityCount)) infinite numbers."))
            }
        }
        print(table.text)
        print("Wrote \(Terminal.bold(output))")
        print(
            format == .safetensors
                ? "Next: in Python: safetensors.numpy.load_file(\"\(output)\")"
                : "Next: in Python: numpy.load(\"\(output)\")")
    }
}

/// A result and what it is called.
private struct ForwardArray {
    let name: String
    let node: String
    let tensor: Tensor
}
