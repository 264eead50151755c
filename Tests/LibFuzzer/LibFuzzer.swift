// What libFuzzer calls with inputs that it makes itself, following what they reach in the code. tools/fuzz/libfuzzer
// builds this with the fuzzer and with AddressSanitizer, and says by ZOO_FUZZ_TARGET which reader is meant.

import Foundation
import ZooFuzzing

private let reader: CoverageTarget = {
    let name = ProcessInfo.processInfo.environment["ZOO_FUZZ_TARGET"] ?? ""
    guard let target = CoverageTarget(rawValue: name) else {
        fatalError("ZOO_FUZZ_TARGET must be one of \(CoverageTarget.allCases.map(\.rawValue))")
    }
    return target
}()

/// libFuzzer's entry.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    // A refusal is a result, too.
    try? reader.read(bytes)
    return 0
}

/// libFuzzer's loop.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Where SwiftPM has this program begin, in the place of `main`.
@_cdecl("zoo_libfuzzer_main")
public func begin(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var count = count
    var arguments = unsafe arguments
    return unsafe runFuzzer(&count, &arguments, testOneInput)
}
