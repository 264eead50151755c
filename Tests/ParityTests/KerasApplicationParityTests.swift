import Testing
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// What Keras itself computes with models of keras.applications that are filled by formula, in float64
/// (tools/goldens/keras/make_applications.py).
@Suite struct KerasApplicationParityTests {
    private func checkpoint(_ application: KerasApplication) throws -> Checkpoint {
        var tensors: [CheckpointTensor] = []
        var layers: [CheckpointLayer] = []
        var entry = 0
        for layer in application.layers {
            var keys: [String] = []
            for (place, variable) in layer.variables.enumerated() {
                let key = "\(layer.store)/vars/\(place)"
                keys.append(key)
                tensors.append(
                    CheckpointTensor(name: key, tensor: try filled(variable, of: layer, entry: entry)))
                entry += 1
            }
            layers.append(CheckpointLayer(name: layer.store, tensorNames: keys))
        }
        return try Checkpoint(
            format: .kerasArchive, path: "model.keras", tensors: tensors, layers: layers,
            extras: ["model_config": application.config, "keras_version": "3.15.1"])
    }

    private func filled(
        _ variable: (name: String, shape: TensorShape), of layer: KerasApplication.Layer, entry: Int
    ) throws -> Tensor {
        let shape = variable.shape
        if variable.name == "count" { return try Tensor(zeros: shape, elementType: .i64) }
        let extents = shape.dimensions.prefix(
            layer.className == "DepthwiseConv2D" ? 2 : max(shape.rank - 1, 0))
        let bound = (6 / Double(extents.reduce(1, *))).squareRoot()
        let isScale = ["gamma", "moving_variance", "variance"].contains(variable.name)
        let values = (0..<shape.elementCount).map { element -> Float in
            let u = fillingFraction(entry: entry, element: element)
            if shape.rank >= 2 { return Float((u - 0.5) * 2 * bound) }
            return Float(isScale ? 0.5 + u : (u - 0.5) * 0.2)
        }
        return try Tensor(values, shape: shape)
    }

    @Test(arguments: ["VGG16-filled", "EfficientNetB0-filled"])
    func resultsAreThoseOfKeras(_ name: String) throws {
        let application = try #require(KerasApplication.all[name])
        let (model, report) = try Converter().convert(checkpoint(application))
        #expect(report.plan.architecture.name != "custom")
        let input = model.graph.input
        let shape = input.shape(batch: 2)
        let pictures = (0..<shape.elementCount).map {
            Float(fillingFraction(entry: 1_000_000, element: $0) * 255)
        }
        let executor = try Executors.reference.make(model)
        let result = try executor.forward(Tensor(pictures, shape: shape)).output
        let values = try result.converted(to: .f64).scalars(Double.self)
        #expect(values.count == application.results.count && !values.isEmpty)
        let largest = application.results.map(abs).max() ?? 0
        let error = zip(values, application.results).map { abs($0 - $1) }.max() ?? .infinity
        print("\(name): largest error \(error / largest)")
        #expect(error <= 1e-5 * largest)
    }
}
