import Foundation
import Testing

/// A call of `zoo` that has to fail with one clear line.
struct FailingCall: Sendable {
    /// The arguments; `OUTPUTS` in them stands for a folder of this call's own.
    var arguments: [String]
    /// What the line must name: the file, the place, what is wrong.
    var naming: [String]
    /// A folder that is given to the call and that has to stay as it was.
    var untouched: String?

    init(_ arguments: [String], naming: String..., untouched: String? = nil) {
        self.arguments = arguments
        self.naming = naming
        self.untouched = untouched
    }

    /// A call of every command that reads a model.
    static func ofEveryCommand(model: String, naming: String...) -> [FailingCall] {
        Commands.all(model: model).map { arguments in
            var call = FailingCall(arguments)
            call.naming = naming
            return call
        }
    }
}

/// Calls of every command that reads a model, right but for the model itself.
enum Commands {
    static let data = Repository.path("zoo/data/fashion-mnist")
    static let input = Repository.path("Tests/CommandTests/Fixtures/zeros-and-ones.npy")
    static let picture = Repository.path("zoo/data/pictures/bag-9249.png")

    static func all(model: String) -> [[String]] {
        [
            ["inspect", model], ["convert", model, "-o", "OUTPUTS/c.zoo.safetensors"], ["summary", model],
            ["forward", model, "--input", input, "--output", "OUTPUTS/f.npy"],
            ["surgery", model, "--classes", "10", "-o", "OUTPUTS/s.zoo.safetensors"],
            ["evaluate", model, "--data", data],
            ["train", model, "--data", data, "--epochs", "1", "-o", "OUTPUTS/run"],
            ["predict", model, picture],
        ]
    }
}

extension ZooCommand {
    /// Makes the calls, several at once, and expects of each: exit code 1, one line on standard error with
    /// what it has to name and a remedy, no signal, and nothing left behind.
    func expectOneClearLine(
        _ calls: [FailingCall], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let scratch = try Scratch()
        let problems = concurrently(calls) { index, call in
            try self.complaints(about: call, outputs: scratch.path("\(index)"))
        }
        #expect(!calls.isEmpty, sourceLocation: sourceLocation)
        let shown = problems.prefix(10).joined(separator: "\n")
        #expect(
            problems.isEmpty, "\(problems.count) problems in \(calls.count) calls:\n\(shown)",
            sourceLocation: sourceLocation)
    }

    private func complaints(about call: FailingCall, outputs: String) throws -> [String] {
        try FileManager.default.createDirectory(atPath: outputs, withIntermediateDirectories: false)
        let arguments = call.arguments.map { $0.replacingOccurrences(of: "OUTPUTS", with: outputs) }
        let before = try call.untouched.map(FolderState.init)
        let outcome = try run(arguments)
        var problems: [String] = []
        if outcome.crashed { problems.append("a signal ended it") }
        if outcome.code != 1 { problems.append("it ended with \(outcome.code)") }
        let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.count != 2 || lines.last != "" { problems.append("not one line") }
        if !outcome.errors.hasPrefix("error: ") { problems.append("not an error line") }
        for name in call.naming where !outcome.errors.contains(name) {
            problems.append("it doesn't name \(name)")
        }
        if !outcome.errors.contains(/[.?!] [A-Z][^.]{8}/) { problems.append("no remedy") }
        let left = try FileManager.default.contentsOfDirectory(atPath: outputs)
        if !left.isEmpty { problems.append("it left \(left)") }
        if let folder = call.untouched, try FolderState(folder) != before {
            problems.append("it changed \(folder)")
        }
        return problems.map { "zoo \(arguments.joined(separator: " ")): \($0): \(outcome.errors)" }
    }
}

/// Names and contents of the files in a folder.
private struct FolderState: Equatable {
    let files: [String: Data]

    init(_ path: String) throws {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            files[name] = FileManager.default.contents(atPath: "\(path)/\(name)")
        }
        self.files = files
    }
}

/// Does something with every element, on as many threads as there are processors, and collects what is said. An
/// error that is thrown is something said, too.
func concurrently<Element: Sendable>(
    _ elements: [Element], _ body: @Sendable (Int, Element) throws -> [String]
) -> [String] {
    let said = Collected()
    DispatchQueue.concurrentPerform(iterations: elements.count) { index in
        do {
            said.append(try body(index, elements[index]))
        } catch {
            said.append(["\(elements[index]): \(error)"])
        }
    }
    return said.all
}

private final class Collected: @unchecked Sendable {
    private var lines: [String] = []
    private let lock = NSLock()

    func append(_ more: [String]) { lock.withLock { lines += more } }

    var all: [String] { lock.withLock { lines } }
}

/// The first `sixteenths`/16 of a file, for every number of sixteenths below 16, as files in a folder.
struct Cuts {
    let paths: [String]

    init(of file: String, in scratch: Scratch) throws {
        let whole = try Data(contentsOf: URL(filePath: file))
        let name = URL(filePath: file).lastPathComponent
        paths = try (0..<16).map { sixteenths in
            let path = scratch.path("\(sixteenths)-\(name)")
            try whole.prefix(whole.count * sixteenths / 16).write(to: URL(filePath: path))
            return path
        }
    }
}
