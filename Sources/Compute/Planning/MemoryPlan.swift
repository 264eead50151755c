import ZooTensors

/// A piece of memory that a plan needs, and the operations between which it must keep its contents.
struct PlannedBuffer {
    /// Where it lives.
    enum Home: Hashable {
        /// In the plan's arena, shared with buffers that live at other times.
        case arena
        /// A parameter's resident copy, or its gradient, in the store.
        case parameter(Int)
        case gradient(Int)
    }

    let home: Home
    let byteCount: Int
    var first: Int
    var last: Int
}

/// Where each of a plan's buffers lies in its arena, such that no two that live at the same time overlap.
struct MemoryPlan {
    /// Offset of each buffer in the arena; `nil` for those that live elsewhere.
    let offsets: [Int?]
    /// Size of the arena in bytes.
    let byteCount: Int

    /// Places the largest buffers first, each at the lowest offset that is free for its whole life.
    init(_ buffers: [PlannedBuffer]) throws(ZooError) {
        var offsets = [Int?](repeating: nil, count: buffers.count)
        var placed: [(buffer: Int, start: Int, end: Int)] = []
        var total = 0
        let order = buffers.indices.filter { buffers[$0].home == .arena }
            .sorted { (buffers[$1].byteCount, $0) < (buffers[$0].byteCount, $1) }
        for index in order {
            let buffer = buffers[index]
            let size = try Slab.rounded(max(buffer.byteCount, 1))
            var start = 0
            for other in placed.sorted(by: { $0.start < $1.start }) {
                let alive = buffers[other.buffer]
                guard alive.first <= buffer.last, buffer.first <= alive.last else { continue }
                if try Checked.sum(start, size) <= other.start { break }
                start = max(start, other.end)
            }
            let end = try Checked.sum(start, size)
            placed.append((index, start, end))
            offsets[index] = start
            total = max(total, end)
        }
        self.offsets = offsets
        self.byteCount = total
    }
}
