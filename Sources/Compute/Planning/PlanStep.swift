public import ZooTensors

/// One operation of a plan, as reports show it.
package struct PlanStep: Sendable, Hashable {
    /// When it runs.
    package let part: PlanPart
    /// Layers that it works for.
    package let paths: [String]
    /// `Conv2d + ReLU`.
    package let title: String
    /// The kernel's name, `jit:avx512_core`.
    package let kernel: String
    /// Layout of its result, and of its weights, in oneDNN's notation.
    package let layout: String
    package let weights: String?
    /// Multiply-adds of the layers that it computes.
    package let multiplyAdds: Double
    /// Bytes of all its operands, each once.
    package let byteCount: Int

    init(_ operation: PlanDraft.Operation, kernel: String, byteCount: Int) {
        self.part = operation.part
        self.paths = operation.paths
        self.title = operation.title
        self.kernel = kernel.isEmpty ? "menagerie" : kernel
        self.layout = operation.layout
        self.weights = operation.weights
        self.multiplyAdds = operation.multiplyAdds
        self.byteCount = byteCount
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "pass": .string(part.name), "layers": .array(paths.map { .string($0) }),
            "operation": .string(title), "kernel": .string(kernel), "layout": .string(layout),
        ]
        if let weights { object["weights"] = .string(weights) }
        return .object(object)
    }
}

extension PlanPart {
    var name: String {
        switch self {
        case .repack: "repack"
        case .forward: "forward"
        case .backward: "backward"
        }
    }
}

extension ExecutionPlan {
    /// The resolved plan, schema `menagerie/plan/1`: which kernel computes which layers in which layout. Two runs
    /// with equal plans, inputs and moments give equal bits.
    public var json: JSONValue {
        let input = configuration.input ?? store.graph.input
        let layoutName =
            switch layout {
            case .channels_last: "nhwc"
            case .blocked16: "nChw16c"
            case .blocked8: "nChw8c"
            case .plain, .any: "nchw"
            }
        return [
            "schema": "menagerie/plan/1", "architecture": .string(store.graph.architecture),
            "purpose": .string(configuration.purpose.rawValue),
            "input": .array(input.shape(batch: configuration.batch).dimensions.map { .integer($0) }),
            "training_mode": .bool(configuration.isTraining),
            "frozen": .array(configuration.frozen.sorted().map { .string($0) }),
            "threads": .integer(threads), "slices": .integer(sliceCount),
            "instruction_set": .string(OneDNN.instructionSet),
            "library": .string(OneDNN.version), "layout": .string(layoutName),
            "memory_bytes": .integer(memoryByteCount), "operations": .array(steps.map(\.json)),
        ]
    }
}
