import Foundation
import Testing

/// Options that say nothing where they stand are refused, not ignored.
@Suite struct OptionTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let pth = Repository.path("zoo/weights/lenet-mnist.pth")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func expectUsageError(_ arguments: [String], naming words: String...) throws {
        let outcome = try zoo.run(arguments)
        let call = arguments.joined(separator: " ")
        #expect(outcome.code == 64, "\(call) ended with \(outcome.code)")
        #expect(outcome.errors.hasPrefix("Error: "), "\(call): \(outcome.errors)")
        #expect(outcome.errors.contains("Usage") || outcome.errors.contains("help"))
        for word in words { #expect(outcome.errors.contains(word), "\(call): \(outcome.errors)") }
    }

    @Test func wrongUsageIs64() throws {
        for arguments in [
            ["convert"], ["convert", "a.pth"], ["nonsense"], ["summary", "lenet", "--batch", "0"],
            ["convert", "a.pth", "-o", "b.unknown"], ["forward", "a", "--input", "b", "--output", "c.txt"],
            ["surgery", "lenet", "-o", "x.zoo.safetensors"], ["predict", "lenet-mnist"],
            ["evaluate", "lenet-mnist"], ["train", "lenet-mnist", "--data", "x"],
            ["train", "--data", "x", "-o", "y"],
            ["train", "lenet-mnist", "--data", "x", "-o", "y", "--optimizer", "magic"],
            ["convert", pth, "-o", scratch.path("a.zoo.safetensors"), "--fold"],
            ["convert", pth, "-o", scratch.path("a.h5"), "--to", "keras", "--allow-inexact"],
            ["predict", "lenet-mnist", "a.png", "--top", "0"], ["inspect"], ["inspect", "a", "--nonsense"],
            ["evaluate", "a", "--data", "b", "--batch", "99999999999999999999"],
        ] {
            try expectUsageError(arguments)
        }
    }

    @Test func impossibleNumbersOfClasses() throws {
        for count in ["0", "-1", "=-1", "1048577", "1000000000000", "99999999999999999999", "ten", ""] {
            try expectUsageError(
                ["surgery", "lenet-mnist", "--classes", count, "-o", scratch.path("s.zoo.safetensors")],
                naming: "--classes")
        }
        #expect(try scratch.contents.isEmpty)
    }

    /// Only PyTorch files have state dicts to choose from.
    @Test func keysForFilesThatHaveNone() throws {
        var files = [Repository.path("zoo/weights/lenet-mnist.h5")]
        for name in ["m.safetensors", "m.weights.h5"] {
            #expect(try zoo.run("convert", pth, "-o", scratch.path(name)).code == 0)
            files.append(scratch.path(name))
        }
        let arrays = scratch.path("a.npz")
        #expect(
            try zoo.run("forward", pth, "--input", Commands.input, "--layer", "fc1", "-o", arrays).code == 0)
        files += [arrays, Commands.input]
        try zoo.expectOneClearLine(
            files.flatMap { file in
                Commands.all(model: file).map {
                    FailingCall($0 + ["--key", "model_ema"], naming: file, "PyTorch", "model_ema", "--key")
                }
            })
        // Where there is something to choose, a wrong key is an error of its own, and a right one is taken.
        try zoo.expectOneClearLine(
            Commands.all(model: pth).map { FailingCall($0 + ["--key", "nothing"], naming: pth, "nothing") })
        let wrapped = Repository.path("Tests/CommandTests/Fixtures/lenet-calls-system.pth")
        #expect(try zoo.run("summary", wrapped, "--key", "state_dict").code == 0)
    }

    @Test func choicesThatANativeFileHasMade() throws {
        let native = scratch.path("n.zoo.safetensors")
        #expect(try zoo.run("convert", pth, "-o", native).code == 0)
        try zoo.expectOneClearLine(
            [["--key", "a"], ["--architecture", "lenet"], ["--input-size", "32"]].flatMap { option in
                // A summary may be of any size.
                Commands.all(model: native).filter { option[0] != "--input-size" || $0[0] != "summary" }
                    .map { FailingCall($0 + option, naming: native, option[0]) }
            })
        try expectUsageError(["summary", "lenet", "--key", "a"], naming: "--key")
        try expectUsageError(["summary", "lenet", "--architecture", "lenet-d2l"], naming: "--architecture")
    }

    /// A run that goes on keeps its settings; only the data, the number of epochs and the output's form are said anew.
    @Test func settingsBesideResume() throws {
        let run = scratch.path("run")
        let data = Commands.data
        let first = try zoo.run("train", "lenet-mnist", "--data", data, "--epochs", "2", "-o", run)
        try #require(first.code == 0, "\(first.errors)")
        for option in [
            ["--architecture", "lenet"], ["--input-size", "32"], ["--key", "model"], ["--head-epochs", "0"],
            ["--batch", "64"], ["--optimizer", "sgd"], ["--learning-rate", "0.01"], ["--momentum", "0.9"],
            ["--weight-decay", "0"], ["--freeze", "conv1"], ["--from-scratch"], ["--seed", "0"],
            ["--threads", "2"],
        ] {
            try expectUsageError(["train", "--resume", run, "--data", data] + option, naming: option[0])
        }
        try expectUsageError(
            ["train", "--resume", run, "--data", data, "--seed", "1", "--batch", "2"], naming: "--seed",
            "--batch")
        try expectUsageError(
            ["train", "lenet-mnist", "--resume", run, "--data", data], naming: "--resume")
        try expectUsageError(
            ["train", "--resume", run, "--data", data, "-o", scratch.path("x")], naming: "--resume")
        try zoo.expectOneClearLine([
            FailingCall(
                ["train", "--resume", run, "--data", data, "--epochs", "1"], naming: run,
                "expected at least 2",
                untouched: run)
        ])
        let more = try zoo.run("train", "--resume", run, "--data", data, "--epochs", "3", "--json")
        #expect(more.code == 0, "\(more.errors)")
    }

    @Test func momentumIsNotForAdam() throws {
        try expectUsageError(
            [
                "train", "lenet-mnist", "--data", Commands.data, "-o", scratch.path("r"), "--optimizer",
                "adam",
                "--momentum", "0.9",
            ], naming: "--momentum")
    }
}
