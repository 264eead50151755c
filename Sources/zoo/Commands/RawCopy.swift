import ArgumentParser
import Menagerie

/// `zoo convert --raw`: the table of tensors as it is, from file to file.
struct RawCopy {
    let file: String
    let output: String
    let format: TensorTableFormat
    let opener: ModelOpener
    let selection: SelectionOptions
    let storage: StorageOptions
    let isDryRun: Bool
    let isJSON: Bool
    /// Why this is a copy, when nobody asked for one.
    let reason: String?

    func run() throws {
        let checkpoint = try opener.tensorTable(file)
        for warning in checkpoint.warnings {
            Terminal.printError(ErrorText.oneLine("warning: \(file): \(warning)."))
        }
        var options = try selection.copyOptions()
        options.typeChange = storage.typeChange
        let copy = try TensorCopy(of: checkpoint, options: options)
        let planned = try TensorCopyOutput(
            copy, of: checkpoint, format: format, path: output,
            maximumShardByteCount: try storage.maximumShardByteCount(),
            describedBy: ModelFile.metadataKey)
        try Outputs.refuse(planned.paths, asOutputOf: [file] + checkpoint.files)
        if !isDryRun {
            let progress = CopyProgress("copied", of: try copy.byteCount())
            defer { progress.finish() }
            try planned.write { progress.advance($0) }
        }
        let notes = (reason.map { [$0] } ?? []) + checkpoint.notes + planned.notes
        if isJSON {
            print(try json(checkpoint, planned, notes: notes).text(pretty: true))
        } else {
            try show(checkpoint, planned, notes: notes)
        }
    }

    private func json(
        _ checkpoint: Checkpoint, _ planned: TensorCopyOutput, notes: [String]
    ) throws(ZooError) -> JSONValue {
        let tensors = try planned.copy.entries.map { (entry) throws(ZooError) -> JSONValue in
            [
                "source": .string(entry.source.name), "target": .string(entry.target.name),
                "source_type": .string(entry.source.elementType.rawValue),
                "type": .string(entry.target.elementType.rawValue),
                "shape": .array(entry.target.shape.dimensions.map { .integer($0) }),
                "bytes": .integer(try entry.target.byteCount()),
            ]
        }
        return [
            "schema": "menagerie/convert/1", "input": .string(file),
            "output": isDryRun ? .null : .string(output), "format": .string(format.rawValue),
            "architecture": .null, "report": .null,
            "files": .array(planned.paths.map { .string($0) }),
            "copy": [
                "source_format": .string(checkpoint.format.rawValue), "tensors": .array(tensors),
                "left_out": .array(planned.copy.leftOut.map { .string($0) }),
                "notes": .array(notes.map { .string($0) }),
            ],
        ]
    }

    private func show(
        _ checkpoint: Checkpoint, _ planned: TensorCopyOutput, notes: [String]
    ) throws {
        let entries = planned.copy.entries
        Terminal.printText(
            "\(Terminal.bold(file))  \(checkpoint.format.title) → \(format.rawValue), tensors as they are")
        print()
        if isDryRun {
            try showTable(entries)
            print()
        }
        let changed = entries.count { $0.source.elementType != $0.target.elementType }
        let renamed = entries.count { $0.source.name != $0.target.name }
        let elements = entries.reduce(0) { $0 + $1.target.shape.elementCount }
        var summary =
            "  \(Numbers.grouped(entries.count)) of \(Numbers.grouped(checkpoint.tensors.count)) tensors, "
            + "\(Numbers.grouped(elements)) elements, \(Numbers.bytes(try planned.copy.byteCount()))"
        if renamed > 0 { summary += "; \(Numbers.grouped(renamed)) renamed" }
        if changed > 0 { summary += "; \(Numbers.grouped(changed)) of another type" }
        Terminal.printText(summary)
        let left = planned.copy.leftOut
        if !left.isEmpty {
            let more = left.count > 5 ? ", …" : ""
            Terminal.printText("  left out: \(left.prefix(5).joined(separator: ", "))\(more)")
        }
        for note in notes { Terminal.printText("  note: \(note)") }
        print()
        guard !isDryRun else {
            let files = planned.paths.count
            Terminal.printText(
                "Nothing was written (--dry-run); it would be "
                    + (files == 1 ? planned.paths[0] : "\(files) files, \(planned.paths[0]) first") + ".")
            return
        }
        try ConvertedFiles.show(planned.paths, output: output, format: format.rawValue)
        print("Next: zoo inspect \(Paths.quoted(planned.paths.last ?? output))")
    }

    private func showTable(_ entries: [TensorCopy.Entry]) throws {
        var table = TextTable([
            ("source", .left), ("target", .left), ("type", .left), ("shape", .left), ("bytes", .right),
            ("change", .left),
        ])
        for entry in entries {
            let isRenamed = entry.source.name != entry.target.name
            table.append([
                entry.source.name, isRenamed ? entry.target.name : "–", entry.target.elementType.rawValue,
                entry.target.shape.description, Numbers.grouped(try entry.target.byteCount()),
                entry.changes.isEmpty ? "–" : entry.changes.joined(separator: ", "),
            ])
        }
        print(table.text)
    }
}

/// The line that says what was written.
enum ConvertedFiles {
    static func show(_ paths: [String], output: String, format: String) throws {
        let size = Numbers.bytes(try Outputs.byteCount(of: paths))
        guard paths.count > 1 else {
            print("Wrote \(Terminal.bold(output)) (\(format), \(size))")
            return
        }
        let folder = paths[0].lastIndex(of: "/").map { String(paths[0][...$0]) } ?? ""
        let names = paths.map { $0.hasPrefix(folder) ? String($0.dropFirst(folder.count)) : $0 }
        let list = names.count > 6 ? names.prefix(2) + ["…"] + names.suffix(2) : names[...]
        Terminal.printText(
            "Wrote \(paths.count) files (\(format), \(size)) to \(Terminal.bold(folder.isEmpty ? "." : folder)): "
                + list.joined(separator: ", "))
    }
}
