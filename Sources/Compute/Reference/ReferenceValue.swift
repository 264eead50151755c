import ZooTensors

/// A tensor as the reference computes it: canonical order, double precision.
struct ReferenceValue {
    var shape: TensorShape
    var elements: [Double]

    init(_ shape: TensorShape, _ elements: [Double]) {
        self.shape = shape
        self.elements = elements
    }

    init(zeros shape: TensorShape) {
        self.init(shape, [Double](repeating: 0, count: shape.elementCount))
    }

    init(_ tensor: Tensor) throws(ZooError) { self.init(tensor.shape, try tensor.doubles()) }

    func tensor(_ precision: ElementType) throws(ZooError) -> Tensor {
        try Tensor(elements, shape: shape).converted(to: precision)
    }

    /// Element by element.
    func map(_ transform: (Double) -> Double) -> ReferenceValue {
        ReferenceValue(shape, elements.map(transform))
    }

    /// Element by element with another value of the same shape.
    func zipped(with other: ReferenceValue, _ transform: (Double, Double) -> Double) -> ReferenceValue {
        ReferenceValue(shape, zip(elements, other.elements).map { transform($0, $1) })
    }

    /// Adds another value of the same shape.
    mutating func add(_ other: ReferenceValue) {
        for position in elements.indices { elements[position] += other.elements[position] }
    }
}

/// What a layer's backward step gives.
struct ReferenceGradients {
    /// With respect to the layer's operand.
    var operand: ReferenceValue
    /// With respect to weight and bias, where the layer has them.
    var weight: ReferenceValue?
    var bias: ReferenceValue?
}
