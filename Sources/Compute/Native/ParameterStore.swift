import COneDNNShim
public import ZooLayerGraphs
public import ZooTensors

/// The layouts of the resident parameters, in the order of the graph's specifications, as a program describes
/// them.
struct ParameterLayouts {
    let program: Program
    let parameters: [PlannedParameter]
}

/// A model's parameters and their gradients, each once, in the layout that the first plan's kernels read. All
/// plans of the model share them, and an optimizer updates them in place. Bytes between elements and beyond
/// the last channel are zero and stay so.
@safe public final class ParameterStore: @unchecked Sendable {
    /// The network.
    public let graph: LayerGraph
    /// Whose thread works on the parameters.
    public let engine: Engine

    /// A parameter's place in the store, for kernels that work on the resident layout.
    package struct Slot: Sendable {
        package let path: ParameterPath
        /// In floats from the start of ``ParameterStore/parameters``, and alike of the gradients.
        package let offset: Int
        /// Floats that it takes, padding included.
        package let count: Int
        /// Elements in canonical layout.
        package let shape: TensorShape
    }

    /// Where each parameter lies, in the order of the graph's specifications.
    package let slots: [Slot]
    /// All parameters, one after the other.
    package let parameters: MemoryRegion
    /// All gradients, laid out like the parameters. Training plans write those of what learns; the others are 0.
    package let gradients: MemoryRegion
    /// Goes up whenever parameters change, so that plans with copies in other layouts renew them.
    private(set) var version = 1

    let layouts: ParameterLayouts
    private let transfers: [Transfer]
    private let staging: MemoryRegion
    /// What the transfers' kernels scratch in.
    private let scratch: [MemoryRegion]

    /// The ways between a parameter's canonical and its resident layout.
    private struct Transfer {
        let load: OperationIndex
        let save: OperationIndex
        let saveGradient: OperationIndex
    }

    /// Memory for parameters laid out as a draft wants them.
    init(_ graph: LayerGraph, like draft: PlanDraft, engine: Engine, _ context: EngineContext)
        throws(ZooError)
    {
        let program = try Program()
        var planned: [PlannedParameter] = []
        var slots: [Slot] = []
        var total = 0
        var largest = 0
        for (specification, parameter) in zip(graph.parameters, draft.parameters) {
            let descriptor = try program.describe(like: draft.program, parameter.descriptor)
            planned.append(
                PlannedParameter(
                    dimensions: parameter.dimensions, isChannelsLast: parameter.isChannelsLast,
                    descriptor: descriptor))
            let byteCount = program.byteCount(of: descriptor)
            slots.append(
                Slot(
                    path: specification.path, offset: total / MemoryLayout<Float>.stride,
                    count: byteCount / MemoryLayout<Float>.stride, shape: specification.shape))
            total = try Checked.sum(total, Slab.rounded(byteCount))
            largest = max(largest, specification.shape.elementCount * MemoryLayout<Float>.stride)
        }
        let parameters = try Slab(byteCount: total)
        let gradients = try Slab(byteCount: total)
        let staging = try Slab(byteCount: largest)
        var transfers: [Transfer] = []
        var scratches: [MemoryRegion] = []
        for (slot, parameter) in zip(slots, planned) {
            let canonical = try program.describe(
                parameter.dimensions, parameter.isChannelsLast ? .channels_last : .plain)
            let staged = try staging.region(offset: 0, byteCount: program.byteCount(of: canonical))
            func transfer(
                _ from: (Descriptor, MemoryRegion), _ to: (Descriptor, MemoryRegion)
            ) throws(ZooError) -> OperationIndex {
                let operation = try program.reorder(from: from.0, to: to.0)
                try program.bind(operation, .source, from.0, to: from.1)
                try program.bind(operation, .destination, to.0, to: to.1)
                if let scratch = try program.describe(.scratchpad, of: operation) {
                    let slab = try Slab(byteCount: program.byteCount(of: scratch))
                    let region = try slab.region(offset: 0, byteCount: slab.byteCount)
                    try program.bind(operation, .scratchpad, scratch, to: region)
                    scratches.append(region)
                }
                try program.prepare(operation)
                return operation
            }
            let (offset, byteCount) = (
                slot.offset * MemoryLayout<Float>.stride, slot.count * MemoryLayout<Float>.stride
            )
            let value = try parameters.region(offset: offset, byteCount: byteCount)
            let gradient = try gradients.region(offset: offset, byteCount: byteCount)
            transfers.append(
                Transfer(
                    load: try transfer((canonical, staged), (parameter.descriptor, value)),
                    save: try transfer((parameter.descriptor, value), (canonical, staged)),
                    saveGradient: try transfer((parameter.descriptor, gradient), (canonical, staged))))
        }
        self.graph = graph
        self.engine = engine
        self.slots = slots
        self.parameters = try parameters.region(offset: 0, byteCount: total)
        self.gradients = try gradients.region(offset: 0, byteCount: total)
        self.staging = try staging.region(offset: 0, byteCount: largest)
        self.layouts = ParameterLayouts(program: program, parameters: planned)
        self.transfers = transfers
        self.scratch = scratches
    }

    // MARK: Canonical tensors, for anyone

    /// All parameters in canonical layout, in single precision; blocks until the engine has done it.
    public func read() throws(ZooError) -> ParameterTable {
        try engine.run { (context) throws(ZooError) in try self.read(context) }
    }

    /// All parameters in canonical layout, in single precision.
    public func read() async throws(ZooError) -> ParameterTable {
        try await engine.run { (context) throws(ZooError) in try self.read(context) }
    }

    /// Replaces the parameters that the table has; blocks until the engine has done it.
    /// - Throws: ``ZooError`` for one that the graph doesn't have, or that has another shape; nothing is
    ///   replaced then.
    public func write(_ table: ParameterTable) throws(ZooError) {
        try engine.run { (context) throws(ZooError) in try self.write(table, context) }
    }

    /// Replaces the parameters that the table has.
    /// - Throws: ``ZooError`` for one that the graph doesn't have, or that has another shape; nothing is
    ///   replaced then.
    public func write(_ table: ParameterTable) async throws(ZooError) {
        try await engine.run { (context) throws(ZooError) in try self.write(table, context) }
    }

    // MARK: On the engine's thread

    package func read(_ context: EngineContext) throws(ZooError) -> ParameterTable {
        var table = ParameterTable()
        for (slot, transfer) in zip(slots, transfers) {
            try layouts.program.run(transfer.save, context)
            table[slot.path] = try staging.tensor(slot.shape, context)
        }
        return table
    }

    package func write(_ table: ParameterTable, _ context: EngineContext) throws(ZooError) {
        let known = Dictionary(
            slots.indices.map { (slots[$0].path, $0) }, uniquingKeysWith: { first, _ in first })
        for (path, tensor) in table.entries {
            guard let index = known[path] else {
                throw ZooError(
                    .invalidArgument, "the network has no such parameter", tensor: path.description)
            }
            guard tensor.shape == slots[index].shape, tensor.elementType.isFloatingPoint else {
                throw ZooError(
                    .mismatch, "a parameter has another shape or type than its layer",
                    tensor: path.description,
                    expected: slots[index].shape.description,
                    found: "\(tensor.elementType.rawValue) \(tensor.shape)")
            }
        }
        for (path, tensor) in table.entries {
            guard let index = known[path] else { continue }
            try staging.fill(from: tensor, context)
            try layouts.program.run(transfers[index].load, context)
        }
        markChanged(context)
    }

    /// The gradients at these positions in canonical layout.
    package func readGradients(_ positions: [Int], _ context: EngineContext) throws(ZooError)
        -> ParameterTable
    {
        var table = ParameterTable()
        for position in positions.sorted() {
            try layouts.program.run(transfers[position].saveGradient, context)
            table[slots[position].path] = try staging.tensor(slots[position].shape, context)
        }
        return table
    }

    /// To be called after the resident parameters were written in place.
    package func markChanged(_ context: EngineContext) { version += 1 }

    /// The memory of the parameter at a position, or of its gradient.
    /// - Parameter others: gradients that are meant instead of the store's, laid out like them.
    func region(
        _ home: PlannedBuffer.Home, gradients others: MemoryRegion? = nil
    ) throws(ZooError) -> MemoryRegion {
        switch home {
        case .parameter(let position): return try region(position, in: parameters)
        case .gradient(let position): return try region(position, in: others ?? gradients)
        case .arena: throw ZooError(.limitExceeded, "a buffer isn't in the store")
        }
    }

    private func region(_ position: Int, in whole: MemoryRegion) throws(ZooError) -> MemoryRegion {
        let stride = MemoryLayout<Float>.stride
        return try whole.slab.region(
            offset: slots[position].offset * stride, byteCount: slots[position].count * stride)
    }
}
