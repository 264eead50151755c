import Testing
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// What Keras itself computes with models of keras.applications, of KerasHub and of image-classifiers that are filled by
/// formula, in float64 (tools/goldens/keras/passes.py).
@Suite struct KerasApplicationParityTests {
    /// Each with the network that it is.
    private static let models = [
        ("VGG16-filled", "vgg16"), ("EfficientNetB0-filled", "efficientnet_b0"),
        ("keras-hub-18-filled", "resnet18"), ("image-classifiers-18-filled", "custom"),
    ]

    private func application(_ name: String) throws -> KerasApplication {
        try #require(KerasApplication.all[name] ?? KerasApplication.packages[name])
    }

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

    private func converted(_ application: KerasApplication) throws -> (model: Model, report: ConversionReport)
    {
        var options = Converter.Options()
        // KerasHub's networks take any size.
        options.inputSize = application.name.hasPrefix("keras-hub") ? 64 : nil
        return try Converter(options: options).convert(checkpoint(application))
    }

    @Test(arguments: models)
    func resultsAreThoseOfKeras(_ name: String, _ architecture: String) throws {
        let application = try application(name)
        let (model, report) = try converted(application)
        #expect(report.plan.architecture.name == architecture)
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

    /// Five layers, every gradient in both modes, and the running statistics that training leaves.
    @Test(arguments: models)
    func passesBackAreThoseOfKeras(_ name: String, _ architecture: String) throws {
        let application = try application(name)
        let (converted, report) = try converted(application)
        let model = try converted.droppingNothing()
        let entries = Dictionary(uniqueKeysWithValues: report.plan.entries.map { ($0.path, $0) })
        let executor = try Executors.plan.make(model)
        let shape = model.graph.input.shape(batch: 2)
        let input = try Tensor(
            (0..<shape.elementCount).map {
                Float(fillingFraction(entry: 1_000_000, element: $0) * 255)
            }, shape: shape)
        #expect(application.activations.count == 5)
        let kept = Set(
            report.plan.entries.filter { application.activations[$0.key] != nil }.map(\.path.node))
        let result = try executor.forward(input, mode: .inference, keeping: kept)
        for (key, wanted) in application.activations {
            let node = try #require(report.plan.entries.first { $0.key == key }).path.node
            var found = try #require(result.activations[node])
            // VGG's convolutions end with their function in Keras.
            if name.hasPrefix("VGG") {
                found = try Tensor(found.floats().map { max($0, 0) }, shape: found.shape)
            }
            let error = ParityRule.error(try Filling.sample(found, 64), wanted)
            #expect(error <= 1e-4, "\(key): \(error)")
        }
        for (mode, pass) in application.passes {
            let isTraining = mode == "training"
            try check(
                executor, pass, input: input,
                mode: isTraining ? .training(TrainingMoment(seed: 1)) : .inference,
                entries: entries, name: mode)
        }
        #expect(application.passes.count == (name.hasPrefix("VGG") ? 1 : 2))
    }

    private func check(
        _ executor: any Executor, _ pass: KerasApplication.Pass, input: Tensor, mode: ExecutionMode,
        entries: [ParameterPath: ConversionPlan.Entry], name: String
    ) throws {
        let output = try executor.forward(input, mode: mode, keeping: []).output
        let error = ParityRule.error(try Filling.sample(output, 64), pass.results)
        #expect(error <= 1e-4, "\(name): \(error)")
        let cotangent = try Tensor(
            (0..<output.elementCount).map { Float(fillingFraction(entry: 2_000_000, element: $0) - 0.5) },
            shape: output.shape)
        let found = try executor.gradients(
            input: input, outputGradient: cotangent, mode: mode, request: GradientRequest())
        #expect(found.parameters.count == pass.gradients.count)
        let whole = pass.gradients.values.reduce(0) { $0 + $1.norm * $1.norm }.squareRoot()
        for (path, gradient) in found.parameters.entries {
            let entry = try #require(entries[path])
            let wanted = try #require(pass.gradients[entry.key], "\(name): \(entry.key)")
            let theirs = try entry.transform.fromCanonical(gradient)
            let norm = try theirs.doubles().reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(
                abs(norm - wanted.norm) <= 1e-3 * wanted.norm + 1e-5 * whole, "\(name): norm of \(entry.key)")
            let distance = zip(try Filling.sample(theirs, 16), wanted.sample)
                .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            let share = (Double(wanted.sample.count) / Double(theirs.elementCount)).squareRoot()
            let size = wanted.sample.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(
                distance <= 1e-3 * max(size, wanted.norm * share) + 1e-5 * whole * share.squareRoot(),
                "\(name): \(entry.key) is off by \(distance)")
        }
        #expect(found.statistics.count == pass.statistics.count)
        for (path, statistic) in found.statistics.entries {
            let key = try #require(entries[path]).key
            let wanted = try #require(pass.statistics[key], "\(key)")
            let error = ParityRule.error(try Filling.sample(statistic, 16), wanted)
            #expect(error <= 1e-4, "\(name): \(key): \(error)")
        }
    }
}
