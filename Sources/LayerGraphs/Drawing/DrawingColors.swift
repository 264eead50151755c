/// Colours of drawings on white and on black ground; text stands on the fill.
enum DrawingColors {
    /// Colours of a box.
    struct Pair {
        let fill: String
        let line: String
    }

    /// On white ground, with dark text.
    static func light(_ category: GraphSketch.Category) -> Pair {
        switch category {
        case .input: Pair(fill: "#eef1f4", line: "#8c959f")
        case .convolution: Pair(fill: "#dbeafe", line: "#3b82f6")
        case .linear: Pair(fill: "#ede4fd", line: "#8b5cf6")
        case .normalization: Pair(fill: "#d7f3ee", line: "#14a08f")
        case .activation: Pair(fill: "#fdf0cc", line: "#d19a0a")
        case .pooling: Pair(fill: "#dcf5dd", line: "#3ba55d")
        case .combination: Pair(fill: "#fde2e4", line: "#e05a6b")
        case .regularization: Pair(fill: "#f1eee9", line: "#a8a29e")
        case .shape: Pair(fill: "#e7eaee", line: "#8c959f")
        case .module: Pair(fill: "#f6f8fa", line: "#57606a")
        }
    }

    /// On black ground, with light text.
    static func dark(_ category: GraphSketch.Category) -> Pair {
        switch category {
        case .input: Pair(fill: "#22272e", line: "#768390")
        case .convolution: Pair(fill: "#14315c", line: "#4f8ff7")
        case .linear: Pair(fill: "#33215c", line: "#9d78f5")
        case .normalization: Pair(fill: "#0f3b37", line: "#2bb8a6")
        case .activation: Pair(fill: "#46360b", line: "#d9a520")
        case .pooling: Pair(fill: "#163a20", line: "#4bb86d")
        case .combination: Pair(fill: "#4d1d25", line: "#ec6d7d")
        case .regularization: Pair(fill: "#2d2a27", line: "#8f8882")
        case .shape: Pair(fill: "#2a2f36", line: "#768390")
        case .module: Pair(fill: "#1c2128", line: "#909dab")
        }
    }
}
