import ArgumentParser
import Menagerie

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two checkpoints of any formats: names, shapes, types and numbers.",
        usage: "zoo diff <first> <second> [<options>]",
        discussion: """
            Numbers are equal when |a − b| ≤ atol + rtol·|b|; NaN equals NaN in the same place. With nothing said, \
            every number has to be the same. The differing tensors are listed, the worst first.

            Activations are compared in the same way: .npy files, and the arrays of .npz files by name. What an .npy \
            file holds has no name; it is compared with the other file's only tensor.

            Exit codes: 0 equal, 2 different, 1 one can't be read.

            Examples:
              zoo diff model.pth model.safetensors
              zoo diff model.pth half.safetensors --ignore-dtype --rtol 1e-3 --atol 1e-6
              zoo diff zoo/weights/lenet-mnist.pth lenet.h5 --converted
              zoo diff ours.npz theirs.npz --rtol 1e-4 --atol 1e-5
            """)

    @Argument(help: "A file, the index of several, a folder, or a built-in model.") var first: String
    @Argument(help: "What it is compared with.") var second: String
    @Option(name: .long, help: ArgumentHelp("Allowed distance of two numbers.", valueName: "number"))
    var atol = 0.0
    @Option(
        name: .long,
        help: ArgumentHelp("Allowed distance per unit of the second number.", valueName: "number"))
    var rtol = 0.0
    @Flag(name: .long, help: "Compare the numbers alone; tensors may have different types.")
    var ignoreDtype = false
    @Flag(name: .long, help: "List all tensors that differ, not just the first twenty.")
    var all = false
    @Flag(
        name: .long,
        help:
            "Turn both into native models first, so that files of different frameworks have the same names and layouts."
    )
    var converted = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Which state dict to take when the first file holds several.", valueName: "key"))
    var keyA: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Which state dict to take when the second file holds several.", valueName: "key"))
    var keyB: String?
    @Option(
        name: .long,
        help: ArgumentHelp(
            "With --converted: which network the weights belong to, where the files don't tell.",
            valueName: "name"))
    var architecture: String?
    @OptionGroup var selection: SelectionOptions
    @OptionGroup var outputOptions: OutputOptions

    func validate() throws {
        for (name, value) in [("--atol", atol), ("--rtol", rtol)] where !(value >= 0 && value.isFinite) {
            throw ValidationError("\(name) must be a number from 0 on.")
        }
        if architecture != nil, !converted { throw ValidationError("--architecture needs --converted.") }
    }

    func run() throws {
        let sides = [
            try DiffSide(
                first, key: keyA, isConverted: converted, architecture: architecture,
                options: try selection.copyOptions()),
            try DiffSide(
                second, key: keyB, isConverted: converted, architecture: architecture,
                options: try secondOptions()),
        ]
        var options = TableComparison.Options()
        options.tolerance = Tolerance(absolute: atol, relative: rtol)
        options.ignoresTypes = ignoreDtype
        let tensors = DiffSide.paired(sides.map(\.tensors))
        var total = 0
        for tensor in sides[1].tensors { total = try Checked.sum(total, try tensor.byteCount()) }
        let progress = CopyProgress("compared", of: total)
        let comparison = try TableComparison(tensors[0], tensors[1], options: options) {
            progress.advance($0)
        }
        progress.finish()
        let report = DiffReport(sides: sides, comparison: comparison, options: options)
        if outputOptions.json {
            print(report.json.text(pretty: true))
        } else {
            report.show(all: all, isConverted: converted)
        }
        guard comparison.isEqual else {
            try Terminal.finishOutput()
            throw ExitCode(2)
        }
    }

    /// The rules are for the first file's names; the patterns are for both.
    private func secondOptions() throws(ZooError) -> TensorCopy.Options {
        var options = TensorCopy.Options()
        options.selection = try selection.copyOptions().selection
        return options
    }
}

/// One of the two that are compared.
struct DiffSide {
    let path: String
    let title: String
    let tensors: [CheckpointTensor]
    let notes: [String]

    init(
        _ path: String, key: String?, isConverted: Bool, architecture: String?, options: TensorCopy.Options
    ) throws(ZooError) {
        self.path = path
        var conversion = Converter.Options()
        conversion.architecture = architecture
        let opener = ModelOpener(
            conversion: conversion, stateDict: key,
            isolation: .helper(executable: pathOfThisExecutable()))
        let table: Checkpoint
        if isConverted {
            let (model, report) = try opener.open(path)
            for warning in report?.warnings ?? [] { DiffSide.warn(path, warning) }
            table = try Checkpoint(
                format: .safetensors, path: path,
                tensors: model.parameters.entries.map {
                    CheckpointTensor(name: $0.path.description, tensor: $0.tensor)
                })
            title = "\(model.graph.architecture), converted"
        } else {
            table = try opener.tensorTable(path)
            for warning in table.warnings { DiffSide.warn(path, warning) }
            title = table.format.title
        }
        let copy = try TensorCopy(of: table, options: options)
        tensors = copy.entries.map(\.target)
        notes = table.notes + copy.notes
    }

    /// The tensors of both sides; where each has a single one, and a NumPy file gave it no name of its own, under one
    /// name.
    static func paired(_ sides: [[CheckpointTensor]]) -> [[CheckpointTensor]] {
        guard sides.allSatisfy({ $0.count == 1 }),
            sides.contains(where: { $0[0].name == NPZReader.namelessArray })
        else { return sides }
        let name = sides.map { $0[0].name }.first { $0 != NPZReader.namelessArray } ?? NPZReader.namelessArray
        return sides.map { $0.map { $0.renamed(name) } }
    }

    private static func warn(_ path: String, _ warning: String) {
        Terminal.printError(ErrorText.oneLine("warning: \(path): \(warning)."))
    }
}
