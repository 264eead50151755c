import ZooLayerGraphs
import ZooTensors

/// Puts a network together layer by layer and part by part, in the order in which papers describe it.
struct NetworkBuilder {
    /// Path of the layer that was added last, the next one's input.
    private(set) var last = LayerGraph.inputPath
    private var nodes: [Node] = []
    private var parts: [LayerGraph.Part] = []
    private var bodyCount: Int?

    /// Adds a layer after the last one, or after the ones named.
    @discardableResult
    mutating func add(_ path: String, _ layer: Layer, after inputs: [String]? = nil) -> String {
        nodes.append(Node(path, layer, inputs: inputs ?? [last]))
        last = path
        return path
    }

    /// Gives what is added meanwhile a name.
    mutating func part(_ name: String, _ build: (inout NetworkBuilder) -> Void) {
        let first = nodes.count
        build(&self)
        parts.append(LayerGraph.Part(name, nodes: nodes[first...].map(\.path)))
    }

    /// Adds the layers that tell classes apart; all before them is the body.
    mutating func classifier(head: String, _ build: (inout NetworkBuilder) -> Void) {
        parts.append(LayerGraph.Part("body", nodes: nodes.map(\.path)))
        bodyCount = nodes.count
        let first = nodes.count
        build(&self)
        parts.append(LayerGraph.Part("head", nodes: [head]))
        parts.append(LayerGraph.Part("classifier", nodes: nodes[first...].map(\.path)))
    }

    /// Adds the layers that make a picture of what the body gives; all before them is the body.
    mutating func decoder(_ build: (inout NetworkBuilder) -> Void) {
        parts.append(LayerGraph.Part("body", nodes: nodes.map(\.path)))
        let first = nodes.count
        build(&self)
        parts.append(LayerGraph.Part("decoder", nodes: nodes[first...].map(\.path)))
    }

    /// The network; headless, it ends with the body.
    /// - Throws: ``ZooError`` when pictures of this size are too small for it.
    func graph(
        _ architecture: String, input: InputShape, head: String?, isHeadless: Bool = false
    ) throws(ZooError) -> LayerGraph {
        let graph = try LayerGraph(
            architecture: architecture, input: input,
            nodes: isHeadless ? Array(nodes[..<(bodyCount ?? nodes.count)]) : nodes,
            head: isHeadless ? nil : head,
            parts: isHeadless ? parts.filter { $0.name != "head" && $0.name != "classifier" } : parts)
        do throws(ZooError) {
            _ = try graph.shapes(batch: 1)
        } catch {
            throw error.adding(remedy: "Pictures of \(input.height)×\(input.width) may be too small for it.")
        }
        return graph
    }
}
