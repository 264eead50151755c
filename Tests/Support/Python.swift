import Foundation

/// The Python with PyTorch, NumPy and safetensors in it that `tools/interop` installs; tests that compare with it
/// run where it is.
package enum Python {
    package static let path = NSHomeDirectory() + "/.cache/menagerie/interop/bin/python"

    package static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// Runs a script and gives what it printed, errors included, and its exit status.
    package static func run(_ script: String, _ arguments: [String] = []) throws -> (
        output: String, status: Int32
    ) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-W", "ignore", "-c", script] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.terminationStatus)
    }
}
