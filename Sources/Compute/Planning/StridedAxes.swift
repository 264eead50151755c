import COneDNNShim

/// Axes along which elements of two operands and a result are visited together, outermost first. Strides are in
/// floats; an operand that is repeated along an axis has stride 0 there, and so has a result that is summed over it.
struct StridedAxes: Hashable {
    struct Axis: Hashable {
        var extent: Int
        var first: Int
        var second: Int
        var result: Int
    }

    var axes: [Axis]

    /// Axes of memory in a layout, outermost first.
    static func lying(_ dimensions: [Int], _ layout: zoo_dnn_layout) -> [(extent: Int, stride: Int)] {
        var axes: [(extent: Int, stride: Int)] = []
        func add(_ extents: [(extent: Int, inside: Int)]) {
            for axis in extents { axes.append((axis.extent, axis.inside)) }
        }
        guard dimensions.count == 4, layout != .plain, layout != .any else {
            var stride = 1
            for extent in dimensions.reversed() {
                axes.append((extent, stride))
                stride *= extent
            }
            return axes.reversed()
        }
        let (batch, channels, height, width) = (dimensions[0], dimensions[1], dimensions[2], dimensions[3])
        guard let block = layout.block else {
            add([
                (batch, height * width * channels), (height, width * channels), (width, channels),
                (channels, 1),
            ])
            return axes
        }
        let blocks = (channels + block - 1) / block
        add([
            (batch, blocks * height * width * block), (blocks, height * width * block),
            (height, width * block), (width, block), (block, 1),
        ])
        return axes
    }

    /// Fewer axes that mean the same: those of extent 1 are left out, and neighbours that go on where the inner one
    /// ends are one.
    var merged: StridedAxes {
        var result: [Axis] = []
        for axis in axes where axis.extent != 1 {
            guard let outer = result.last, outer.first == axis.first * axis.extent,
                outer.second == axis.second * axis.extent, outer.result == axis.result * axis.extent
            else {
                result.append(axis)
                continue
            }
            result[result.count - 1] = Axis(
                extent: outer.extent * axis.extent, first: axis.first, second: axis.second,
                result: axis.result)
        }
        return StridedAxes(axes: result)
    }

    /// The axes as kernels want them: two at least, and for a sum those that are kept first, and last one whose
    /// elements are summed separately side by side.
    func arranged(isSum: Bool) -> (axes: [Axis], kept: Int) {
        let one = Axis(extent: 1, first: 0, second: 0, result: 0)
        var all = merged.axes
        guard isSum else {
            while all.count < 2 { all.insert(one, at: 0) }
            return (all, 0)
        }
        var lane = one
        if let last = all.last, last.result != 0 { lane = all.removeLast() }
        let kept = all.filter { $0.result != 0 }
        var summed = all.filter { $0.result == 0 }
        if summed.isEmpty { summed = [one] }
        return (kept + summed + [lane], kept.count)
    }
}

extension zoo_dnn_layout {
    /// Channels of a block, in a layout that has blocks.
    var block: Int? {
        switch self {
        case .blocked16: 16
        case .blocked8: 8
        case .plain, .any, .channels_last: nil
        }
    }
}
