import Menagerie

/// What a conversion did, for people: each parameter of a small network, the kinds of changes of a large one.
struct ConvertReport {
    let report: ConversionReport
    let file: String
    /// Whether every parameter gets a row, however many there are.
    let isWhole: Bool

    /// Most parameters that get a row each without being asked for.
    private static let mostRows = 40

    private var plan: ConversionPlan { report.plan }

    func show() {
        Terminal.printText("\(Terminal.bold(file))  \(report.format.title) → \(plan.architecture.name)")
        Terminal.printText("  \(plan.architecture.title); \(plan.dialect)")
        print()
        print(isWhole || plan.entries.count <= ConvertReport.mostRows ? rows : kinds)
        print()
        print(
            "  \(plan.entries.count) of \(plan.graph.parameters.count) parameters read, "
                + "\(Numbers.grouped(report.elementsAssigned)) elements")
        for path in report.initialised { print("  initialised: \(path)") }
        if !plan.origin.foreignHead.isEmpty {
            Terminal.printText("  another head: \(plan.origin.foreignHead.joined(separator: ", "))")
        }
        for mismatch in plan.mismatched {
            print(
                "  mismatched: \(mismatch.key) is \(mismatch.found), \(mismatch.path) needs \(mismatch.expected)"
            )
        }
        for key in plan.unused { print("  unused: \(key)") }
        for sentence in plan.origin.evidence { Terminal.printText("  evidence: \(sentence)") }
        for assumption in plan.assumptions { Terminal.printText("  assumed: \(assumption)") }
        if let activation = plan.outputActivation {
            print("  left out: the final \(activation); the model gives logits")
        }
        for note in report.notes { Terminal.printText("  note: \(note)") }
        print()
    }

    private func change(_ entry: ConversionPlan.Entry) -> String {
        var change = entry.transform.title.map { [$0] } ?? []
        if entry.isAssumed { change.append("assumed by place and shape") }
        if entry.sourceType != .f32 { change.append("\(entry.sourceType.rawValue)→f32") }
        return change.isEmpty ? "–" : change.joined(separator: ", ")
    }

    private var rows: String {
        var table = TextTable([("parameter", .left), ("key", .left), ("shape", .left), ("change", .left)])
        for entry in plan.entries {
            table.append([entry.path.description, entry.key, entry.shape.description, change(entry)])
        }
        return table.text
    }

    /// A row for each kind of change, with the first parameter that it happened to.
    private var kinds: String {
        var order: [String] = []
        var groups: [String: [ConversionPlan.Entry]] = [:]
        for entry in plan.entries {
            let change = change(entry)
            if groups[change] == nil { order.append(change) }
            groups[change, default: []].append(entry)
        }
        var table = TextTable([
            ("parameters", .right), ("change", .left), ("the first", .left), ("its key", .left),
            ("shape", .left),
        ])
        for change in order {
            guard let group = groups[change], let first = group.first else { continue }
            table.append([
                Numbers.grouped(group.count), change == "–" ? "none" : change, first.path.description,
                first.key,
                first.shape.description,
            ])
        }
        return table.text + "\n  (--verbose lists each)"
    }
}
