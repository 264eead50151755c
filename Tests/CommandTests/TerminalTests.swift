import Foundation
import Testing

/// How commands look in a terminal of 80 columns, and what they suggest to type.
@Suite struct TerminalTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let data = Repository.path("zoo/data/fashion-mnist")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func expectNarrow(_ output: String, _ command: String) {
        for line in output.split(whereSeparator: \.isNewline) where line.count > 80 {
            Issue.record("zoo \(command): \(line)")
        }
    }

    @Test(arguments: [
        "", "--version", "--help", "inspect --help", "convert --help", "diff --help", "summary --help",
        "forward --help", "graph", "graph --help", "graph show --help",
        "surgery --help", "evaluate --help", "predict --help", "train --help",
    ])
    func helpFits(command: String) throws {
        let outcome = try zoo.run(command.split(separator: " ").map(String.init))
        #expect(outcome.code == 0 && !outcome.output.isEmpty)
        expectNarrow(outcome.output, command)
    }

    #if os(Linux)
        /// Some sandboxes have none.
        private static var hasTerminals: Bool { FileHandle(forUpdatingAtPath: "/dev/ptmx") != nil }

        @Test(
            .enabled(if: hasTerminals, "this machine gives out no pseudo-terminals"),
            arguments: [
                "inspect lenet.h5", "convert lenet.h5 -o lenet.zoo.safetensors", "summary lenet.h5",
                "summary lenet.h5 --columns kind,output,share --svg lenet.svg",
                "convert lenet.h5 --raw --dry-run -o lenet.safetensors", "diff lenet.h5 lenet.h5",
                "surgery lenet.h5 --labels labels.txt -o new.zoo.safetensors",
                "train lenet.h5 --data data --epochs 1 -o run", "evaluate lenet.h5 --data data",
            ])
        func resultsFit(command: String) throws {
            for (name, file) in [
                ("lenet.h5", "zoo/weights/lenet-mnist.h5"),
                ("labels.txt", "zoo/data/fashion-mnist/labels.txt"),
                ("data", "zoo/data/fashion-mnist"),
            ] {
                try FileManager.default.createSymbolicLink(
                    atPath: scratch.path(name), withDestinationPath: Repository.path(file))
            }
            let terminal = try ZooCommand(executable: URL(filePath: "/usr/bin/script"))
            let outcome = try terminal.run(
                ["-qec", "stty cols 80; '\(zoo.executable.path)' \(command)", "/dev/null"], in: scratch.url)
            #expect(outcome.code == 0, "\(outcome.output)")
            // Without what makes text bold and what a progress bar is redrawn with.
            let text = outcome.output.replacing(/\u{1B}\[[0-9]*[mK]/, with: "")
            if !command.hasPrefix("diff"), !command.contains("--dry-run") { #expect(text.contains("Next: ")) }
            expectNarrow(text, command)
        }
    #endif

    /// What is suggested can be typed as it stands.
    @Test func suggestionsAreQuoted() throws {
        let output = scratch.path("it's a model.zoo.safetensors")
        let outcome = try zoo.run("surgery", "lenet-mnist", "--classes", "3", "-o", output)
        let next = try #require(outcome.output.firstMatch(of: /Next: zoo train (.+) --data/)).output.1
        let shell = try ZooCommand(executable: URL(filePath: "/bin/sh"))
        #expect(try shell.run("-c", "printf %s \(next)").output == output)
    }

    /// What a run was begun with stays; options that would have to be ignored are refused.
    @Test func resumingRefusesWhatIsSettled() throws {
        let run = scratch.path("run")
        #expect(try zoo.run("train", "lenet-mnist", "--data", data, "--epochs", "2", "-o", run).code == 0)
        for option in [
            "--batch 64", "--optimizer sgd", "--seed 0", "--threads 2", "--head-epochs 0", "--momentum 0.9",
            "--learning-rate 0.01", "--weight-decay 0", "--freeze conv1", "--from-scratch",
        ] {
            let parts = option.split(separator: " ").map(String.init)
            let outcome = try zoo.run(["train", "--resume", run, "--data", data] + parts)
            #expect(
                outcome.code == 64
                    && outcome.errors.contains("\(parts[0]): a run that goes on keeps its own"),
                "\(option): \(outcome.errors)")
        }
        let fewer = try zoo.run("train", "--resume", run, "--data", data, "--epochs", "1")
        #expect(fewer.code == 1 && fewer.errors.contains("at least 2"), "\(fewer.errors)")
        let adam = try zoo.run(
            "train", "lenet-mnist", "--data", data, "--optimizer", "adam", "--momentum", "0.5", "-o",
            scratch.path("other"))
        #expect(adam.code == 64 && adam.errors.contains("--momentum"))
    }
}
