public import ZooTensors

extension LayerGraph {
    /// The same network with nothing dropped while training: what two programs that draw their random numbers in
    /// their own ways have to agree on before their numbers can be compared.
    public func droppingNothing() throws(ZooError) -> LayerGraph {
        let changed = nodes.map { node in
            let layer: Layer =
                switch node.layer {
                case .dropout: .dropout(probability: 0)
                case .spatialDropout: .spatialDropout(probability: 0)
                case .stochasticDepth: .stochasticDepth(probability: 0)
                default: node.layer
                }
            return Node(node.path, layer, inputs: node.inputs, sharing: node.sharing)
        }
        return try LayerGraph(
            architecture: architecture, input: input, nodes: changed, output: output, head: head, parts: parts
        )
    }
}
