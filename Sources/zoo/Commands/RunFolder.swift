import Menagerie

/// The folder of a training run: its log, its last checkpoint, and the trained model at the end.
struct RunFolder: Sendable {
    let path: String

    /// Where the run goes on from.
    var checkpoint: String { "\(path)/\(RunFolder.checkpointName)" }
    /// The trained model.
    var model: String { "\(path)/\(RunFolder.modelName)" }

    private static let logName = "log.jsonl"
    private static let checkpointName = "last.zoo.safetensors"
    private static let modelName = "model.zoo.safetensors"

    /// Makes the folder for a new run. It may be there if it is empty, or if it only holds what a run left that was
    /// stopped before its first checkpoint.
    /// - Returns: whether it was made now.
    func begin() throws(ZooError) -> Bool {
        if try Folders.make(path) { return true }
        guard try Folders.names(in: path).allSatisfy(RunFolder.isWorthless) else {
            throw ZooError(
                .invalidArgument, "the folder is not empty", file: path,
                remedy: hasCheckpoint
                    ? "Name a new folder, or go on with --resume \(Paths.quoted(path))."
                    : "Name a new folder.")
        }
        return false
    }

    /// Whether there is something to resume.
    var hasCheckpoint: Bool { (try? ByteSource(path: checkpoint)) != nil }

    /// Checks that a run can go on here.
    func checkResumable() throws(ZooError) {
        let names = try Folders.names(in: path)
        if names.contains(RunFolder.checkpointName) { return }
        guard names.allSatisfy(RunFolder.isWorthless) else {
            throw ZooError(
                .fileNotFound, "this is not the folder of a training run", file: path,
                expected: RunFolder.checkpointName,
                remedy: "Name the folder that zoo train wrote to.")
        }
        throw ZooError(
            .fileNotFound, "no epoch was completed in this folder, so there is nothing to resume",
            file: path, remedy: "Begin it again: zoo train MODEL --data FOLDER -o \(Paths.quoted(path)).")
    }

    /// Removes what a process that was killed left half-written. To be called while this process holds the run.
    func removeLeftovers() throws(ZooError) {
        for name in try Folders.names(in: path) where RunFolder.isLeftover(name) {
            Folders.removeFile("\(path)/\(name)")
        }
    }

    /// A run that failed before its first checkpoint leaves nothing behind: there is nothing to go on from.
    func removeFruitless(wasMade: Bool) {
        guard (try? Folders.names(in: path))?.allSatisfy(RunFolder.isWorthless) == true else { return }
        try? removeLeftovers()
        Folders.removeFile("\(path)/\(RunFolder.logName)")
        if wasMade { Folders.removeEmpty(path) }
    }

    private static func isLeftover(_ name: String) -> Bool {
        [checkpointName, modelName].contains { TemporaryFiles.isLeftover(name, of: $0) }
    }

    private static func isWorthless(_ name: String) -> Bool { name == logName || isLeftover(name) }
}
