import ZooLayerGraphs

/// Stride, padding and pooling of one convolution in a draft.
struct DraftStep: Sendable, Hashable {
    var stride = 1
    /// Zeros on each side, (k − 1)/2 of the kernel's extent, or none.
    var isPadded = false
    /// Rows and columns that a transposed convolution adds at the end.
    var outputPadding = 0
    /// Window and step of the pooling behind it.
    var pooling: DraftPooling?

    /// Rows or columns of the result; `nil` where the map is too small.
    func size(_ size: Int, kernel: Int, isTransposed: Bool) -> Int? {
        let padding = isPadded ? (kernel - 1) / 2 : 0
        var result: Int
        if isTransposed {
            result = (size - 1) * stride - 2 * padding + kernel + outputPadding
        } else {
            guard size + 2 * padding >= kernel else { return nil }
            result = (size + 2 * padding - kernel) / stride + 1
        }
        if let pooling {
            guard result >= pooling.window else { return nil }
            result = (result - pooling.window) / pooling.stride + 1
        }
        return result > 0 && result <= 4_096 ? result : nil
    }
}

struct DraftPooling: Sendable, Hashable {
    let window: Int
    let stride: Int
}

/// Combinations of strides, paddings and poolings with which a stack of convolutions leads from a picture to a map of
/// the right size, the usual ones first.
struct DraftGeometry {
    let layers: [DraftLayer]
    /// How many layers without tensors stand behind each, where the numbers in the names tell.
    let gaps: [Int?]

    /// A combination, and how unusual it is.
    struct Way: Sendable, Hashable {
        var steps: [DraftStep]
        var cost: Double
    }

    /// Sizes of pictures that people use, for one channel and for more.
    static func sizes(channels: Int) -> [Int] {
        channels == 1
            ? [28, 32, 64, 48, 96, 128, 16, 8, 224]
            : [32, 64, 224, 128, 96, 256, 28, 48, 150, 160, 180, 200, 299, 227]
    }

    /// Combinations with each convolution alike, or the first one apart.
    func ways(isStrided: Bool) -> [Way] {
        let count = layers.count
        var ways: [Way] = []
        let rules: [(cost: Double, step: (Int) -> DraftStep)] = [
            (0, { _ in DraftStep() }),
            (0, { _ in DraftStep(isPadded: true) }),
            (1, { DraftStep(isPadded: $0 == 0) }),
            (isStrided ? 0 : 0.8, { _ in DraftStep(stride: 2, isPadded: true) }),
            (2.5, { _ in DraftStep(stride: 2) }),
            (2, { DraftStep(stride: $0 == 0 ? 2 : 1, isPadded: true) }),
        ]
        for rule in rules {
            let steps = (0..<count).map(rule.step)
            let isReducing = steps.contains { $0.stride > 1 }
            for (mask, cost) in masks(count, isReducing: isReducing) {
                let poolings: [(DraftPooling, Double)] =
                    mask.contains(true)
                    ? [
                        (DraftPooling(window: 2, stride: 2), 0), (DraftPooling(window: 3, stride: 2), 1.5),
                        (DraftPooling(window: 3, stride: 3), 2),
                    ] : [(DraftPooling(window: 2, stride: 2), 0)]
                for (pooling, unusual) in poolings {
                    var way = Way(steps: steps, cost: rule.cost + cost + unusual)
                    for place in 0..<count where mask[place] { way.steps[place].pooling = pooling }
                    way.cost += misfit(way.steps)
                    ways.append(way)
                }
            }
        }
        return ways
    }

    /// Convolutions behind which there is a pooling.
    private func masks(_ count: Int, isReducing: Bool) -> [(mask: [Bool], cost: Double)] {
        let none = isReducing ? 0 : 2.5
        var result: [([Bool], Double)] = [([Bool](repeating: false, count: count), none)]
        if count == 0 { return result }
        let extra = isReducing ? 2.0 : 0
        result.append(([Bool](repeating: true, count: count), extra))
        if count >= 2 {
            result.append(((0..<count).map { $0 % 2 == 1 }, (count >= 4 ? 0.3 : 1.2) + extra))
            result.append(((0..<count).map { $0 < count - 1 }, 1 + extra))
        }
        if (2...6).contains(count) {
            for bits in 1..<(1 << count) {
                let mask = (0..<count).map { bits >> $0 & 1 == 1 }
                if !result.contains(where: { $0.0 == mask }) { result.append((mask, 1.8 + extra)) }
            }
        }
        return result
    }

    /// What numbered names say against a pooling: it and an activation have to find a place between two numbers.
    private func misfit(_ steps: [DraftStep]) -> Double {
        zip(steps, gaps).reduce(0) { sum, pair in
            guard let gap = pair.1 else { return sum }
            let needed = 1 + (pair.0.pooling == nil ? 0 : 1)
            return sum + (needed > gap ? 3 * Double(needed - gap) : 0.5 * Double(gap - needed))
        }
    }

    /// Height and width behind all layers.
    func size(of picture: Extent, _ steps: [DraftStep]) -> Extent? {
        var size = picture
        for (layer, step) in zip(layers, steps) {
            guard
                let height = step.size(
                    size.height, kernel: layer.kernel.height, isTransposed: layer.isTransposed),
                let width = step.size(
                    size.width, kernel: layer.kernel.width, isTransposed: layer.isTransposed)
            else { return nil }
            size = Extent(height, width)
        }
        return size
    }

    /// Most convolutions that are looked at one by one.
    private static let mostSingly = 12

    /// Ways of an encoder whose strides make it small: each convolution by itself strided, or taking all of the map.
    func encoders(from picture: Int) -> [(way: Way, size: Int)] {
        guard layers.count <= DraftGeometry.mostSingly else { return [] }
        var open: [(way: Way, size: Int)] = [(Way(steps: [], cost: 0), picture)]
        for layer in layers {
            let kernel = layer.kernel.height
            var next: [(way: Way, size: Int)] = []
            for (way, size) in open {
                let choices: [(DraftStep, Double)] = [
                    (DraftStep(stride: 2, isPadded: true), 0), (DraftStep(isPadded: true), 1.5),
                    (DraftStep(), kernel == size ? 0 : 2), (DraftStep(stride: 2), 2.5),
                    (DraftStep(isPadded: true, pooling: DraftPooling(window: 2, stride: 2)), 1),
                ]
                for (step, cost) in choices {
                    guard let result = step.size(size, kernel: kernel, isTransposed: false) else { continue }
                    next.append((Way(steps: way.steps + [step], cost: way.cost + cost), result))
                }
            }
            open = Array(next.sorted { $0.way.cost < $1.way.cost }.prefix(400))
        }
        return open
    }

    /// Ways of a decoder back to the picture's size.
    func decoders(from size: Int, to picture: Int) -> [Way] {
        guard layers.count <= DraftGeometry.mostSingly else { return [] }
        var open: [(way: Way, size: Int)] = [(Way(steps: [], cost: 0), size)]
        for layer in layers {
            let kernel = layer.kernel.height
            var next: [(way: Way, size: Int)] = []
            for (way, size) in open {
                var choices: [(DraftStep, Double)] = [
                    (DraftStep(stride: 2, isPadded: true), kernel % 2 == 0 ? 0 : 0.5),
                    (DraftStep(), size == 1 ? 0 : 2), (DraftStep(isPadded: true), 1.5),
                    (DraftStep(stride: 2), 1.5),
                ]
                if layer.isTransposed {
                    choices.append(
                        (DraftStep(stride: 2, isPadded: true, outputPadding: 1), kernel % 2 == 0 ? 2 : 0))
                    choices.append((DraftStep(stride: 2, outputPadding: 1), 2.5))
                } else {
                    choices = [(DraftStep(isPadded: true), 0), (DraftStep(), 1)]
                }
                for (step, cost) in choices {
                    guard let result = step.size(size, kernel: kernel, isTransposed: layer.isTransposed),
                        result <= picture || !layer.isTransposed
                    else { continue }
                    next.append((Way(steps: way.steps + [step], cost: way.cost + cost), result))
                }
            }
            open = Array(next.sorted { $0.way.cost < $1.way.cost }.prefix(1_000))
        }
        return open.filter { $0.size == picture }.map(\.way)
    }
}
