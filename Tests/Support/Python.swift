import Foundation

/// The Python with PyTorch, NumPy and safetensors in it that `tools/interop` installs; tests that compare with it
/// run where it is.
package enum Python {
    package static let path = NSHomeDirectory() + "/.cache/menagerie/interop/bin/python"

    package static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: path) }

    /// Runs a script and gives what it printed, errors included, and its exit status.
    package static func run(
        _ script: String, _ arguments: [String] = []
    ) throws -> (output: String, status: Int32) {
        // Through a file: Foundation traps when a signal interrupts it reading from a pipe.
        let folder = try TemporaryFolder()
        let log = folder.file("output.txt")
        try TestFiles.write([], to: log)
        // A file, because some of PyTorch wants to read the source of the classes it is given.
        try TestFiles.write(Array(script.utf8), to: folder.file("script.py"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-W", "ignore", folder.file("script.py")] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        try handle.close()
        return (String(decoding: try TestFiles.read(log), as: UTF8.self), process.terminationStatus)
    }
}
