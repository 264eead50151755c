extension Tensor {
    /// Tensors of one type one behind the other along the first axis.
    /// - Throws: ``ZooError`` when there are none, or types or other extents differ.
    public static func joined(_ tensors: [Tensor]) throws(ZooError) -> Tensor {
        guard let first = tensors.first, first.shape.rank > 0 else {
            throw ZooError(.invalidArgument, "there are no tensors to join, or they have no axis")
        }
        if tensors.count == 1 { return first }
        var bytes: [UInt8] = []
        var count = 0
        let others = Array(first.shape.dimensions.dropFirst())
        for tensor in tensors {
            guard tensor.elementType == first.elementType,
                Array(tensor.shape.dimensions.dropFirst()) == others,
                tensor.shape.rank == first.shape.rank
            else {
                throw ZooError(
                    .mismatch, "tensors that are joined differ in more than their first extent",
                    expected: "\(first.elementType.rawValue) \(first.shape)",
                    found: "\(tensor.elementType.rawValue) \(tensor.shape)")
            }
            bytes += try tensor.bytes()
            count = try Checked.sum(count, tensor.shape[0])
        }
        return try Tensor(
            storage: TensorStorage(bytes: bytes), elementType: first.elementType,
            shape: TensorShape(checking: [count] + others))
    }
}
