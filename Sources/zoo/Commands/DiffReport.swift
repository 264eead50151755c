import Menagerie

/// What `zoo diff` says.
struct DiffReport {
    let sides: [DiffSide]
    let comparison: TableComparison
    let options: TableComparison.Options

    private static let shortCount = 20

    // MARK: JSON

    var json: JSONValue {
        let names = { (list: [String]) in JSONValue.array(list.map { .string($0) }) }
        return [
            "schema": "menagerie/diff/1", "first": side(sides[0]), "second": side(sides[1]),
            "equal": .bool(comparison.isEqual),
            "tolerance": [
                "absolute": .finite(options.tolerance.absolute),
                "relative": .finite(options.tolerance.relative), "ignore_type": .bool(options.ignoresTypes),
            ],
            "tensors_equal": .integer(comparison.equalCount),
            "differences": .array(comparison.differences.map(entry)),
            "only_in_first": names(comparison.onlyInFirst), "only_in_second": names(comparison.onlyInSecond),
        ]
    }

    private func side(_ side: DiffSide) -> JSONValue {
        [
            "path": .string(side.path), "format": .string(side.title),
            "tensors": .integer(side.tensors.count), "notes": .array(side.notes.map { .string($0) }),
        ]
    }

    private func entry(_ difference: TensorDifference) -> JSONValue {
        func tensor(_ tensor: CheckpointTensor) -> JSONValue {
            [
                "type": .string(tensor.elementType.rawValue),
                "shape": .array(tensor.shape.dimensions.map { .integer($0) }),
            ]
        }
        var values = JSONValue.null
        if let found = difference.values {
            values = [
                "elements": .integer(difference.first.shape.elementCount),
                "elements_different": .integer(found.differingCount),
                "nan_in_one": .integer(found.unmatchedNaNCount),
                "max_abs": .finite(found.maximumAbsolute), "max_rel": .finite(found.maximumRelative),
                "cosine": .finite(found.cosine),
                "worst": found.worst.map { worst in
                    [
                        "index": .array(worst.index.map { .integer($0) }), "first": .finite(worst.first),
                        "second": .finite(worst.second),
                    ]
                } ?? .null,
            ]
        }
        return [
            "name": .string(difference.name), "first": tensor(difference.first),
            "second": tensor(difference.second), "values": values,
        ]
    }

    // MARK: Text

    func show(all: Bool, isConverted: Bool) {
        for side in sides {
            Terminal.printText(
                "\(Terminal.bold(side.path))  \(side.title), \(Numbers.counted(side.tensors.count, "tensor"))"
            )
            for note in side.notes { Terminal.printText("  note: \(note)") }
        }
        print()
        let differences = all ? comparison.differences : Array(comparison.differences.prefix(Self.shortCount))
        if !differences.isEmpty {
            showTable(differences)
            let rest = comparison.differences.count - differences.count
            if rest > 0 { print("  … and \(Numbers.grouped(rest)) more (--all)") }
            if let worst = differences.first(where: { $0.values?.worst != nil }),
                let place = worst.values?.worst
            {
                Terminal.printText(
                    "  furthest apart: \(worst.name) at \(place.index), \(place.first) and \(place.second)")
            }
            print()
        }
        showNames(comparison.onlyInFirst, "only in \(sides[0].path)", all: all)
        showNames(comparison.onlyInSecond, "only in \(sides[1].path)", all: all)
        let shared = comparison.equalCount + comparison.differences.count
        if comparison.isEqual {
            let all = shared == 1 ? "one tensor" : "all \(Numbers.grouped(shared)) tensors"
            Terminal.printText("Equal: \(all)\(tolerance).")
            return
        }
        Terminal.printText(
            "Different: \(Numbers.grouped(comparison.equalCount)) of \(Numbers.grouped(shared)) tensors of the same name "
                + "are equal\(tolerance); \(Numbers.grouped(comparison.onlyInFirst.count)) are only in the first, "
                + "\(Numbers.grouped(comparison.onlyInSecond.count)) only in the second.")
        if shared == 0, sides.contains(where: { $0.tensors.first?.name == NPZReader.namelessArray }) {
            Terminal.printText(
                "The array of an .npy file has no name; put it into an .npz file under the name of the tensor that it "
                    + "is to be compared with, or take that one alone with --include.")
        } else if shared == 0, !isConverted {
            Terminal.printText(
                "No name is in both. For files of different frameworks say --converted; else rename the first file's "
                    + "tensors with --rename.")
        }
    }

    private var tolerance: String {
        var parts: [String] = []
        if options.tolerance.absolute > 0 { parts.append("atol \(options.tolerance.absolute)") }
        if options.tolerance.relative > 0 { parts.append("rtol \(options.tolerance.relative)") }
        if options.ignoresTypes { parts.append("types ignored") }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }

    private func showTable(_ differences: [TensorDifference]) {
        var table = TextTable([
            ("tensor", .left), ("differs in", .left), ("max abs", .right), ("max rel", .right),
            ("cosine", .right), ("worst at", .left),
        ])
        for difference in differences {
            let values = difference.values
            var kinds: [String] = []
            if difference.hasOtherShape {
                kinds.append("shape \(difference.first.shape) / \(difference.second.shape)")
            }
            if difference.hasOtherType {
                kinds.append(
                    "type \(difference.first.elementType.rawValue)/\(difference.second.elementType.rawValue)")
            }
            if let values, values.differingCount > 0 {
                let total = difference.first.shape.elementCount
                kinds.append("\(Numbers.grouped(values.differingCount)) of \(Numbers.grouped(total))")
                if values.unmatchedNaNCount > 0 { kinds.append("\(values.unmatchedNaNCount) NaN") }
            }
            table.append([
                difference.name, kinds.joined(separator: ", "),
                values.map { Numbers.scientific($0.maximumAbsolute) } ?? "–",
                values.map { Numbers.scientific($0.maximumRelative) } ?? "–",
                values.map { Numbers.fixed($0.cosine, 6) } ?? "–",
                values?.worst.map { "\($0.index)" } ?? "–",
            ])
        }
        print(table.text)
    }

    private func showNames(_ names: [String], _ title: String, all: Bool) {
        guard !names.isEmpty else { return }
        Terminal.printText("  \(title):")
        for name in all ? names[...] : names.prefix(Self.shortCount) { print("    \(name)") }
        if !all, names.count > Self.shortCount {
            print("    … and \(Numbers.grouped(names.count - Self.shortCount)) more (--all)")
        }
        print()
    }
}
