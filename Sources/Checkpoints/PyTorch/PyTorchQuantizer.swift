internal import ZooContainers
internal import ZooTensors

/// What the whole numbers of a quantized tensor stand for: `(number - zero point) × scale`, for the tensor as a whole
/// or for each index along one axis.
enum PyTorchQuantizer: Sendable {
    case perTensor(scale: Double, zeroPoint: Int)
    indirect case perChannel(scales: PyTorchTensor, zeroPoints: PyTorchTensor, axis: Int)

    /// Reads `(torch.per_tensor_affine, scale, zero point)` or `(torch.per_channel_affine, scales, zero points,
    /// axis)`; `nil` for a scheme that isn't one of these.
    init?(
        _ document: PickleDocument, _ reference: PickleReference, shape: TensorShape
    ) throws(ZooError) {
        guard let fields = document.elements(reference),
            let scheme = fields.first.flatMap({ document.global($0) })
        else { return nil }
        switch (scheme.name, fields.count) {
        case ("per_tensor_affine", 3):
            guard case .real(let scale) = document.value(fields[1]),
                let zeroPoint = document.integer(fields[2])
            else { return nil }
            self = .perTensor(scale: scale, zeroPoint: zeroPoint)
        case ("per_channel_affine", 4):
            let scales = try PyTorchTensor(document, fields[1])
            let zeroPoints = try PyTorchTensor(document, fields[2])
            guard let axis = document.integer(fields[3]), shape.dimensions.indices.contains(axis),
                scales.shape.dimensions == [shape.dimensions[axis]], zeroPoints.shape == scales.shape
            else { return nil }
            self = .perChannel(scales: scales, zeroPoints: zeroPoints, axis: axis)
        default: return nil
        }
    }

    /// The real numbers, as PyTorch's `dequantize()` computes them: in `f32`, the scale rounded to it first.
    func dequantize(_ numbers: Tensor, from table: PyTorchStorageTable) throws(ZooError) -> Tensor {
        let integers = try numbers.converted(to: .i64).scalars(Int64.self)
        let shape = numbers.shape
        var scales: [Float]
        var zeroPoints: [Int64]
        var axis = 0
        switch self {
        case .perTensor(let scale, let zeroPoint):
            (scales, zeroPoints) = ([Float(scale)], [Int64(zeroPoint)])
        case .perChannel(let scaleTensor, let zeroPointTensor, let place):
            scales = try scaleTensor.load(from: table).floats()
            zeroPoints = try zeroPointTensor.load(from: table).converted(to: .i64).scalars(Int64.self)
            axis = place
        }
        let inner = shape.dimensions.dropFirst(axis + 1).reduce(1, *)
        let channels = scales.count
        var result: [Float] = []
        result.reserveCapacity(integers.count)
        for (index, integer) in integers.enumerated() {
            let channel = channels == 1 ? 0 : index / inner % channels
            result.append(Float(integer &- zeroPoints[channel]) * scales[channel])
        }
        return try Tensor(result, shape: shape)
    }
}
