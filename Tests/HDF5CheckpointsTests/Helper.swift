import Foundation
import ZooHDF5Checkpoints

/// The `zoo` that was built with these tests, which indexes files in a process of its own.
enum Helper {
    /// Where it lies: where ZOO_EXECUTABLE says, beside the test bundle, or a few folders above it.
    static let executable: String = {
        if let given = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] { return given }
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<5 {
            let candidate = folder.appendingPathComponent("zoo").path
            if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
            folder.deleteLastPathComponent()
        }
        return "zoo wasn't built"
    }()

    static let isolation = HDF5Isolation.helper(executable: executable)
}
