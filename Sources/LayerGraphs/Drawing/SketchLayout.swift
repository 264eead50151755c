/// Where everything of a drawing stands. Boxes that follow each other alone form stacks; stacks stand in rows by the
/// longest way to them. The longest chain of stacks is the first lane; chains beside it get lanes to its right, and
/// arrows that pass over rows run to the right of whatever stands in those rows.
struct SketchLayout {
    /// A box with the strips below it.
    struct Stack {
        /// Boxes of the sketch, top to bottom.
        var boxes: [Int]
        var row = 0
        var lane = 0
        var top = 0
        var height: Int { SketchLayout.headHeight + (boxes.count - 1) * SketchLayout.stripHeight }
        var bottom: Int { top + height }
    }

    /// An arrow between stacks; its corners, first to last.
    struct Arrow {
        let from: Int
        let to: Int
        /// Where its long vertical part runs; `nil` for a straight one.
        var x: Int?
        var corners: [(x: Int, y: Int)] = []
    }

    static let headHeight = 40
    static let stripHeight = 19
    private static let laneGap = 56
    private static let trackGap = 11
    private static let portGap = 13

    private(set) var stacks: [Stack] = []
    private(set) var arrows: [Arrow] = []
    /// Width of every box.
    let boxWidth: Int
    /// Left side of the first lane.
    let left: Int
    /// Right side of everything.
    private(set) var right = 0
    /// Where everything ends.
    private(set) var bottom = 0
    private var sources: [[Int]] = []
    private var readers: [[Int]] = []
    /// For each lane, the rows in which a stack stands.
    private var occupied: [Set<Int>] = []

    /// Lays a sketch out.
    init(_ sketch: GraphSketch, boxWidth: Int, left: Int, top: Int) {
        self.boxWidth = boxWidth
        self.left = left
        pile(sketch)
        placeRows()
        let reserved = placeLanes()
        for (index, list) in sources.enumerated() {
            for source in list { arrows.append(Arrow(from: source, to: index)) }
        }
        placeTracks(reserved)
        route(top: top)
    }

    /// Left side of a stack.
    func left(of stack: Int) -> Int { left + stacks[stack].lane * (boxWidth + SketchLayout.laneGap) }

    private func center(of stack: Int) -> Int { left(of: stack) + boxWidth / 2 }

    // MARK: Rows and lanes

    private mutating func pile(_ sketch: GraphSketch) {
        var stackOf = [Int](repeating: 0, count: sketch.boxes.count)
        for (index, box) in sketch.boxes.enumerated() {
            if box.category.isStrip, box.sources.count == 1, let source = box.sources.first, source > 0,
                sketch.boxes[source].readers.count == 1, sketch.boxes[source].category != .module
            {
                stackOf[index] = stackOf[source]
                stacks[stackOf[source]].boxes.append(index)
            } else {
                stackOf[index] = stacks.count
                stacks.append(Stack(boxes: [index]))
            }
        }
        sources = stacks.enumerated().map { index, stack in
            Set(stack.boxes.flatMap { sketch.boxes[$0].sources.map { stackOf[$0] } }).filter { $0 != index }
                .sorted()
        }
        readers = [[Int]](repeating: [], count: stacks.count)
        for (index, list) in sources.enumerated() { for source in list { readers[source].append(index) } }
    }

    private mutating func placeRows() {
        // Boxes stand behind those that they read, and so do stacks.
        for index in stacks.indices {
            stacks[index].row = (sources[index].map { stacks[$0].row }.max() ?? -1) + 1
        }
    }

    /// - Returns: for each lane, the rows that chains have for themselves.
    private mutating func placeLanes() -> [[ClosedRange<Int>]] {
        var ahead = [Int](repeating: 0, count: stacks.count)
        for index in stacks.indices.reversed() {
            ahead[index] = (readers[index].map { ahead[$0] }.max() ?? -1) + 1
        }
        var isPlaced = [Bool](repeating: false, count: stacks.count)
        var lanes: [[ClosedRange<Int>]] = []
        for start in stacks.indices where !isPlaced[start] {
            var chain = [start]
            isPlaced[start] = true
            while let last = chain.last,
                let next = readers[last].filter({ !isPlaced[$0] }).max(by: {
                    (ahead[$0], $1) < (ahead[$1], $0)
                })
            {
                isPlaced[next] = true
                chain.append(next)
            }
            let (first, last) = (chain[0], chain[chain.count - 1])
            let before = sources[first].map { stacks[$0].row }.max() ?? stacks[first].row - 1
            let behind = readers[last].map { stacks[$0].row }.min() ?? stacks[last].row + 1
            let rows =
                min(before + 1, stacks[first].row)...max(behind - 1, stacks[last].row)
            let free = lanes.firstIndex { !$0.contains { $0.overlaps(rows) } }
            let lane = free ?? lanes.count
            if free == nil { lanes.append([]) }
            lanes[lane].append(rows)
            if free == nil { occupied.append([]) }
            for stack in chain {
                stacks[stack].lane = lane
                occupied[lane].insert(stacks[stack].row)
            }
        }
        return lanes
    }

    /// Finds for every arrow that isn't straight where its vertical part runs.
    private mutating func placeTracks(_ lanes: [[ClosedRange<Int>]]) {
        var taken: [(x: Int, rows: ClosedRange<Int>)] = []
        let order = arrows.indices.sorted { span($0) == span($1) ? $0 < $1 : span($0) < span($1) }
        for index in order {
            let (from, to) = (arrows[index].from, arrows[index].to)
            if isFree(from, to, lane: stacks[from].lane) || isFree(from, to, lane: stacks[to].lane) {
                // It leaves in its own lane, or arrives in the other one.
                if stacks[from].lane == stacks[to].lane { continue }
                arrows[index].x = center(of: isFree(from, to, lane: stacks[to].lane) ? to : from)
                continue
            }
            let rows = (stacks[from].row + 1)...max(stacks[from].row + 1, stacks[to].row - 1)
            let lane = lanes.lastIndex { $0.contains { $0.overlaps(rows) } } ?? 0
            var x = left + lane * (boxWidth + SketchLayout.laneGap) + boxWidth + 18
            while taken.contains(where: { abs($0.x - x) < SketchLayout.trackGap && $0.rows.overlaps(rows) }) {
                x += SketchLayout.trackGap
            }
            taken.append((x, rows))
            arrows[index].x = x
        }
        right = stacks.indices.map { left(of: $0) + boxWidth }.max() ?? left
        right = max(right, arrows.compactMap(\.x).max() ?? 0)
    }

    private func span(_ arrow: Int) -> Int { stacks[arrows[arrow].to].row - stacks[arrows[arrow].from].row }

    /// Whether nothing stands in a lane between two rows.
    private func isFree(_ from: Int, _ to: Int, lane: Int) -> Bool {
        !((stacks[from].row + 1)..<stacks[to].row).contains { occupied[lane].contains($0) }
    }

    // MARK: Places

    private mutating func route(top: Int) {
        let rowCount = (stacks.map(\.row).max() ?? 0) + 1
        // Arrows that turn below a row, and above one: those that run farther to the right turn first, and last.
        var leaving = [[Int]](repeating: [], count: rowCount)
        var arriving = [[Int]](repeating: [], count: rowCount)
        for (index, arrow) in arrows.enumerated() {
            guard let x = arrow.x else { continue }
            if x != center(of: arrow.from) { leaving[stacks[arrow.from].row].append(index) }
            if x != center(of: arrow.to) { arriving[stacks[arrow.to].row].append(index) }
        }
        let farthestFirst = { [arrows] (a: Int, b: Int) in (arrows[a].x ?? 0, b) > (arrows[b].x ?? 0, a) }
        for row in 0..<rowCount {
            leaving[row].sort(by: farthestFirst)
            arriving[row].sort(by: farthestFirst)
        }
        var heights = [Int](repeating: 0, count: rowCount)
        for stack in stacks { heights[stack.row] = max(heights[stack.row], stack.height) }
        var tops = [top]
        var gaps: [Int] = []
        for row in 0..<rowCount {
            let turns = leaving[row].count + (row + 1 < rowCount ? arriving[row + 1].count : 0)
            gaps.append(turns == 0 ? 22 : 26 + 6 * turns)
            tops.append(tops[row] + heights[row] + gaps[row])
        }
        for index in stacks.indices { stacks[index].top = tops[stacks[index].row] }
        bottom = stacks.map(\.bottom).max() ?? top
        for index in arrows.indices {
            arrows[index].corners = corners(
                of: index, leaving: leaving, arriving: arriving, tops: tops, gaps: gaps)
        }
    }

    private func corners(
        of index: Int, leaving: [[Int]], arriving: [[Int]], tops: [Int], gaps: [Int]
    ) -> [(x: Int, y: Int)] {
        let arrow = arrows[index]
        let (from, to) = (stacks[arrow.from], stacks[arrow.to])
        guard let x = arrow.x else {
            return [(center(of: arrow.from), from.bottom), (center(of: arrow.to), to.top)]
        }
        var corners: [(x: Int, y: Int)] = []
        if let place = leaving[from.row].firstIndex(of: index) {
            let mine = leaving[from.row].filter { arrows[$0].from == arrow.from }
            let port = port(mine.firstIndex(of: index) ?? 0, of: arrow.from)
            let y = tops[from.row + 1] - gaps[from.row] + 9 + 6 * place
            corners += [(port, from.bottom), (port, y), (x, y)]
        } else {
            corners.append((x, from.bottom))
        }
        if let place = arriving[to.row].firstIndex(of: index) {
            let mine = arriving[to.row].filter { arrows[$0].to == arrow.to }
            let port = port(mine.firstIndex(of: index) ?? 0, of: arrow.to)
            let y = to.top - 12 - 6 * place
            corners += [(x, y), (port, y), (port, to.top)]
        } else {
            corners.append((x, to.top))
        }
        return corners
    }

    /// Where an arrow meets a box that turns aside: the farthest one at the right end.
    private func port(_ place: Int, of stack: Int) -> Int {
        let room = boxWidth / 2 - 30
        return left(of: stack) + boxWidth - 16 - (place * SketchLayout.portGap) % max(room, 1)
    }
}
