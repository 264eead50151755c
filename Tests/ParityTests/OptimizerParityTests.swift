import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooModels
import ZooTensors
import ZooTestSupport
import ZooTraining

/// Five steps of each optimizer on TinyVGG, beside torch.optim's: the loss before each and after the last.
@Suite(.serialized) struct OptimizerParityTests {
    static let updates: [(name: String, update: OptimizerUpdate)] = [
        ("sgd", OptimizerUpdate(rule: .sgd(), learningRate: 0.01)),
        ("momentum", OptimizerUpdate(rule: .sgd(momentum: 0.9, weightDecay: 1e-3), learningRate: 0.01)),
        ("nesterov", OptimizerUpdate(rule: .sgd(momentum: 0.9, nesterov: true), learningRate: 0.01)),
        ("dampening", OptimizerUpdate(rule: .sgd(momentum: 0.9, dampening: 0.5), learningRate: 0.01)),
        ("adam", OptimizerUpdate(rule: .adam(weightDecay: 1e-2), learningRate: 1e-3)),
    ]

    @Test(arguments: updates.map(\.name), Executors.allCases)
    func losses(name: String, kind: Executors) throws {
        let golden = try SafetensorsReader.read(
            ByteSource(path: TestFiles.path("tools/goldens/architectures/tinyvgg-steps.safetensors")),
            options: CheckpointReadOptions(keepPrefixes: true))
        let (model, _) = try Goldens.convert(Filling.stateDict(golden.entries()))
        #expect(model.graph.architecture == "tinyvgg" && model.graph.classCount == 3)
        let backend: any TrainingBackend =
            switch kind {
            case .reference: try ReferenceBackend(graph: model.graph, parameters: model.parameters)
            case .plan:
                try NativeBackend(
                    graph: model.graph, parameters: model.parameters, batch: 4, seed: 0, threads: 2)
            }
        let update = try #require(Self.updates.first { $0.name == name }).update
        let pictures = try Filling.pictures([4, 3, 64, 64])
        var losses: [Double] = []
        for _ in 0..<6 {
            try backend.step(pictures, update: update) { (logits) throws(ZooError) in
                let result = try CrossEntropy.evaluate(logits: logits, classes: 3, labels: [0, 1, 2, 1])
                losses.append(result.loss)
                return result.gradient
            }
        }
        try ParityRule.expect(
            name, Tensor(losses, shape: [6]), equals: golden.tensor("\(name)/losses64"),
            single: golden.tensor("\(name)/losses32"), within: 1e-5)
    }
}
