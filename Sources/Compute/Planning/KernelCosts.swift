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
        // Four by four results at once pay; two by two cost as much as they save.
        if kernel.contains("wino_4x3") { return 0.6 }
        if kernel.contains("wino") { return 2 }
        if kernel.contains("gemm") { return 3 }
        if kernel.contains("jit") || kernel.isEmpty { return 1 }
        return 8
    }

    /// What moving a tensor to another layout costs per element, in multiply-adds.
    static let reorder = 16.0
    /// What an element of a pooling window costs, in multiply-adds.
    static let pooling = 4.0
}
