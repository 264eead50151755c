import ArgumentParser
import Menagerie

/// The command `zoo`.
@main
struct Zoo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zoo",
        abstract: "Converts trained vision models between PyTorch, Keras and Swift, and runs them.",
        discussion: """
            Every command takes --help, with an example, and --json for programs.
            Exit codes: 0 success, 1 failure, 2 findings, 64 wrong usage.
            """,
        version: Version.number,
        subcommands: [
            Inspect.self, Convert.self, Diff.self, Summary.self, SurgeryCommand.self, Train.self,
            Evaluate.self,
            Predict.self,
            Forward.self, Bench.self, GraphCommand.self,
        ])

    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        // The indexer is a process of its own, so that a file that breaks the HDF5 library breaks only that.
        if arguments.first == HDF5IndexerProcess.command {
            endProcess(HDF5IndexerProcess.main(Array(arguments.dropFirst())))
        }
        ignoreFileSizeSignal()
        if ["train", "evaluate", "forward", "bench"].contains(arguments.first)
            || arguments.contains("--proof")
        {
            ProcessEnvironment.prepare()
        }
        Interruption.watch()
        do {
            if arguments.isEmpty {
                print(Welcome.text)
            } else if arguments == ["--version"] {
                // Asked for here, so that no other command waits for what it looks up.
                print(Version.text)
            } else {
                var command = try Zoo.parseAsRoot(arguments)
                try command.run()
            }
            try Terminal.finishOutput()
        } catch let error as ZooError {
            Terminal.printError(ErrorText.line(for: error))
            endProcess(1)
        } catch {
            if Zoo.message(for: error) == Version.number {
                // `--version` behind a command's name.
                print(Version.text)
                return
            }
            Zoo.exit(withError: error)
        }
    }
}
