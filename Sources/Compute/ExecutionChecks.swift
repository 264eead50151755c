import ZooLayerGraphs
import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What is checked before anything is allocated: sizes may come from a stranger's file.
enum ExecutionChecks {
    /// Most elements that one layer's result may have: kernels count them in 32 bits.
    static let maximumElements = Int(Int32.max)

    /// Channels, rows and columns of an input that the graph can take.
    static func inputShape(of input: Tensor, for graph: LayerGraph) throws(ZooError) -> InputShape {
        let channels = graph.input.channels
        guard input.shape.rank == 4 else {
            throw ZooError(
                .mismatch, "the input has the wrong number of dimensions", tensor: LayerGraph.inputPath,
                expected: "[N, \(channels), H, W]", found: input.shape.description)
        }
        guard input.shape[1] == channels else {
            throw ZooError(
                .mismatch, "the input has the wrong number of channels", tensor: LayerGraph.inputPath,
                expected: "\(channels)", found: "\(input.shape[1])")
        }
        guard input.shape.elementCount > 0 else {
            throw ZooError(
                .invalidArgument, "the input is empty", tensor: LayerGraph.inputPath,
                found: input.shape.description)
        }
        guard input.elementType.isFloatingPoint else {
            throw ZooError(
                .mismatch, "the input's elements are not floating-point numbers",
                tensor: LayerGraph.inputPath, found: input.elementType.rawValue)
        }
        return InputShape(channels: channels, height: input.shape[2], width: input.shape[3])
    }

    /// The shapes of all results, once it is certain that they can be computed and held in memory.
    /// - Parameter bytesPerElement: what one element of every result takes.
    static func shapes(
        of graph: LayerGraph, batch: Int, input: InputShape, bytesPerElement: Int
    ) throws(ZooError) -> [String: TensorShape] {
        guard batch > 0, input.channels > 0, input.height > 0, input.width > 0 else {
            throw ZooError(.invalidArgument, "a batch, or a picture in it, is empty")
        }
        guard max(batch, input.height, input.width) <= maximumElements else {
            throw ZooError(.limitExceeded, "the input is absurdly large")
        }
        let shapes = try graph.shapes(batch: batch, input: input)
        var total = 0
        for (path, shape) in shapes {
            guard shape.elementCount <= maximumElements else {
                throw ZooError(
                    .limitExceeded, "a layer's result has too many elements", tensor: path,
                    expected: "at most \(maximumElements)", found: shape.description)
            }
            total = try Checked.sum(total, Checked.product(shape.elementCount, bytesPerElement))
        }
        let memory = physicalMemory()
        guard total <= memory else {
            throw ZooError(
                .limitExceeded, "the layers' results don't fit in memory",
                expected: "at most \(memory) bytes", found: "\(total)",
                remedy: "Use a smaller batch or smaller pictures.")
        }
        for node in graph.nodes { try check(node) }
        return shapes
    }

    /// Refuses numbers that shape inference lets pass and that no result is defined for.
    private static func check(_ node: Node) throws(ZooError) {
        guard case .pooling(let layer) = node.layer else { return }
        let padding = layer.padding
        guard max(padding.top, padding.bottom) < layer.window.height,
            max(padding.left, padding.right) < layer.window.width
        else {
            throw ZooError(
                .corrupt, "a pooling layer's padding is as large as its window, which could see nothing",
                tensor: node.path)
        }
    }

    /// Refuses paths that the graph doesn't have.
    static func known(_ paths: Set<String>, in graph: LayerGraph) throws(ZooError) {
        for path in paths.sorted() where path != LayerGraph.inputPath && graph[path] == nil {
            throw graph.unknownPath(path)
        }
    }

    /// Bytes of memory that the machine has.
    static func physicalMemory() -> Int {
        let pages = Int(sysconf(Int32(_SC_PHYS_PAGES)))
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let (bytes, overflow) = pages.multipliedReportingOverflow(by: page)
        return overflow || bytes <= 0 ? 1 << 34 : bytes
    }
}
