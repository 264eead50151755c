import Testing
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooLayerGraphs
import ZooTensors

/// The shipped PyTorch model against PyTorch, forward, backward and through twenty steps.
@Suite(.serialized) struct PyTorchParityTests {
    @Test(arguments: Executors.allCases) func logitsAndLayers(kind: Executors) throws {
        let golden = try Goldens.file("lenet-mnist-pytorch")
        let (model, report) = try Goldens.pytorchModel()
        #expect(report.plan.architecture.name == "lenet")
        #expect(report.elementsAssigned == 61_706)
        let executor = try kind.make(model)
        let layers = Set(model.graph.nodes.map(\.path))
        let result = try executor.forward(golden.tensor("input"), mode: .inference, keeping: layers)
        try ParityRule.expect(
            "logits", result.output, equals: golden.tensor("logits64"), single: golden.tensor("logits32"),
            within: 1e-5)
        for path in layers {
            let activation = try #require(result.activations[path]).sliced(axis: 0, 0..<2)
            try ParityRule.expect(
                path, activation, equals: golden.tensor("activation64/\(path)"),
                single: golden.tensor("activation32/\(path)"), within: 1e-5)
        }
    }

    @Test(arguments: Executors.allCases) func gradients(kind: Executors) throws {
        let golden = try Goldens.file("lenet-mnist-pytorch")
        let (model, _) = try Goldens.pytorchModel()
        let executor = try kind.make(model)
        let input = try golden.tensor("input")
        let labels = try golden.tensor("gradient/labels").scalars(Int64.self)
        let (loss, outputGradient) = try Goldens.crossEntropy(
            logits: executor.forward(input).output, labels: labels)
        #expect(abs(loss - (try golden.tensor("loss64").doubles()[0])) < 1e-4 * loss)
        let result = try executor.gradients(
            input: input, outputGradient: outputGradient, mode: .inference,
            request: GradientRequest(input: true))
        var wanted = try golden.tensors(under: "gradient64/")
        let inputGradient = try golden.tensor("gradient64/input")
        wanted["input"] = nil
        try ParityRule.expectGradients(
            result.parameters.entries.map { ($0.path.description, $0.tensor) }, equal: wanted, within: 1e-4)
        try ParityRule.expect("input", #require(result.input), equals: inputGradient, within: 1e-4)
    }

    /// The three forms of LeNet, filled by formula.
    @Test(
        arguments: [
            ("tutorial", "lenet", ["conv1", "conv2", "fc1", "fc2", "fc3"]),
            ("d2l", "lenet-d2l", ["net.0", "net.3", "net.7", "net.9", "net.11"]),
            (
                "classic", "lenet-classic",
                [
                    "feature_extractor.0", "feature_extractor.3", "feature_extractor.6", "classifier.0",
                    "classifier.2",
                ]
            ),
        ],
        Executors.allCases)
    func variants(
        variant: (prefix: String, architecture: String, layers: [String]), kind: Executors
    ) throws {
        let (prefix, architecture, layers) = variant
        let golden = try Goldens.file("lenet-variants")
        let entries = try layers.flatMap { layer in
            try ["weight", "bias"].map { role in
                (
                    key: "\(layer).\(role)",
                    shape: try golden.tensor("\(prefix)/gradient64/\(layer).\(role)").shape.dimensions
                )
            }
        }
        let state = try Filling.stateDict(entries)
        // What is filled here is what PyTorch had.
        for (key, wanted) in try golden.tensors(under: "\(prefix)/parameters/") {
            #expect(try state.tensor(key).floats() == wanted.floats(), "\(key)")
        }
        let (model, report) = try Goldens.convert(state)
        #expect(report.plan.architecture.name == architecture)
        #expect(!report.plan.assumptions.isEmpty)
        let executor = try kind.make(model)
        let input = try golden.tensor("\(prefix)/input")
        let paths = Set(model.graph.nodes.map(\.path))
        let result = try executor.forward(input, mode: .inference, keeping: paths)
        try ParityRule.expect(
            "logits", result.output, equals: golden.tensor("\(prefix)/logits64"),
            single: golden.tensor("\(prefix)/logits32"), within: 1e-5)
        let activations = try golden.tensors(under: "\(prefix)/activation64/")
        #expect(activations.count >= 11)
        for (path, wanted) in activations {
            try ParityRule.expect(
                path, #require(result.activations[path], "\(path)"), equals: wanted, within: 1e-5)
        }
        let (_, outputGradient) = try Goldens.crossEntropy(logits: result.output, labels: [3, 7])
        let gradients = try executor.gradients(input: input, outputGradient: outputGradient)
        var wanted = try golden.tensors(under: "\(prefix)/gradient64/")
        wanted["input"] = nil
        try ParityRule.expectGradients(
            gradients.parameters.entries.map { ($0.path.description, $0.tensor) }, equal: wanted, within: 1e-4
        )
    }
}
