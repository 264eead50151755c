import ArgumentParser
import Menagerie

struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what pictures show, with probabilities.",
        usage: "zoo predict <model> <pictures> ... [<options>]",
        discussion: """
            Reads PNG and JPEG. The picture is prepared as the model's own description says.

            Examples:
              zoo predict lenet-mnist digit.png
              zoo predict fashion.zoo.safetensors zoo/data/pictures/*.png --top 3
            """)

    @Argument(help: ArgumentHelp(ModelOptions.help)) var model: String
    @Argument(help: "Pictures, PNG or JPEG.") var pictures: [String]
    @Option(name: .long, help: ArgumentHelp("Classes to show per picture.", valueName: "count")) var top = 3
    @OptionGroup var options: ModelOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if pictures.isEmpty { throw ValidationError("Name at least one picture.") }
        if top < 1 { throw ValidationError("--top must be at least 1.") }
    }

    func run() throws {
        let (model, _) = try options.open(self.model)
        guard let classes = model.graph.classCount else {
            throw ZooError(.invalidArgument, "the model has no head with one row per class", file: self.model)
        }
        let executor = try ReferenceExecutor(
            graph: model.graph, parameters: model.parameters, precision: .f32)
        let preparation = try PreprocessingExecutor(model.preprocessing)
        var documents: [JSONValue] = []
        for path in pictures {
            let probabilities: [Float]
            do throws(ZooError) {
                let picture = try PictureFile(path: path).picture
                let input = try preparation.tensor(picture)
                let batch = try input.reshaped(TensorShape([1] + input.shape.dimensions.suffix(3)))
                let logits = try executor.forward(batch).output.floats()
                probabilities = CrossEntropy.softmax(logits, classes: classes)
            } catch {
                throw error.adding(file: path)
            }
            let ranked = probabilities.indices.sorted {
                (probabilities[$0], $1) > (probabilities[$1], $0)
            }.prefix(top)
            if output.json {
                documents.append([
                    "picture": .string(path),
                    "predictions": .array(
                        ranked.map {
                            [
                                "class": .integer($0), "label": .string(name($0, model)),
                                "probability": .number(Double(probabilities[$0])),
                            ]
                        }),
                ])
            } else {
                print("\(Terminal.bold(path))")
                for index in ranked {
                    let filled = Int((Double(probabilities[index]) * 20).rounded())
                    print(
                        "  \(percent(probabilities[index]))  \(String(repeating: "█", count: filled))"
                            + "\(String(repeating: "░", count: 20 - filled))  \(name(index, model))")
                }
            }
        }
        if output.json {
            let document: JSONValue = [
                "schema": "menagerie/predict/1", "model": .string(self.model), "pictures": .array(documents),
            ]
            print(document.text(pretty: true))
            return
        }
        if model.preprocessing.isAssumed {
            Terminal.printText(
                "  assumed: pictures \(assumption(model)); say otherwise with zoo convert --mean … --std …")
        }
        print("Next: zoo evaluate \(Paths.quoted(self.model)) --data FOLDER")
    }

    /// What is done to pictures' numbers.
    private func assumption(_ model: Model) -> String {
        let preprocessing = model.preprocessing
        let scaled = preprocessing.scale == 1 ? "of 0…255" : "scaled to 0…1"
        if preprocessing.mean.isEmpty, preprocessing.standardDeviation.isEmpty { return scaled }
        func list(_ values: [Double], otherwise value: Double) -> String {
            values.isEmpty ? "\(value)" : values.map { "\($0)" }.joined(separator: ", ")
        }
        return "\(scaled), minus \(list(preprocessing.mean, otherwise: 0)), divided by "
            + list(preprocessing.standardDeviation, otherwise: 1)
    }

    private func name(_ index: Int, _ model: Model) -> String {
        guard let labels = model.labels, index < labels.count else { return "class \(index)" }
        return labels[index]
    }

    private func percent(_ value: Float) -> String {
        let text = Numbers.percent(Double(value))
        return String(repeating: " ", count: max(0, 7 - text.count)) + text
    }
}
