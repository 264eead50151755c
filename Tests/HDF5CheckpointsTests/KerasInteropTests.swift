import Testing
import ZooCheckpoints
import ZooHDF5Checkpoints
import ZooTensors
import ZooTestSupport

/// Keras itself loads what the writers wrote; runs where `tools/interop` has installed it.
@Suite struct KerasInteropTests {
    @Test(.enabled(if: Python.isInstalled)) func kerasLoadsWhatWeWrite() throws {
        let folder = try TemporaryFolder()
        let layers = try SmallNetwork.layers()
        try KerasHDF5Writer.write(
            layers: layers, modelConfig: SmallNetwork.config, to: folder.file("model.h5"))
        try KerasHDF5Writer.write(layers: layers, modelConfig: nil, to: folder.file("weights.h5"))
        try KerasWeightsWriter.write(layers: layers, to: folder.file("x.weights.h5"))
        try writeEveryType(to: folder.file("all.h5"))
        try writeLongNames(to: folder.file("long.h5"))
        let script = TestFiles.path("Tests/HDF5CheckpointsTests/Fixtures/load_with_keras.py")
        let text = String(decoding: try TestFiles.read(script), as: UTF8.self)
        let (output, status) = try Python.run(text, [folder.path])
        #expect(status == 0, "\(output)")
        for step in ["load_model\n", "h5py\n", "long names\n"] { #expect(output.contains(step)) }

        // And back: what Keras makes of it.
        for name in ["again.h5", "again.weights.h5"] {
            let again = try KerasHDF5Reader.read(path: folder.file(name), isolation: Helper.isolation)
            let wanted = name == "again.h5" ? layers : [layers[1], layers[0], layers[4], layers[5]]
            let tensors = wanted.flatMap(\.weights)
            #expect(again.tensors.count == tensors.count)
            for (found, weight) in zip(again.tensors, tensors) {
                #expect(try found.load().bytes() == weight.tensor.bytes(), "\(found.name)")
            }
        }
    }

    private func writeEveryType(to path: String) throws {
        let known = ElementType.allCases.filter { !$0.isComplex && ($0.byteCount > 1 || !$0.isFloatingPoint) }
        var weights = try known.map { type in
            NamedTensor(type.rawValue, try Tensor(zeros: [2, 3], elementType: type))
        }
        weights.append(NamedTensor("scalar", try Tensor([Float(7)], shape: [])))
        weights.append(NamedTensor("empty", try Tensor([Float](), shape: [3, 0])))
        let layer = KerasLayerWeights(name: "all", className: "Thing", weights: weights)
        try KerasHDF5Writer.write(layers: [layer], modelConfig: nil, to: path)
    }

    private func writeLongNames(to path: String) throws {
        let layers = try (0..<400).map { index in
            KerasLayerWeights(
                name: String(repeating: "l", count: 200) + "\(index)", className: "Dense",
                weights: [
                    NamedTensor("kernel", try Tensor([Float(index)], shape: [1, 1])),
                    NamedTensor("bias", try Tensor([-Float(index)], shape: [1])),
                ])
        }
        try KerasHDF5Writer.write(layers: layers, modelConfig: nil, to: path)
    }
}
