/// Names that differ from `name` by few edits, nearest first, at most three: what an error suggests.
public func nearest(to name: String, among candidates: [String]) -> [String] {
    let limit = max(2, name.count / 3)
    return
        candidates
        .filter { abs($0.count - name.count) <= limit }
        .map { (candidate: $0, distance: editDistance(name, $0)) }
        .filter { $0.distance <= limit }
        .sorted { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }
        .prefix(3).map(\.candidate)
}

/// Levenshtein's distance.
private func editDistance(_ a: String, _ b: String) -> Int {
    let left = Array(a.utf8)
    let right = Array(b.utf8)
    var row = Array(0...right.count)
    for (i, x) in left.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in right.enumerated() {
            let above = row[j + 1]
            row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
            diagonal = above
        }
    }
    return row[right.count]
}
