import ArgumentParser
import Menagerie

/// How a checkpoint becomes a model, wherever a command takes one.
struct ModelOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Which network the weights belong to, where the file doesn't tell: \(names).", valueName: "name"))
    var architecture: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Whose numbers the tensors go with, where names and shapes leave it open: torchvision, timm, timm-tf, "
                + "efficientnet-pytorch, keras.", valueName: "name"))
    var dialect: String?

    @Flag(name: .long, help: "Take the body alone, without the classifier that the file may have.")
    var headless = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The head, where the file has another than the network's own: 'linear 512 256, relu, dropout 0.5, linear "
                + "256 5'. Words: \(HeadDescription.grammar).", valueName: "layers"))
    var head: String?

    @Option(
        name: .long,
        help: ArgumentHelp("Side of the square pictures, where weights leave it open.", valueName: "pixels"))
    var inputSize: PictureSize?

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Whether pixels are scaled once more behind the Normalization of a Keras EfficientNet, as in the model "
                + "with ImageNet's weights; weights alone don't show it, and what the Normalization holds decides."
        ))
    var imagenetRescaling: Bool?

    @Option(
        name: .long,
        help: ArgumentHelp("Which state dict to take when a PyTorch file holds several.", valueName: "key"))
    var key: String?

    @Flag(name: .long, help: "Read quantized tensors as the real numbers that they stand for.")
    var dequantize = false

    /// What a command takes as its model.
    static let help = "A native model, a checkpoint, or the name of a model that is built in."

    private static var names: String { Architecture.all.map(\.name).joined(separator: ", ") }

    func validate() throws {
        if let head {
            do {
                _ = try HeadDescription(head)
            } catch {
                throw ValidationError("--head: \(ErrorText.oneLine("\(error)"))")
            }
        }
        if headless, head != nil {
            throw ValidationError("--headless takes the body alone; --head gives it a head. Choose one.")
        }
        if let inputSize, inputSize.side == nil, CommandLine.arguments.dropFirst().first != "summary" {
            throw ValidationError("--input-size must be one number here, the side of square pictures.")
        }
    }

    /// Those that are given, as the user wrote them.
    var given: [String] {
        [
            ("--architecture", architecture != nil), ("--dialect", dialect != nil), ("--headless", headless),
            ("--head", head != nil),
            ("--input-size", inputSize != nil), ("--imagenet-rescaling", imagenetRescaling != nil),
            ("--key", key != nil),
            ("--dequantize", dequantize),
        ].filter(\.1).map(\.0)
    }

    /// Opens a model as these options say, and warns of what its file would have had Python run.
    func open(
        _ path: String, allowPartial: Bool = false, allowNonFinite: Bool = false,
        with opener: ModelOpener? = nil
    ) throws(ZooError) -> (model: Model, report: ConversionReport?) {
        let (model, report) = try
            (opener ?? self.opener(allowPartial: allowPartial, allowNonFinite: allowNonFinite)).open(path)
        for warning in report?.warnings ?? [] {
            Terminal.printError(ErrorText.oneLine("warning: \(path): \(warning)."))
        }
        return (model, report)
    }

    /// Loads a file into the network of a graph document.
    func open(
        _ path: String, as document: GraphDocument.Contents, allowPartial: Bool, allowNonFinite: Bool = false
    ) throws(ZooError) -> (model: Model, report: ConversionReport?) {
        let (model, report) = try opener(allowPartial: allowPartial, allowNonFinite: allowNonFinite).open(
            path, as: document)
        for warning in report.warnings {
            Terminal.printError(ErrorText.oneLine("warning: \(path): \(warning)."))
        }
        return (model, report)
    }

    /// An opener that follows these options.
    func opener(allowPartial: Bool = false, allowNonFinite: Bool = false) -> ModelOpener {
        var conversion = Converter.Options()
        conversion.architecture = architecture
        conversion.dialect = dialect
        conversion.isHeadless = headless
        conversion.head = head.flatMap { try? HeadDescription($0) }
        conversion.inputSize = inputSize?.side
        conversion.imageNetRescaling = imagenetRescaling
        conversion.allowPartial = allowPartial
        conversion.allowsNonFinite = allowNonFinite
        var opener = ModelOpener(
            conversion: conversion, stateDict: key, isolation: .helper(executable: pathOfThisExecutable()))
        opener.dequantizes = dequantize
        return opener
    }
}

/// The size of pictures as people write it: `224`, `HxW` or `CxHxW`.
struct PictureSize: ExpressibleByArgument {
    /// `nil` where only height and width are said.
    let channels: Int?
    let height: Int
    let width: Int

    /// The side of a square picture whose channels aren't said.
    var side: Int? { channels == nil && height == width ? height : nil }

    init?(argument: String) {
        let parts = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0) }
        guard (1...3).contains(parts.count), numbers.count == parts.count,
            numbers.allSatisfy({ (1...4_096).contains($0) })
        else { return nil }
        channels = numbers.count == 3 ? numbers[0] : nil
        height = numbers.count == 1 ? numbers[0] : numbers[numbers.count - 2]
        width = numbers[numbers.count - 1]
    }
}

/// `--json`, wherever a command prints results.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print the result as one JSON document.")
    var json = false
}
