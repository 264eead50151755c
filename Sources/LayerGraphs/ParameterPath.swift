public import ZooTensors

/// What a parameter is to its layer. Raw values are PyTorch's names.
public enum ParameterRole: String, Sendable, Hashable, CaseIterable {
    /// The kernel of a convolution, the matrix of a linear layer, the scale of a normalisation.
    case weight
    /// What is added per output channel or feature.
    case bias
    /// Running mean of a batch normalisation.
    case runningMean = "running_mean"
    /// Running variance of a batch normalisation.
    case runningVariance = "running_var"

    /// Whether a gradient changes it; statistics follow the data instead (PyTorch's buffers).
    public var isLearned: Bool {
        switch self {
        case .weight, .bias: true
        case .runningMean, .runningVariance: false
        }
    }
}

/// The canonical name of a parameter: the dotted path of its node and its role, `layer1.0.conv1.weight`.
public struct ParameterPath: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Path of the node.
    public let node: String
    /// What the parameter is to the node.
    public let role: ParameterRole

    /// A parameter of a node.
    public init(_ node: String, _ role: ParameterRole) {
        self.node = node
        self.role = role
    }

    /// Reads `conv1.weight`; `nil` when the last part isn't a role.
    public init?(_ text: String) {
        guard let dot = text.lastIndex(of: "."),
            let role = ParameterRole(rawValue: String(text[text.index(after: dot)...]))
        else { return nil }
        self.init(String(text[..<dot]), role)
    }

    /// `conv1.weight`.
    public var description: String { "\(node).\(role.rawValue)" }

    /// Alphabetical.
    public static func < (left: ParameterPath, right: ParameterPath) -> Bool {
        left.description < right.description
    }
}

/// A parameter that a graph needs.
public struct ParameterSpecification: Sendable, Hashable {
    /// Its name.
    public let path: ParameterPath
    /// Its shape in canonical layout.
    public let shape: TensorShape
}

/// Tensors by parameter path, in a fixed order.
public struct ParameterTable: Sendable {
    /// Paths in the order in which they were added.
    public private(set) var paths: [ParameterPath] = []
    private var tensors: [ParameterPath: Tensor] = [:]

    /// No parameters.
    public init() {}

    /// The tensor of a parameter; assigning `nil` removes it.
    public subscript(path: ParameterPath) -> Tensor? {
        get { tensors[path] }
        set {
            if newValue == nil {
                paths.removeAll { $0 == path }
            } else if tensors[path] == nil {
                paths.append(path)
            }
            tensors[path] = newValue
        }
    }

    /// Paths and tensors in order.
    public var entries: [(path: ParameterPath, tensor: Tensor)] {
        paths.compactMap { path in tensors[path].map { (path, $0) } }
    }

    /// Number of parameters.
    public var count: Int { paths.count }

    /// Number of elements of all parameters together.
    public var elementCount: Int { entries.reduce(0) { $0 + $1.tensor.elementCount } }

    /// The tensor of a parameter that must be there, with its shape checked.
    public func required(_ specification: ParameterSpecification) throws(ZooError) -> Tensor {
        guard let tensor = tensors[specification.path] else {
            throw ZooError(.missingTensor, "a parameter is missing", tensor: specification.path.description)
        }
        guard tensor.shape == specification.shape else {
            throw ZooError(
                .mismatch, "a parameter has another shape than its layer",
                tensor: specification.path.description, expected: specification.shape.description,
                found: tensor.shape.description)
        }
        return tensor
    }
}
