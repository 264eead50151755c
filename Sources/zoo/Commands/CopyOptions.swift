import ArgumentParser
import Menagerie

/// Which tensors are taken and what they are called, wherever a command works on tables of tensors.
struct SelectionOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Rules that give tensors other names (schemas/rename.schema.json).", valueName: "file"))
    var rename: String?
    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "Take only tensors whose names match: * is any text, ? one character. Repeatable.",
            valueName: "pattern"))
    var include: [String] = []
    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp("Leave out tensors whose names match. Repeatable.", valueName: "pattern"))
    var exclude: [String] = []

    /// Those that are given, as the user wrote them.
    var given: [String] {
        [("--rename", rename != nil), ("--include", !include.isEmpty), ("--exclude", !exclude.isEmpty)]
            .filter(\.1).map(\.0)
    }

    /// What they say, with the rules read.
    func copyOptions() throws(ZooError) -> TensorCopy.Options {
        var options = TensorCopy.Options()
        options.selection = NameSelection(included: include, excluded: exclude)
        if let rename { options.rename = try RenameRules(path: rename) }
        return options
    }
}

/// The type of the numbers and the size of the files that are written.
struct StorageOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write floating-point numbers as f16, bf16 or f32; running means and variances keep their type.",
            valueName: "type"))
    var dtype: String?
    @Flag(
        name: .long,
        help: "With --dtype: also running means and variances, and whole numbers.")
    var dtypeAll = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "Write safetensors in parts with an index, each of at most so many bytes: 5GB, 200MB.",
            valueName: "size"))
    var maxShardSize: String?

    func validate() throws {
        if let dtype, !StorageOptions.types.contains(dtype) {
            throw ValidationError(
                "--dtype \(dtype) is not one of \(StorageOptions.types.joined(separator: ", ")).")
        }
        if dtypeAll, dtype == nil { throw ValidationError("--dtype-all needs --dtype.") }
        if let maxShardSize, (try? ByteCountText.parse(maxShardSize)) == nil {
            throw ValidationError("--max-shard-size takes a size such as 5GB, 200MB or 1GiB.")
        }
    }

    private static let types = ElementTypeChange.targets.map(\.rawValue)

    var typeChange: ElementTypeChange? {
        dtype.flatMap(ElementType.init).map { ElementTypeChange(to: $0, isForAll: dtypeAll) }
    }

    func maximumShardByteCount() throws(ZooError) -> Int? {
        guard let maxShardSize else { return nil }
        return try ByteCountText.parse(maxShardSize)
    }
}
