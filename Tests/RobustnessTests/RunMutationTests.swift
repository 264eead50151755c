import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport
import ZooTraining

/// Ten thousand damaged checkpoints of training runs, always the same ones: each can be gone on from, or gives one
/// error.
@Suite(.serialized) struct RunMutationTests {
    private static func model() throws -> Model {
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 4, width: 4),
            chain: [("flatten", .flatten(.channelsFirst)), ("head", .linear(Linear(16, 3)))], head: "head")
        return try Model(
            graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 3),
            preprocessing: Preprocessing(channels: .grey, resize: Extent(4)))
    }

    /// Goes on from a checkpoint for one step.
    private static func goOn(_ bytes: [UInt8]) throws(ZooError) {
        let run = try RunCheckpoint(
            CheckpointReader.read(
                ByteSource(bytes: bytes, path: "mutated"), options: CheckpointReadOptions(keepPrefixes: true))
        )
        let backend = try ReferenceBackend(graph: run.model.graph, parameters: run.model.parameters)
        try backend.setOptimizerState(run.optimizerState)
        // A network of another size, in a file that is whole, is no damage; but it isn't computed here.
        let input = run.model.graph.input
        guard [input.channels, input.height, input.width] == [1, 4, 4] else { return }
        let pictures = try Tensor((0..<32).map { Float($0) / 32 }, shape: [2, 1, 4, 4])
        let update = OptimizerUpdate(
            rule: run.configuration.optimizer, learningRate: run.configuration.learningRate)
        try backend.step(pictures, update: update) { (logits) throws(ZooError) in
            logits.map { (_: Float) in 0.5 }
        }
        _ = try backend.optimizerState()
    }

    @Test(arguments: [OptimizerRule.sgd(momentum: 0.9), .adam()])
    func runCheckpoints(rule: OptimizerRule) throws {
        let model = try Self.model()
        let backend = try ReferenceBackend(graph: model.graph, parameters: model.parameters)
        let pictures = try Tensor((0..<32).map { Float($0) / 32 }, shape: [2, 1, 4, 4])
        try backend.step(pictures, update: OptimizerUpdate(rule: rule, learningRate: 0.1)) {
            (logits) throws(ZooError) in logits.map { (_: Float) in 0.5 }
        }
        var configuration = TrainingConfiguration()
        configuration.optimizer = rule
        configuration.frozen = ["conv*"]
        let run = RunCheckpoint(
            model: model, configuration: configuration, epoch: 1, step: 1,
            optimizerState: try backend.optimizerState(), plan: backend.plan, logByteCount: 7)
        let folder = try TemporaryFolder()
        try run.write(to: folder.file("last.zoo.safetensors"))
        let bytes = try TestFiles.read(folder.file("last.zoo.safetensors"))
        try Self.goOn(bytes)
        var mutations = Mutations(of: bytes, seed: 20_240_601)
        let tally = mutations.run(MutationTests.count) { (variant) throws(ZooError) in
            try Self.goOn(variant)
        }
        #expect(tally.results + tally.errors == MutationTests.count)
        #expect(tally.errors > MutationTests.count / 4, "\(tally)")
        #expect(tally.results > 0, "\(tally)")
    }

    /// An optimizer's tensors of another shape than their parameter's would be read beyond their end.
    @Test func optimizerTensorsOfAnotherShape() throws {
        let model = try Self.model()
        for (slot, shape) in [("momentum_buffer", []), ("momentum_buffer", [3]), ("step", [1])] {
            let tensor = try Tensor(
                [Float](repeating: 0, count: shape.reduce(1, *)), shape: TensorShape(shape))
            let run = RunCheckpoint(
                model: model, configuration: TrainingConfiguration(), epoch: 1, step: 1,
                optimizerState: [ParameterPath("head", .weight): [slot: tensor]], plan: .null, logByteCount: 0
            )
            let folder = try TemporaryFolder()
            try run.write(to: folder.file("last.zoo.safetensors"))
            let bytes = try TestFiles.read(folder.file("last.zoo.safetensors"))
            let error = #expect(throws: ZooError.self) { try Self.goOn(bytes) }
            #expect(error?.tensor == "optimizer/head.weight/\(slot)")
        }
    }
}
