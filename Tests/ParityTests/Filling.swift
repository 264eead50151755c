import ZooCheckpoints
import ZooTensors

/// The numbers that tools/goldens/architectures fills networks with (filling.py there): a pure function of an entry's
/// place in the state dict and an element's in it.
enum Filling {
    /// Murmur3's finaliser of `element + entry·0x9E3779B9`, as a fraction of 2³².
    static func uniform(_ entry: Int, _ element: Int) -> Double {
        var x = UInt32(truncatingIfNeeded: element) &+ UInt32(truncatingIfNeeded: entry) &* 0x9E37_79B9
        x ^= x >> 16
        x = x &* 0x85EB_CA6B
        x ^= x >> 13
        x = x &* 0xC2B2_AE35
        x ^= x >> 16
        return Double(x) / 0x1p32
    }

    /// A filled state dict, in its framework's order; counters are 0.
    static func stateDict(_ entries: [(key: String, shape: [Int])]) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        for (place, entry) in entries.enumerated() {
            let shape = TensorShape(entry.shape)
            if entry.key.hasSuffix("num_batches_tracked") {
                tensors.append(
                    CheckpointTensor(name: entry.key, tensor: try Tensor([Int64(0)], shape: shape)))
                continue
            }
            // Centre and width of what the numbers are drawn from.
            let isScale = entry.key.hasSuffix(".weight") || entry.key.hasSuffix("running_var")
            let fanIn = Double(entry.shape.dropFirst().reduce(1, *))
            let (centre, width): (Double, Double) =
                entry.shape.count >= 2 ? (0, 2 * (6 / fanIn).squareRoot()) : isScale ? (1, 1) : (0, 0.2)
            let values = (0..<shape.elementCount).map {
                Float(centre + (uniform(place, $0) - 0.5) * width)
            }
            tensors.append(CheckpointTensor(name: entry.key, tensor: try Tensor(values, shape: shape)))
        }
        return try Checkpoint(format: .pytorchZip, path: nil, tensors: tensors)
    }

    /// Network inputs, uniform in ±2.
    static func pictures(_ shape: TensorShape) throws -> Tensor {
        let values = (0..<shape.elementCount).map { Float((uniform(1_000_000, $0) - 0.5) * 4) }
        return try Tensor(values, shape: shape)
    }

    /// Up to `most` elements, evenly spread over a tensor's row-major order.
    static func sample(_ tensor: Tensor, _ most: Int) throws -> [Double] {
        let values = try tensor.doubles()
        let count = min(most, values.count)
        return (0..<count).map { values[(2 * $0 + 1) * values.count / (2 * count)] }
    }
}
