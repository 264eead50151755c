/// An n-dimensional array: a value over immutable, shared memory, possibly a strided view of it.
///
/// Canonical layouts are PyTorch's: features `[N, C, H, W]`, convolution weights `[O, I/groups, kH, kW]`,
/// linear weights `[out, in]`.
public struct Tensor: Sendable {
    /// Type of the elements.
    public let elementType: ElementType
    /// Extents.
    public let shape: TensorShape
    /// Distance between neighbours along each axis, in elements; may be zero or negative.
    public let strides: [Int]
    /// Index of the first element in the storage, in elements.
    public let offset: Int
    /// The memory, shared with every view of it.
    public let storage: TensorStorage

    /// A view of a storage.
    /// - Throws: ``ZooError`` when an element of the view would lie outside the storage.
    public init(
        storage: TensorStorage, elementType: ElementType, shape: TensorShape, strides: [Int]? = nil,
        offset: Int = 0
    ) throws(ZooError) {
        let strides = strides ?? shape.contiguousStrides
        try Tensor.checkView(
            elementCount: storage.byteCount / elementType.byteCount, shape: shape, strides: strides,
            offset: offset)
        self.init(
            uncheckedStorage: storage, elementType: elementType, shape: shape, strides: strides,
            offset: offset)
    }

    init(
        uncheckedStorage storage: TensorStorage, elementType: ElementType, shape: TensorShape, strides: [Int],
        offset: Int
    ) {
        self.storage = storage
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.offset = offset
    }

    /// A contiguous tensor of the given scalars, in row-major order.
    /// - Throws: ``ZooError`` when their number isn't the shape's.
    public init<Scalar: TensorScalar>(_ scalars: [Scalar], shape: TensorShape) throws(ZooError) {
        guard scalars.count == shape.elementCount else {
            throw ZooError(
                .mismatch, "the number of values doesn't fit the shape \(shape)",
                expected: "\(shape.elementCount)", found: "\(scalars.count)")
        }
        let storage = try unsafe TensorStorage(byteCount: scalars.count * MemoryLayout<Scalar>.stride) {
            (buffer) throws(ZooError) in
            unsafe scalars.withUnsafeBytes { unsafe buffer.copyMemory(from: $0) }
        }
        self.init(
            uncheckedStorage: storage, elementType: Scalar.elementType, shape: shape,
            strides: shape.contiguousStrides, offset: 0)
    }

    /// A contiguous tensor of zeros.
    public init(zeros shape: TensorShape, elementType: ElementType = .f32) throws(ZooError) {
        let byteCount = try Checked.product(shape.elementCount, elementType.byteCount)
        let storage = try unsafe TensorStorage(byteCount: byteCount) { _ throws(ZooError) in }
        self.init(
            uncheckedStorage: storage, elementType: elementType, shape: shape,
            strides: shape.contiguousStrides,
            offset: 0)
    }

    /// A contiguous tensor whose memory `fill` writes.
    package init(
        shape: TensorShape, elementType: ElementType,
        fill: (UnsafeMutableRawBufferPointer) throws(ZooError) -> Void
    ) throws(ZooError) {
        let byteCount = try Checked.product(shape.elementCount, elementType.byteCount)
        let storage = try unsafe TensorStorage(byteCount: byteCount, fill: fill)
        self.init(
            uncheckedStorage: storage, elementType: elementType, shape: shape,
            strides: shape.contiguousStrides,
            offset: 0)
    }

    /// Number of elements.
    public var elementCount: Int { shape.elementCount }

    /// Bytes that the elements take when they lie side by side.
    public var byteCount: Int { shape.elementCount * elementType.byteCount }

    /// Whether elements lie side by side in row-major order.
    public var isContiguous: Bool {
        if elementCount == 0 { return true }
        return zip(zip(shape.dimensions, strides), shape.contiguousStrides).allSatisfy { pair, wanted in
            pair.0 == 1 || pair.1 == wanted
        }
    }

    /// Refuses a view that reaches outside its storage.
    /// - Parameter elementCount: how many elements the storage holds.
    public static func checkView(
        elementCount: Int, shape: TensorShape, strides: [Int], offset: Int
    ) throws(ZooError) {
        guard strides.count == shape.rank else {
            throw ZooError(
                .corrupt, "a tensor has another number of strides than of dimensions",
                expected: "\(shape.rank)", found: "\(strides.count)")
        }
        guard offset >= 0 else { throw ZooError(.corrupt, "a tensor's storage offset is negative") }
        if shape.elementCount == 0 { return }
        var lowest = offset
        var highest = offset
        for (dimension, stride) in zip(shape.dimensions, strides) {
            let reach = try Checked.product(dimension - 1, stride)
            if reach < 0 {
                lowest = try Checked.sum(lowest, reach)
            } else {
                highest = try Checked.sum(highest, reach)
            }
        }
        guard lowest >= 0, highest < elementCount else {
            throw ZooError(
                .corrupt, "a tensor of shape \(shape) with strides \(strides) reaches outside its storage",
                expected: "elements 0 to \(elementCount - 1)", found: "\(lowest) to \(highest)")
        }
    }
}
