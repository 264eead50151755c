import Foundation
import Testing

/// What is left when a command is stopped in the middle of its work.
@Suite struct InterruptionTests {
    private let zoo: ZooCommand
    private let scratch: Scratch
    private let data = Repository.path("zoo/data/fashion-mnist")

    init() throws {
        zoo = try ZooCommand()
        scratch = try Scratch()
    }

    private func start() throws -> String {
        let start = scratch.path("start.zoo.safetensors")
        let outcome = try zoo.run("surgery", "lenet-mnist", "--labels", "\(data)/labels.txt", "-o", start)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return start
    }

    /// Arguments of a run that takes a second or two.
    private func training(_ start: String, _ folder: String, epochs: Int = 4, batch: Int = 8) -> [String] {
        [
            "train", start, "--data", data, "--batch", "\(batch)", "--head-epochs", "1", "--epochs",
            "\(epochs)", "--threads", "1", "-o", scratch.path(folder),
        ]
    }

    /// At eight pictures a step.
    private let stepsPerEpoch = 375

    private func model(_ folder: String) throws -> Data {
        try Data(contentsOf: scratch.url.appending(path: "\(folder)/model.zoo.safetensors"))
    }

    /// Steps that a run's log counts.
    private func steps(_ folder: String) -> Int {
        let log = try? String(contentsOfFile: scratch.path("\(folder)/log.jsonl"), encoding: .utf8)
        return log?.split(separator: "\n").count { $0.contains("\"event\": \"step\"") } ?? 0
    }

    private func contents(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path(folder)).sorted()
    }

    /// Starts the run and stops it in the middle of its third epoch or later. A machine that is busy may let the run
    /// end before the signal is sent; then it is done again.
    private func stop(_ start: String, _ folder: String, by signal: Int32) throws -> ZooCommand.Outcome {
        for _ in 1...10 {
            try? FileManager.default.removeItem(atPath: scratch.path(folder))
            let command = try RunningCommand(zoo, training(start, folder))
            guard try command.wait(until: { steps(folder) > 2 * stepsPerEpoch }) else { continue }
            let outcome = try command.end(by: signal)
            let taken = steps(folder)
            if taken < 4 * stepsPerEpoch, taken % stepsPerEpoch != 0 { return outcome }
        }
        throw CocoaError(.featureUnsupported, userInfo: [NSLocalizedDescriptionKey: "never in time"])
    }

    /// Stopped in the middle of an epoch, however rudely, and resumed, a run comes to the same bytes.
    @Test func stoppedAndResumedItComesToTheSameBytes() throws {
        let start = try start()
        #expect(try zoo.run(training(start, "whole")).code == 0)
        for (signal, word) in [(SIGKILL, ""), (SIGINT, "Interrupted"), (SIGTERM, "Terminated")] {
            let folder = "stopped-\(signal)"
            let outcome = try stop(start, folder, by: signal)
            #expect(!FileManager.default.fileExists(atPath: scratch.path("\(folder)/model.zoo.safetensors")))
            if signal == SIGKILL {
                #expect(outcome.crashed)
            } else {
                #expect(!outcome.crashed && outcome.code == 128 + signal)
                let next = "\nNext: zoo train --resume \(scratch.path(folder)) --data \(data)\n"
                #expect(outcome.errors.hasPrefix(word) && outcome.errors.hasSuffix(next))
                #expect(outcome.errors.split(separator: "\n").count == 2)
                #expect(try contents(folder) == ["last.zoo.safetensors", "log.jsonl"])
            }
            let resumed = try zoo.run("train", "--resume", scratch.path(folder), "--data", data)
            #expect(resumed.code == 0, "\(resumed.errors)")
            #expect(resumed.output.contains("going on after epoch"))
            #expect(try model(folder) == model("whole"), "after signal \(signal)")
            #expect(steps(folder) == 4 * stepsPerEpoch)
            #expect(try contents(folder) == ["last.zoo.safetensors", "log.jsonl", "model.zoo.safetensors"])
        }
    }

    @Test func beforeTheFirstCheckpointThereIsNothingToResume() throws {
        let start = try start()
        let command = try RunningCommand(
            zoo,
            training(start, "run", batch: 1))
        #expect(try command.wait(until: { steps("run") > 0 }))
        let outcome = try command.end(by: SIGINT)
        #expect(outcome.code == 130)
        #expect(outcome.errors.hasPrefix("Interrupted before the first epoch ended."))
        #expect(try contents("run") == ["log.jsonl"])
        let resumed = try zoo.run("train", "--resume", scratch.path("run"), "--data", data)
        #expect(resumed.code == 1 && resumed.errors.contains("nothing to resume"))
        // The same command begins again, in the same folder.
        #expect(try zoo.run(training(start, "run")).code == 0)
        #expect(steps("run") == 4 * stepsPerEpoch)
        // But nothing writes over a run that came further.
        #expect(try zoo.run(training(start, "run")).errors.contains("--resume"))
    }

    @Test func killedAtAnyMomentARunResumesOrHasNothingToResume() throws {
        let start = try start()
        let began = Date.now
        #expect(try zoo.run(training(start, "whole", batch: 64)).code == 0)
        let seconds = Date.now.timeIntervalSince(began)
        var resumptions = 0
        for fraction in [0.01, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75, 0.9, 1.5] {
            let folder = "killed-\(fraction)"
            let command = try RunningCommand(zoo, training(start, folder, batch: 64))
            usleep(UInt32(seconds * fraction * 1e6))
            _ = try command.end(by: SIGKILL)
            let resumed = try zoo.run("train", "--resume", scratch.path(folder), "--data", data)
            if resumed.code == 0 {
                resumptions += 1
                #expect(try model(folder) == model("whole"))
                #expect(
                    try contents(folder) == ["last.zoo.safetensors", "log.jsonl", "model.zoo.safetensors"])
            } else {
                #expect(resumed.code == 1 && resumed.errors.split(separator: "\n").count == 1)
                #expect(
                    resumed.errors.contains("nothing to resume")
                        || resumed.errors.contains("No such file or directory"))
            }
        }
        #expect(resumptions > 0)
    }

    @Test func nobodyElseTrainsTheSameRun() throws {
        let start = try start()
        let command = try RunningCommand(
            zoo, training(start, "run", epochs: 400))
        #expect(try command.wait(until: { steps("run") > stepsPerEpoch }))
        let second = try zoo.run("train", "--resume", scratch.path("run"), "--data", data)
        #expect(second.code == 1 && second.errors.contains("another process"), "\(second.errors)")
        #expect(try command.end(by: SIGTERM).code == 143)
    }

    /// Ctrl-C while a large output is being written leaves neither it nor a temporary file.
    @Test func anInterruptedWriterLeavesNothing() throws {
        let count = 4_000
        var npy = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0])
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count), 1, 32, 32), }"
        npy += Data((header + String(repeating: " ", count: 117 - header.utf8.count) + "\n").utf8)
        npy += Data(count: count * 1_024)
        try npy.write(to: scratch.url.appending(path: "x.npy"))
        try FileManager.default.createDirectory(
            atPath: scratch.path("out"), withIntermediateDirectories: true)
        for attempt in 1... {
            let target = scratch.path("out/y.npz")
            let command = try RunningCommand(
                zoo,
                [
                    "forward", "lenet-mnist", "--input", scratch.path("x.npy"), "-o", target, "--layer",
                    "conv1",
                ])
            let isWriting = try command.wait(until: { try !contents("out").isEmpty })
            let outcome = try command.end(by: SIGINT)
            if isWriting, try contents("out").isEmpty {
                #expect(outcome.code == 130)
                #expect(outcome.errors == "Interrupted; \(target) is not written.\n")
                break
            }
            // It was faster; then the output is there as a whole.
            #expect(try contents("out") == ["y.npz"])
            try FileManager.default.removeItem(atPath: target)
            try #require(attempt < 10)
        }
    }

    /// At whatever moment a conversion to Keras is interrupted, there is a whole file or none.
    @Test func anInterruptedConversionLeavesAWholeFileOrNone() throws {
        for milliseconds: UInt32 in 0..<24 {
            let target = scratch.path("model.h5")
            let command = try RunningCommand(
                zoo, ["convert", Repository.path("zoo/weights/lenet-mnist.h5"), "-o", target])
            usleep(milliseconds * 1_500)
            _ = try command.end(by: SIGINT)
            let left = try scratch.contents
            #expect(left.isEmpty || left == ["model.h5"])
            if left == ["model.h5"] {
                #expect(try zoo.run("inspect", target).code == 0)
                try FileManager.default.removeItem(atPath: target)
            }
        }
    }
}
