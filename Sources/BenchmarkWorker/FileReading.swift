import Menagerie

/// Reading checkpoints in a running process: opening them, or taking all their numbers.
struct FileReading {
    private let opener: ModelOpener

    /// - Parameter request: names the `zoo` that reads HDF5 files for us.
    init(_ request: JSONValue) throws(ZooError) {
        opener = ModelOpener(isolation: .helper(executable: try request.text("zoo")))
    }

    /// Opens a file so many times, or reads all of it, and says what was in it the last time.
    func answer(to request: JSONValue) throws(ZooError) -> JSONValue {
        let path = try request.text("path")
        let runs = max(1, try request.count("runs"))
        switch try request.text("do") {
        case "open":
            var tensors: [CheckpointTensor] = []
            let began = MonotonicClock.seconds()
            for _ in 0..<runs { tensors = try opener.checkpoint(path).tensors }
            let seconds = MonotonicClock.seconds() - began
            let shapes = tensors.map { tensor -> JSONValue in
                [.string(tensor.name), .array(tensor.shape.dimensions.map { .integer($0) })]
            }
            return ["seconds": .number(seconds / Double(runs)), "tensors": .array(shapes)]
        case "read":
            let began = MonotonicClock.seconds()
            let tensors = try opener.checkpoint(path).tensors.map { (tensor) throws(ZooError) in
                (name: tensor.name, tensor: try tensor.load())
            }
            let seconds = MonotonicClock.seconds() - began
            // What was read, to be held against the other side; not timed.
            var digests = JSONObject()
            for (name, tensor) in tensors {
                digests[name] = .string(
                    try SHA256Digest.hexadecimal(of: ByteSource(bytes: try tensor.bytes())))
            }
            return ["seconds": .number(seconds), "digests": .object(digests)]
        default: throw ZooError(.invalidArgument, "unknown work", found: try request.text("do"))
        }
    }
}
