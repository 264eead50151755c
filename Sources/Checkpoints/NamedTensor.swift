public import ZooTensors

/// A tensor with the key that it has, or shall get, in a file.
public struct NamedTensor: Sendable {
    /// The key.
    public let name: String
    /// The numbers.
    public let tensor: Tensor

    /// Names a tensor.
    public init(_ name: String, _ tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}
