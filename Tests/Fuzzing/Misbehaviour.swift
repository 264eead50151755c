internal import ZooTensors

/// Does what no reader may do when a file's first byte says so, so that tools/fuzz/run can prove that it would notice.
extension FuzzTarget {
    static let misbehaviour = FuzzTarget("misbehaviour") {
        [Seed([0x20], Same(bytes: [0x20]))]
    } body: { (bytes) throws(ZooError) in
        switch bytes.first {
        case UInt8(ascii: "c"): preconditionFailure("this crash was asked for")
        case UInt8(ascii: "h"):
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(600) {}
        case UInt8(ascii: "m"):
            let zeros = [UInt8](repeating: 1, count: 65 << 20 + 2 * bytes.count)
            if zeros.allSatisfy({ $0 == 0 }) { throw ZooError(.corrupt, "ones are zeros") }
        default: break
        }
    }

    private struct Same: Mutator {
        let bytes: [UInt8]
        func mutated(_ random: inout FuzzRandom) -> [UInt8] { bytes }
    }
}
