public import ZooTensors

/// Another type for the numbers of a file that is written.
public struct ElementTypeChange: Sendable, Hashable {
    /// The types that there are to choose from.
    public static let targets: [ElementType] = [.f16, .bf16, .f32]

    /// The type.
    public var target: ElementType
    /// Whether whole numbers and batch normalization's statistics change, too.
    public var isForAll: Bool

    /// A change to another type. Unless it is for all, only floating-point numbers change, and of these not the running
    /// mean and variance, which need their range and precision.
    public init(to target: ElementType, isForAll: Bool = false) {
        self.target = target
        self.isForAll = isForAll
    }

    /// The type that a tensor gets. Truth values and complex numbers keep theirs.
    public func type(of name: String, _ type: ElementType) -> ElementType {
        if type == .bool || type.isComplex { return type }
        if isForAll { return target }
        return type.isFloatingPoint && !ElementTypeChange.isStatistics(name) ? target : type
    }

    private static func isStatistics(_ name: String) -> Bool {
        let last = name.split { $0 == "." || $0 == "/" }.last ?? ""
        return ["running_mean", "running_var", "moving_mean", "moving_variance"].contains(last)
    }

    /// The tensor with its new type, converted when it is read.
    public func applied(to tensor: CheckpointTensor) throws(ZooError) -> CheckpointTensor {
        // What can't be read says why when it is.
        guard tensor.typeName == nil else { return tensor }
        return try tensor.converted(to: type(of: tensor.name, tensor.elementType))
    }
}

extension [NamedTensor] {
    /// The tensors with their new types, converted when they are written.
    public func changed(_ change: ElementTypeChange?) throws(ZooError) -> [CheckpointTensor] {
        try map { (named) throws(ZooError) in
            let tensor = CheckpointTensor(name: named.name, tensor: named.tensor)
            return try change?.applied(to: tensor) ?? tensor
        }
    }
}
