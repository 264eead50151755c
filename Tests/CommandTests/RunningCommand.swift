import Foundation
import Testing

/// A `zoo` that is at work, to be stopped by a signal.
final class RunningCommand {
    private let process = Process()
    private let outputs: Scratch

    init(_ zoo: ZooCommand, _ arguments: [String]) throws {
        // Whoever runs the tests in the background may have them ignore SIGINT, which commands would take over.
        signal(SIGINT, SIG_DFL)
        outputs = try Scratch()
        process.executableURL = zoo.executable
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        for name in ["out", "err"] { try Data().write(to: outputs.url.appending(path: name)) }
        process.standardOutput = try FileHandle(forWritingTo: outputs.url.appending(path: "out"))
        process.standardError = try FileHandle(forWritingTo: outputs.url.appending(path: "err"))
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// Looks again and again until something is the case, or the command has ended.
    /// - Returns: whether it is the case and the command still runs.
    func wait(until isSo: () throws -> Bool) throws -> Bool {
        while process.isRunning {
            if try isSo() { return true }
            usleep(2_000)
        }
        return false
    }

    /// Sends a signal and waits for the end.
    func end(by signal: Int32) throws -> ZooCommand.Outcome {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        return ZooCommand.Outcome(
            code: process.terminationStatus,
            output: try String(contentsOfFile: outputs.path("out"), encoding: .utf8),
            errors: try String(contentsOfFile: outputs.path("err"), encoding: .utf8),
            crashed: process.terminationReason == .uncaughtSignal)
    }
}
