internal import ZooTensors

/// Which storages a file gets, and where in them each tensor lies.
///
/// Tensors that share memory share a storage in the file too, as PyTorch's tied weights do. A tensor that shares
/// with none gets a storage of its own in row-major order, so that a small part of a large memory doesn't drag
/// all of it along. What is tied in a file is tied in the one that is written, too.
struct PyTorchStoragePlan {
    struct Placement {
        let storage: Int
        let offset: Int
        let strides: [Int]
    }

    /// What to write for each storage: its elements, one after the other.
    private(set) var storages: [CheckpointTensor] = []
    /// For each tensor, in the given order.
    private(set) var placements: [Placement] = []

    /// What tensors share: memory, or a storage of a file.
    private enum Memory: Hashable {
        case allocated(ObjectIdentifier)
        case stored(String)
    }

    private struct Extent {
        let index: Int
        let first: Int
        let last: Int
    }

    init(_ tensors: [CheckpointTensor]) throws(ZooError) {
        var groups: [[Extent]] = []
        var groupOfMemory: [Memory: [Int]] = [:]
        for (index, tensor) in tensors.enumerated() {
            if let memory = PyTorchStoragePlan.memory(of: tensor) {
                groupOfMemory[memory, default: []].append(groups.count)
            }
            groups.append([try PyTorchStoragePlan.extent(of: tensor, index: index)])
        }
        for members in groupOfMemory.values where members.count > 1 {
            PyTorchStoragePlan.merge(members, in: &groups, tensors)
        }
        var found: [Placement?] = Array(repeating: nil, count: tensors.count)
        for group in groups where !group.isEmpty {
            let placed = try place(group, tensors)
            for (extent, placement) in zip(group, placed) { found[extent.index] = placement }
        }
        placements = found.compactMap { $0 }
    }

    private static func memory(of tensor: CheckpointTensor) -> Memory? {
        if let inMemory = tensor.inMemory { return .allocated(ObjectIdentifier(inMemory.storage)) }
        guard tensor.stored != nil, let key = tensor.storageKey else { return nil }
        return .stored(key)
    }

    private static func extent(of tensor: CheckpointTensor, index: Int) throws(ZooError) -> Extent {
        var first = tensor.storageOffset
        var last = first
        for (dimension, stride) in zip(tensor.shape.dimensions, tensor.storageStrides) where dimension > 0 {
            let reach = try Checked.product(dimension - 1, stride)
            if reach < 0 {
                first = try Checked.sum(first, reach)
            } else {
                last = try Checked.sum(last, reach)
            }
        }
        return Extent(index: index, first: first, last: last)
    }

    /// Joins, within the group of the first of them, those that overlap and have the same type.
    private static func merge(_ members: [Int], in groups: inout [[Extent]], _ tensors: [CheckpointTensor]) {
        let shareable = members.filter { place in
            groups[place].allSatisfy { extent in
                tensors[extent.index].shape.elementCount > 0
                    && tensors[extent.index].storageStrides.allSatisfy { $0 >= 0 }
            }
        }
        var byType: [[ElementType]: [Int]] = [:]
        for place in shareable {
            guard let extent = groups[place].first else { continue }
            let tensor = tensors[extent.index]
            byType[[tensor.elementType, tensor.conversion?.source ?? tensor.elementType], default: []].append(
                place)
        }
        for places in byType.values {
            let extents = places.flatMap { groups[$0] }.sorted { ($0.first, $0.index) < ($1.first, $1.index) }
            var runs: [(last: Int, extents: [Extent])] = []
            for extent in extents {
                if let run = runs.last, extent.first <= run.last {
                    runs[runs.count - 1] = (max(run.last, extent.last), run.extents + [extent])
                } else {
                    runs.append((extent.last, [extent]))
                }
            }
            for place in places { groups[place] = [] }
            for run in runs {
                // The group stands where its earliest tensor stands, so that keys come in order of first use.
                guard let home = run.extents.map(\.index).min() else { continue }
                groups[home] = run.extents
            }
        }
    }

    private mutating func place(
        _ group: [Extent], _ tensors: [CheckpointTensor]
    ) throws(ZooError) -> [Placement] {
        let number = storages.count
        let first = group.map(\.first).min() ?? 0
        let last = group.map(\.last).max() ?? 0
        if group.count > 1, let sample = group.first,
            let run = try tensors[sample.index].storageRun(first: first, count: last - first + 1)
        {
            storages.append(run)
            return group.map { extent in
                let tensor = tensors[extent.index]
                return Placement(
                    storage: number, offset: tensor.storageOffset - first, strides: tensor.storageStrides)
            }
        }
        return group.enumerated().map { position, extent in
            let tensor = tensors[extent.index]
            storages.append(tensor)
            return Placement(storage: number + position, offset: 0, strides: tensor.shape.contiguousStrides)
        }
    }
}

extension CheckpointTensor {
    /// Place of the first element in the memory or the storage that it lies in, in elements.
    fileprivate var storageOffset: Int { inMemory?.offset ?? stored?.offset ?? 0 }

    /// Distance between neighbours along each axis there.
    fileprivate var storageStrides: [Int] {
        inMemory?.strides ?? stored?.strides ?? shape.contiguousStrides
    }
}
