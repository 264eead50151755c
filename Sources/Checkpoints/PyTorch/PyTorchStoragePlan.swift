internal import ZooTensors

/// Which storages a file gets, and where in them each tensor lies.
///
/// Tensors that share memory share a storage in the file too, as PyTorch's tied weights do. A tensor that shares
/// with none gets a storage of its own in row-major order, so that a small part of a large memory doesn't drag
/// all of it along.
struct PyTorchStoragePlan {
    struct Placement {
        let storage: Int
        let offset: Int
        let strides: [Int]
    }

    /// What to write for each storage: a flat run of elements.
    private(set) var storages: [Tensor] = []
    /// For each tensor, in the given order.
    private(set) var placements: [Placement] = []

    private struct Extent {
        let index: Int
        let first: Int
        let last: Int
    }

    init(_ tensors: [Tensor]) throws(ZooError) {
        var groups: [[Extent]] = []
        var groupOfMemory: [ObjectIdentifier: [Int]] = [:]
        for (index, tensor) in tensors.enumerated() {
            let extent = PyTorchStoragePlan.extent(of: tensor, index: index)
            let memory = ObjectIdentifier(tensor.storage)
            groupOfMemory[memory, default: []].append(groups.count)
            groups.append([extent])
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

    private static func extent(of tensor: Tensor, index: Int) -> Extent {
        var first = tensor.offset
        var last = tensor.offset
        for (dimension, stride) in zip(tensor.shape.dimensions, tensor.strides) where dimension > 0 {
            let reach = (dimension - 1) * stride
            if reach < 0 { first += reach } else { last += reach }
        }
        return Extent(index: index, first: first, last: last)
    }

    /// Joins, within the group of the first of them, those that overlap and have the same type.
    private static func merge(_ members: [Int], in groups: inout [[Extent]], _ tensors: [Tensor]) {
        let shareable = members.filter { place in
            groups[place].allSatisfy { extent in
                tensors[extent.index].elementCount > 0 && tensors[extent.index].strides.allSatisfy { $0 >= 0 }
            }
        }
        var byType: [ElementType: [Int]] = [:]
        for place in shareable {
            guard let extent = groups[place].first else { continue }
            byType[tensors[extent.index].elementType, default: []].append(place)
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

    private mutating func place(_ group: [Extent], _ tensors: [Tensor]) throws(ZooError) -> [Placement] {
        let number = storages.count
        if group.count == 1, let extent = group.first {
            let tensor = try tensors[extent.index].contiguous()
            storages.append(try tensor.reshaped([tensor.elementCount]))
            return [Placement(storage: number, offset: 0, strides: tensor.shape.contiguousStrides)]
        }
        let first = group.map(\.first).min() ?? 0
        let last = group.map(\.last).max() ?? 0
        guard let any = group.first else { return [] }
        let sample = tensors[any.index]
        storages.append(
            try Tensor(
                storage: sample.storage, elementType: sample.elementType, shape: [last - first + 1],
                offset: first))
        return group.map { extent in
            let tensor = tensors[extent.index]
            return Placement(storage: number, offset: tensor.offset - first, strides: tensor.strides)
        }
    }
}
