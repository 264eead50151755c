public import ZooTensors

/// Some samples as a network takes them.
public struct Batch: Sendable {
    /// The pictures' numbers, `[N, C, H, W]`, 32-bit floats.
    public let inputs: Tensor
    /// One label for each picture.
    public let labels: [Int32]
    /// The samples' numbers in the data set.
    public let sampleIndices: [Int]
    /// The epoch, from 0.
    public let epoch: Int
    /// Which batch of the epoch it is, from 0.
    public let number: Int
    /// Where in the epoch's order its first sample stands: what masks of dropout are indexed by.
    public let firstSampleNumber: Int

    /// Number of samples.
    public var count: Int { labels.count }
}
