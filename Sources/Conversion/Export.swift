public import ZooCheckpoints
import ZooLayerGraphs
public import ZooModels
public import ZooTensors

/// The way out: a model's tensors as another framework names and lays them out.
public enum Export {
    /// A PyTorch state dict: the keys of the PyTorch file that the model came from, else canonical paths.
    /// - Parameter canonical: canonical paths in any case, torchvision's names where it has the network.
    public static func pytorch(_ model: Model, canonical: Bool = false) -> [NamedTensor] {
        let ownKeys = !canonical && model.provenance.dialect == Framework.pytorch.rawValue
        return model.parameters.entries.map { path, tensor in
            NamedTensor(ownKeys ? model.keys[path] ?? path.description : path.description, tensor)
        }
    }

    /// The model in Keras' terms.
    /// - Throws: ``ZooError`` naming the layer that Keras can't express.
    public static func keras(_ model: Model) throws(ZooError) -> KerasModel { try KerasModel(model) }
}
