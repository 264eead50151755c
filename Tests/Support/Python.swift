import Foundation

/// The Python with PyTorch, Keras and NumPy in it, for tests that ask the frameworks themselves. `tools/interop`
/// names it in ZOO_PYTHON and holds the number of these tests against a list; without it they don't run.
package enum Python {
    package static let path = ProcessInfo.processInfo.environment["ZOO_PYTHON"] ?? ""

    package static var isInstalled: Bool { !path.isEmpty }

    /// The Python with an old PyTorch in it (1.13, Debian 12's own), which `tools/interop` names too.
    package static let oldPath = ProcessInfo.processInfo.environment["ZOO_OLD_PYTHON"] ?? ""

    /// Runs a script and gives what it printed, errors included, and its exit status.
    package static func run(
        _ script: String, _ arguments: [String] = [], with path: String = path
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
