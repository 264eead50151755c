import Foundation
import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Files that were made to do harm: each is read or refused as `expected.json` says, in two seconds and 256 MiB,
/// nothing in it is run, and nothing is left behind.
@Suite(.serialized) struct HostileTests {
    private let corpus: Corpus

    init() throws {
        corpus = try Corpus()
        try? FileManager.default.removeItem(atPath: Corpus.marker)
    }

    private func expectNothing(_ complaints: [String]) {
        #expect(complaints.isEmpty, "\(complaints.count):\n\(complaints.sorted().joined(separator: "\n"))")
        #expect(!FileManager.default.fileExists(atPath: Corpus.marker), "something was run")
    }

    @Test func corpusIsLarge() {
        #expect(corpus.samples.count >= 200)
        #expect(corpus.samples.values.count { $0.runs != nil } >= 50)
        for name in corpus.samples.keys { #expect(TestFiles.exists(Corpus.path(name)), "\(name)") }
    }

    // MARK: In this process

    private static func read(_ path: String) throws(ZooError) -> Checkpoint {
        let source = try ByteSource(path: path)
        let checkpoint =
            try FileKind.detect(source) == .hdf5
            ? try KerasHDF5Reader.read(
                path: path, isolation: .helper(executable: BoundedCommand.executable))
            : try CheckpointReader.read(source)
        for tensor in checkpoint.tensors { _ = try tensor.load() }
        return checkpoint
    }

    @Test func reading() {
        let complaints = corpus.complaints { name, sample in
            let start = ProcessorTime.ofThread
            var said: [String] = []
            do throws(ZooError) {
                let checkpoint = try Self.read(Corpus.path(name))
                let found = checkpoint.tensors.map { ($0.name, "\($0.elementType.rawValue) \($0.shape)") }
                if let wanted = sample.read.tensors {
                    if Dictionary(found, uniquingKeysWith: { $1 }) != wanted { said.append("has \(found)") }
                } else if !sample.read.isOpen {
                    said.append("it reads, and has \(found)")
                }
                if let warning = sample.read.warns,
                    !checkpoint.warnings.contains(where: { $0.contains(warning) })
                {
                    said.append("no warning of \(warning): \(checkpoint.warnings)")
                }
            } catch {
                let text = [error.problem, error.found ?? "", error.tensor ?? ""].joined(separator: " ")
                if sample.read.isOpen { return [] }
                if error.code.rawValue != sample.read.error || !text.contains(sample.read.says ?? "") {
                    said.append("\(error)")
                }
            }
            // This thread's own; the process that reads HDF5 has a limit of its own.
            let seconds = ProcessorTime.ofThread - start
            if seconds > 2 { said.append("it took \(seconds) s of processor time") }
            return said
        }
        expectNothing(complaints)
    }

    @Test func scanning() {
        let complaints = corpus.complaints { name, sample in
            let source = try ByteSource(path: Corpus.path(name))
            let scan: CheckpointScan
            do {
                scan = try CheckpointScan(source)
            } catch {
                return sample.scan.exit == 1 ? [] : ["\(error)"]
            }
            // The command adds what is in an HDF5 file, and may find it unreadable.
            if scan.kind == .hdf5, scan.isClean { return [] }
            if (sample.scan.exit == 0) != scan.isClean { return ["it finds \(scan.findings.map(\.text))"] }
            return Self.missing(sample.scan.finds, in: scan.findings.map(\.text))
        }
        expectNothing(complaints)
    }

    private static func missing(_ parts: [String], in findings: [String]) -> [String] {
        parts.filter { part in !findings.contains { $0.contains(part) } }.map {
            "it doesn't find \($0) but \(findings.prefix(5))"
        }
    }

    // MARK: By the command

    /// What is wrong with how a command ended, whatever it was.
    private static func complaints(about outcome: BoundedCommand.Outcome, in folder: String) throws
        -> [String]
    {
        var said: [String] = []
        if outcome.crashed { said.append("a signal ended it: \(outcome.code) \(outcome.errors.suffix(300))") }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder)
        if outcome.code != 0, !left.isEmpty { said.append("it left \(left)") }
        if outcome.code == 1 {
            let lines = outcome.errors.split(separator: "\n")
            if lines.count != 1 || !outcome.errors.hasPrefix("error: ") {
                said.append("not one line: \(outcome.errors)")
            }
        }
        let text = outcome.output + outcome.errors
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }) {
            said.append("control characters reach the terminal")
        }
        return said
    }

    @Test func inspectCommand() {
        let complaints = corpus.complaints { name, sample in
            let folder = try TemporaryFolder()
            // What is wrong with a tensor's numbers alone doesn't keep the others from being listed.
            let options = sample.read.lists == true ? [] : ["--stats"]
            let outcome = try BoundedCommand.run(["inspect"] + options + [Corpus.path(name)], in: folder.path)
            var said = try Self.complaints(about: outcome, in: folder.path)
            if sample.read.isOpen { return said }
            let isReadable = sample.read.tensors != nil || sample.read.lists == true
            if isReadable, outcome.code != 0 {
                said.append("it ends with \(outcome.code): \(outcome.errors)")
            }
            if !isReadable, outcome.code == 0 { said.append("it reads") }
            if !isReadable, outcome.code != 0, let says = sample.read.says, !outcome.errors.contains(says) {
                said.append("it says \(outcome.errors)")
            }
            return said
        }
        expectNothing(complaints)
    }

    @Test func scanCommand() {
        let complaints = corpus.complaints { name, sample in
            let folder = try TemporaryFolder()
            let outcome = try BoundedCommand.run(
                ["inspect", "--scan", "--json", Corpus.path(name)], in: folder.path)
            var said = try Self.complaints(about: outcome, in: folder.path)
            guard outcome.code == sample.scan.exit else {
                return said + ["it ends with \(outcome.code): \(outcome.output) \(outcome.errors)"]
            }
            guard outcome.code != 1 else { return said }
            struct Document: Decodable {
                struct Finding: Decodable { let text: String }
                let findings: [Finding]
            }
            let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output.utf8))
            said += Self.missing(sample.scan.finds, in: document.findings.map(\.text))
            return said
        }
        expectNothing(complaints)
    }

    /// None of these is a network that is known; whatever the command says, it leaves an output only when it succeeds.
    @Test func convertCommand() {
        let complaints = corpus.complaints { name, sample in
            let folder = try TemporaryFolder()
            let outcome = try BoundedCommand.run(
                ["convert", Corpus.path(name), "-o", folder.file("out.safetensors")], in: folder.path)
            var said = try Self.complaints(about: outcome, in: folder.path)
            if sample.read.error != nil, outcome.code != 1 { said.append("it ends with \(outcome.code)") }
            let isThere = TestFiles.exists(folder.file("out.safetensors"))
            if isThere != (outcome.code == 0) { said.append("an output after \(outcome.code)") }
            return said
        }
        expectNothing(complaints)
    }
}
