import ZooLayerGraphs

/// How long a kernel takes, as far as its name tells. Only good for choosing between kernels of the same work:
/// the choice has to be a function of the network and the machine alone, so nothing is timed.
///
/// The factors are rough, from LeNet's convolutions at batch 64 on one thread of an AVX-512 machine with oneDNN
/// 2.6: 0.3 to 0.5 ms generated, 1.4 to 2.2 ms by gemm, 200 to 650 ms by the reference kernels.
enum KernelCosts {
    /// Time per multiply-add (or element) in that of a generated kernel.
    static func factor(of kernel: String) -> Double {
        if kernel.hasPrefix("ref") { return 500 }
        if kernel.contains("brg") { return 1 }
        if kernel.contains("gemm") { return 3 }
        if kernel.contains("jit") || kernel.isEmpty { return 1 }
        return 8
    }

    /// Time per multiply-add of a convolution's kernel, for results of so many rows and columns: Winograd's kernels give
    /// four by four or two by two of them at a time, and compute whole tiles at the edges.
    static func factor(of kernel: String, results: Extent) -> Double {
        guard kernel.contains("wino") else { return factor(of: kernel) }
        let (side, share) = kernel.contains("4x3") ? (4, 0.55) : (2, 0.75)
        let tiles = { (count: Int) in Double((count + side - 1) / side * side) / Double(max(count, 1)) }
        return share * tiles(results.height) * tiles(results.width)
    }

    /// What moving a tensor to another layout costs per element, in multiply-adds.
    static let reorder = 16.0
    /// What an element of a pooling window costs, in multiply-adds.
    static let pooling = 4.0
}
