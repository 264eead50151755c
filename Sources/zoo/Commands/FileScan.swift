import ArgumentParser
import Menagerie

/// `zoo inspect --scan`.
struct FileScan {
    let path: String
    let isJSON: Bool

    func run() throws {
        let scan: CheckpointScan
        var findings: [CheckpointScan.Finding]
        do throws(ZooError) {
            let source = try ByteSource(path: path)
            scan = try CheckpointScan(source)
            findings = scan.findings
            if scan.kind == .hdf5 { findings += try configFindings() }
        } catch {
            throw error.adding(file: path)
        }
        if isJSON { print(json(scan, findings).text(pretty: true)) } else { show(scan, findings) }
        if !findings.isEmpty { throw ExitCode(2) }
    }

    /// HDF5 files hold no pickles, but Keras' configuration may hold code.
    private func configFindings() throws(ZooError) -> [CheckpointScan.Finding] {
        let checkpoint = try KerasHDF5Reader.read(
            path: path, isolation: .helper(executable: pathOfThisExecutable()))
        guard let config = checkpoint.extras["model_config"] else { return [] }
        return KerasConfigScan.findings(config).map {
            CheckpointScan.Finding(text: $0, place: "model_config")
        }
    }

    private func show(_ scan: CheckpointScan, _ findings: [CheckpointScan.Finding]) {
        print("\(Terminal.bold(path))  \(scan.kind.rawValue)")
        if !scan.imports.isEmpty {
            print()
            var table = TextTable([
                ("imports", .left), ("judged", .left), ("calls", .right), ("byte", .right), ("in", .left),
            ])
            for name in scan.imports {
                table.append([
                    name.name, name.judgement.rawValue, Numbers.grouped(name.calls),
                    Numbers.grouped(name.byteOffset), name.place,
                ])
            }
            print(table.text)
        }
        print()
        for finding in findings {
            let places =
                [
                    finding.byteOffset.map { "byte \(Numbers.grouped($0))" },
                    finding.place.isEmpty ? nil : finding.place,
                ]
                .compactMap { $0 }
            let start = places.isEmpty ? "" : places.joined(separator: " in ") + ": "
            Terminal.printText("  found: \(start)\(finding.text)")
        }
        let pickles = scan.pickleCount == 1 ? "1 pickle" : "\(scan.pickleCount) pickles"
        print(
            findings.isEmpty
                ? "Clean: \(pickles), and nothing in the file that isn't harmless. Nothing was run."
                : "\(findings.count == 1 ? "1 finding" : "\(findings.count) findings") in \(pickles). Nothing was run."
        )
        if findings.isEmpty {
            print("Next: zoo inspect \(Paths.quoted(path))")
        } else if scan.kind != .barePickle {
            Terminal.printText(
                "Next: zoo convert \(Paths.quoted(path)) -o \(Paths.quoted(Paths.replacingExtension(path, with: ".safetensors"))) takes the tensors and leaves the rest behind"
            )
        }
    }

    private func json(_ scan: CheckpointScan, _ findings: [CheckpointScan.Finding]) -> JSONValue {
        let imports: [JSONValue] = scan.imports.map {
            [
                "name": .string($0.name), "judgement": .string($0.judgement.rawValue),
                "calls": .integer($0.calls), "byte": .integer($0.byteOffset), "place": .string($0.place),
            ]
        }
        let found: [JSONValue] = findings.map {
            [
                "text": .string($0.text), "place": .string($0.place),
                "byte": $0.byteOffset.map { .integer($0) } ?? .null,
            ]
        }
        return [
            "schema": "menagerie/scan/1", "file": .string(path), "kind": .string(scan.kind.rawValue),
            "clean": .bool(findings.isEmpty), "pickles": .integer(scan.pickleCount),
            "imports": .array(imports), "findings": .array(found),
        ]
    }
}
