import ArgumentParser
import Menagerie

/// How pictures are prepared, where the user knows it and the file doesn't tell.
struct PreprocessingOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Subtracted from pixels scaled to 0…1: 0.1307, or one per channel.", valueName: "numbers"))
    var mean: String?
    @Option(name: .long, help: ArgumentHelp("Divided by after that, in the same form.", valueName: "numbers"))
    var std: String?
    @Option(name: .long, help: ArgumentHelp("Side to which pictures are resized first.", valueName: "pixels"))
    var resize: Int?
    @Option(name: .long, help: ArgumentHelp("Zeros added on each side after resizing.", valueName: "pixels"))
    var pad: Int?

    func validate() throws {
        _ = try PreprocessingOptions.numbers(mean, option: "--mean")
        if try PreprocessingOptions.numbers(std, option: "--std").contains(where: { $0 <= 0 }) {
            throw ValidationError("--std takes numbers above 0.")
        }
        if let resize, !(1...4_096).contains(resize) {
            throw ValidationError("--resize must be between 1 and 4096.")
        }
        if let pad, !(0...1_024).contains(pad) { throw ValidationError("--pad must be between 0 and 1024.") }
    }

    /// Those that are given, as the user wrote them.
    var given: [String] {
        [("--mean", mean != nil), ("--std", std != nil), ("--resize", resize != nil), ("--pad", pad != nil)]
            .filter(\.1).map(\.0)
    }

    /// The model with these choices; with none, the model itself.
    func apply(to model: Model) throws -> Model {
        if given.isEmpty { return model }
        var changed = model.preprocessing
        let input = model.graph.input
        if mean != nil || std != nil, changed.scale != 1 / 255.0 {
            // The numbers are for pixels of 0…1; those that were there weren't.
            (changed.scale, changed.mean, changed.standardDeviation) = (1 / 255.0, [], [])
        }
        for (text, option, keyPath) in [
            (mean, "--mean", \Preprocessing.mean), (std, "--std", \Preprocessing.standardDeviation),
        ] {
            let values = try PreprocessingOptions.numbers(text, option: option)
            if values.isEmpty { continue }
            guard values.count == 1 || values.count == input.channels else {
                throw ZooError(
                    .invalidArgument,
                    "\(option) has another number of values than the pictures have channels",
                    expected: "1 or \(input.channels)", found: "\(values.count)")
            }
            changed[keyPath: keyPath] =
                values.count == 1 ? [Double](repeating: values[0], count: input.channels) : values
        }
        if let pad { changed.padding = Padding(pad) }
        if resize != nil || pad != nil {
            let added = Extent(
                input.height - changed.padding.top - changed.padding.bottom,
                input.width - changed.padding.left - changed.padding.right)
            changed.resize = resize.map { Extent($0) } ?? added
            (changed.shorterSide, changed.crop) = (nil, nil)
            guard changed.resize == added, added.height > 0, added.width > 0 else {
                throw ZooError(
                    .invalidArgument,
                    "resized and padded pictures don't have the size that the network takes",
                    expected: "\(input.height)×\(input.width)",
                    found:
                        "\(changed.resize?.height ?? 0) + \(changed.padding.top) + \(changed.padding.bottom) rows"
                )
            }
        }
        changed.isAssumed = false
        return try model.with(preprocessing: changed)
    }

    private static func numbers(_ text: String?, option: String) throws -> [Double] {
        guard let text else { return [] }
        return try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let value = Double(part), value.isFinite else {
                throw ValidationError(
                    "\(option) takes numbers separated by commas, such as 0.485,0.456,0.406.")
            }
            return value
        }
    }
}
