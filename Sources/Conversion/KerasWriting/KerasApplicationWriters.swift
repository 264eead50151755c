import ZooLayerGraphs
import ZooTensors

/// What keras.applications says in other layers than the graph does.
extension KerasExport {
    /// What a global pooling that drops no axes gives: rows of features for a flatten, which is done then, and else
    /// maps of one element.
    mutating func reshaped(_ value: Value, _ node: Node) throws(ZooError) -> Value {
        if let reader = soleReader(of: node.path), case .flatten = reader.layer {
            absorbed.insert(reader.path)
            set(value, for: reader)
            return value
        }
        let shape: TensorShape = [1, value.shape[1], 1, 1]
        let name = name(of: node).replacing("_squeeze", with: "")
        return try add(
            "Reshape", node, ["target_shape": .array(kerasShape(shape).map { .integer($0) })], [value],
            shape: shape, name: "\(name)_reshape")
    }

    /// A map before the numbers that it is multiplied with.
    func factors(_ operands: [Value], of node: Node) -> [Value] {
        guard application?[node.path] != nil, operands.count == 2,
            operands[0].shape.elementCount < operands[1].shape.elementCount
        else { return operands }
        return operands.reversed()
    }
}
