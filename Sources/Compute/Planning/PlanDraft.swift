import COneDNNShim
import ZooTensors

/// A plan before memory is given to it: operations in order, and the buffers that they work on. Several drafts,
/// of different layouts, are made and compared; one is finished.
final class PlanDraft {
    /// An index into ``buffers``.
    typealias BufferIndex = Int

    /// An operand of an operation.
    struct Binding {
        let argument: zoo_dnn_argument
        let descriptor: Descriptor
        let buffer: BufferIndex
    }

    /// What an operation does.
    enum Work {
        case primitive(OperationIndex, [Binding])
        case kernel(any KernelWork)
    }

    /// An operation and the layers that it works for.
    struct Operation {
        let part: PlanPart
        let paths: [String]
        let title: String
        let work: Work
        /// Layout of what it works on, in oneDNN's notation, and of the weights if it has any.
        var layout: String
        var weights: String?
        /// Multiply-adds of the layers that it computes.
        var multiplyAdds = 0.0
    }

    /// A tensor that is handed in or out, in canonical order.
    struct Port {
        let shape: TensorShape
        let buffer: BufferIndex
    }

    let layout: zoo_dnn_layout
    let program: Program
    var buffers: [PlannedBuffer] = []
    var operations: [Operation] = []
    /// Estimated time, in units that only compare.
    var cost = 0.0
    /// Layouts of the parameters, in the order of the graph's specifications.
    var parameters: [PlannedParameter] = []
    var input: Port?
    var output: Port?
    var outputGradient: Port?
    var activations: [String: Port] = [:]
    var inputGradient: Port?
    var activationGradients: [String: Port] = [:]
    /// Parameters, by position, whose gradients the backward part gives.
    var trainable: [Int] = []
    /// Running statistics, by the parameter's position, as a training pass leaves them.
    var statistics: [Int: BufferIndex] = [:]

    init(layout: zoo_dnn_layout) throws(ZooError) {
        self.layout = layout
        self.program = try Program()
    }

    /// A new buffer in the arena that lives from the next operation on.
    func allocate(byteCount: Int) -> BufferIndex {
        buffers.append(
            PlannedBuffer(home: .arena, byteCount: byteCount, first: operations.count, last: operations.count)
        )
        return buffers.count - 1
    }

    /// The buffer of a parameter's copy or gradient.
    func external(_ home: PlannedBuffer.Home) -> BufferIndex {
        if let known = buffers.firstIndex(where: { $0.home == home }) { return known }
        buffers.append(PlannedBuffer(home: home, byteCount: 0, first: 0, last: 0))
        return buffers.count - 1
    }

    /// Keeps a buffer for as long as the plan lives: what is read from or written to between runs.
    func keepForever(_ buffer: BufferIndex) {
        buffers[buffer].first = -1
        buffers[buffer].last = Int.max
    }

    /// Adds an operation; the buffers that it works on live at least until it is done.
    func add(_ operation: Operation) {
        let now = operations.count
        let used: [BufferIndex] =
            switch operation.work {
            case .primitive(_, let bindings): bindings.map(\.buffer)
            case .kernel(let work): work.buffers
            }
        for buffer in used { buffers[buffer].last = max(buffers[buffer].last, now) }
        operations.append(operation)
    }
}

/// Extents of a feature map in memory, `[N, C, H, W]`; a vector is a map of 1×1.
struct FeatureMap: Hashable {
    let batch, channels, height, width: Int
    let layout: zoo_dnn_layout

    init(_ dimensions: [Int], layout: zoo_dnn_layout) {
        self.batch = dimensions.first ?? 1
        self.channels = dimensions.count > 1 ? dimensions[1] : 1
        self.height = dimensions.count > 3 ? dimensions[2] : 1
        self.width = dimensions.count > 3 ? dimensions[3] : 1
        // Vectors have their features side by side.
        self.layout = dimensions.count == 4 ? layout : .channels_last
    }
}

/// Where a parameter lies in the resident copy.
struct PlannedParameter {
    /// Its shape as the kernels see it, whose elements in row-major order, or with channels last, are the
    /// canonical tensor's: `[O, C, H, W]` for a linear layer on a feature map, `[g, O/g, I/g, kH, kW]` for a
    /// grouped convolution.
    let dimensions: [Int]
    /// Whether the canonical order is `[O, H, W, C]`.
    let isChannelsLast: Bool
    /// The resident layout.
    let descriptor: Descriptor
}
