// Reads damaged variants of files, as tools/fuzz/run asks for them. Each is known by its target, seed and number.
//
//     zoo-fuzz list
//     zoo-fuzz run TARGET SEED FIRST COUNT PROGRESS    reads variants; the number of the one that is being read
//                                                      stands in the file PROGRESS, so that it outlives a crash
//     zoo-fuzz make TARGET SEED NUMBER FILE            writes a variant
//     zoo-fuzz read TARGET FILE                        reads a file as the target would
//     zoo-fuzz seeds TARGET FOLDER                     writes the files that libFuzzer begins with
//     zoo-fuzz reproduce TARGET FILE                   reads a file that libFuzzer has found
//
// `run` and `read` end with 3 when a variant took too much memory, with 4 when it took more than two seconds.

import CZooFuzzFork
import Foundation
import ZooFuzzing
import ZooHDF5Checkpoints
import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data("zoo-fuzz: \(text)\n".utf8))
    exit(64)
}

/// What reading variants came to.
struct Tally {
    var results = 0
    var errors: [String: Int] = [:]
    /// The slowest one, and how many seconds of a processor it took.
    var slowest = (number: 0, seconds: 0.0)
    /// The one that took the most memory, and how many bytes.
    var largest = (number: 0, bytes: 0)
    private let baseline: (own: Int, child: Int)

    init() {
        Meter.forgetPeak()
        baseline = (Meter.peakBytes, Meter.childPeakBytes)
    }

    /// Reads a variant, and ends the process when it takes too much.
    mutating func read(_ variant: [UInt8], _ number: Int, of target: FuzzTarget.Loaded) -> ZooError? {
        Meter.forgetPeak()
        Meter.rearm()
        let start = Meter.processorSeconds
        var refusal: ZooError?
        do {
            try target.read(variant)
            results += 1
        } catch {
            errors[error.code.rawValue, default: 0] += 1
            refusal = error
        }
        let seconds = Meter.processorSeconds - start
        // All that isn't given back counts again with every variant, so that nothing is lost to reuse.
        let bytes = max(Meter.peakBytes - baseline.own, Meter.childPeakBytes - baseline.child)
        if seconds > slowest.seconds { slowest = (number, seconds) }
        if bytes > largest.bytes { largest = (number, bytes) }
        if bytes > 2 * variant.count + 64 << 20 {
            print("variant \(number) of \(variant.count) bytes took \(bytes) bytes of memory")
            exit(3)
        }
        if seconds > 2 {
            print("variant \(number) took \(seconds) s")
            exit(4)
        }
        return refusal
    }

    var json: String {
        let codes = errors.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
        return "{\"results\": \(results), \"errors\": {\(codes.joined(separator: ", "))}, "
            + "\"slowest\": [\(slowest.number), \(slowest.seconds)], "
            + "\"largest\": [\(largest.number), \(largest.bytes)]}"
    }
}

let arguments = CommandLine.arguments.dropFirst()
guard let command = arguments.first else { fail("say what to do: list, run, make, read, seeds or reproduce") }
if command == "list" {
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
}
let words = Array(arguments.dropFirst())
// It is also its own indexer: a copy of the process, which has loaded all libraries already, but used none.
if command == HDF5IndexerProcess.command { exit(HDF5IndexerProcess.main(words)) }
unsafe setenv("HDF5_PLUGIN_PRELOAD", "::", 1)
unsafe setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1)
HDF5Helper.start { arguments, input, output in
    let child = zoo_fuzz_fork(input ?? -1, output)
    if child == 0 { _exit(HDF5IndexerProcess.main(Array(arguments.dropFirst()))) }
    return child
}
if command == "seeds" || command == "reproduce" {
    guard words.count == 2, let target = CoverageTarget(rawValue: words[0]) else {
        fail("\(command) with one of \(CoverageTarget.allCases.map(\.rawValue)), and a path")
    }
    if command == "reproduce" {
        try target.read([UInt8](try Data(contentsOf: URL(filePath: words[1]))))
    } else {
        try FileManager.default.createDirectory(atPath: words[1], withIntermediateDirectories: true)
        for (number, file) in try target.seeds().enumerated() {
            try Data(file).write(to: URL(filePath: "\(words[1])/seed-\(number)"))
        }
    }
    exit(0)
}
guard let name = words.first, let target = FuzzTarget.named(name) else { fail("no such target") }
let loaded = try target.loaded()

switch command {
case "run":
    guard words.count == 5, let seed = UInt64(words[1]), let first = Int(words[2]), let count = Int(words[3])
    else { fail("run TARGET SEED FIRST COUNT PROGRESS") }
    let progress = unsafe open(words[4], O_WRONLY | O_CREAT, 0o644)
    guard progress >= 0 else { fail("cannot write \(words[4])") }
    var tally = Tally()
    for number in first..<(first + count) {
        var place = UInt64(number).littleEndian
        _ = unsafe pwrite(progress, &place, 8, 0)
        _ = tally.read(loaded.variant(seed: seed, number: number), number, of: loaded)
    }
    print(tally.json)
case "make":
    guard words.count == 4, let seed = UInt64(words[1]), let number = Int(words[2]) else {
        fail("make TARGET SEED NUMBER FILE")
    }
    try Data(loaded.variant(seed: seed, number: number)).write(to: URL(filePath: words[3]))
case "read":
    guard words.count == 2 else { fail("read TARGET FILE") }
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: words[1])))
    var tally = Tally()
    let refusal = tally.read(bytes, 0, of: loaded)
    print(refusal.map { "\($0)" } ?? "reads", tally.json, separator: "\n")
default: fail("no such command")
}
