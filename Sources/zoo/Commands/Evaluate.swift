import ArgumentParser
import Menagerie

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Measure a model on labelled pictures: accuracy, precision and recall per class, confusion matrix.",
        usage: "zoo evaluate <model> --data <folder> [<options>]",
        discussion: """
            The data is a folder of IDX files (gzipped or not), of pictures in one sub-folder per class, or with \
            such sub-folders under train and test. Where there is a test part, it is the one that counts.

            Example:
              zoo evaluate fashion.zoo.safetensors --data zoo/data/fashion-mnist
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var model: String
    @Option(name: .long, help: ArgumentHelp("The folder with the pictures.", valueName: "folder")) var data:
        String
    @Option(name: .long, help: ArgumentHelp("Pictures per batch.", valueName: "count")) var batch = 64
    @OptionGroup var options: ModelOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if !(1...65_536).contains(batch) { throw ValidationError("--batch must be between 1 and 65536.") }
    }

    func run() throws {
        let (model, _) = try options.open(self.model)
        let dataset = try DataFolder.evaluation(data)
        let shows = Terminal.isInteractive && !output.json
        let result = try Evaluation.run(model, on: dataset, batchSize: batch) { done in
            if shows { Terminal.write("\r  \(done) of \(dataset.count) pictures\u{1B}[K") }
        }
        if shows { Terminal.write("\r\u{1B}[K") }
        let labels = model.labels ?? dataset.classes
        if output.json {
            print(result.json(labels: labels).text(pretty: true))
            return
        }
        Terminal.printText(
            "\(Terminal.bold(self.model)) on \(dataset.name), \(Numbers.grouped(dataset.count)) pictures")
        print()
        EvaluationText.print(result, labels: labels)
        print()
        print("Next: zoo predict \(Paths.quoted(self.model)) PICTURE.png")
    }
}

/// The tables of an evaluation.
enum EvaluationText {
    static func print(_ result: Evaluation, labels: [String]) {
        let matrix = result.confusion
        func name(_ index: Int) -> String { index < labels.count ? labels[index] : "class \(index)" }
        func rate(_ value: Double?) -> String { value.map { Numbers.percent($0) } ?? "–" }
        var table = TextTable([
            ("class", .left), ("precision", .right), ("recall", .right), ("F1", .right), ("pictures", .right),
        ])
        for index in 0..<matrix.classes {
            table.append([
                name(index), rate(matrix.precision(index)), rate(matrix.recall(index)),
                rate(matrix.f1(index)),
                Numbers.grouped(matrix.support(index)),
            ])
        }
        Swift.print(table.text)
        Swift.print()
        Swift.print(
            "  accuracy \(Numbers.percent(matrix.accuracy)), loss \(Numbers.fixed(result.loss, 4)), "
                + "\(Numbers.fixed(result.seconds, 2)) s")
        guard matrix.classes <= 20 else { return }
        Swift.print()
        Swift.print("  confusion: rows are what pictures show, columns what they were taken for")
        var confusion = TextTable(
            [("", .left)] + (0..<matrix.classes).map { ("\($0)", TextTable.Alignment.right) })
        for row in 0..<matrix.classes {
            confusion.append(
                ["\(row) \(name(row))"]
                    + (0..<matrix.classes).map { matrix[row, $0] == 0 ? "·" : "\(matrix[row, $0])" })
        }
        Swift.print(confusion.text)
    }
}
