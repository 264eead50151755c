import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    /// Whole networks with residuals, batch normalisation and squeeze-and-excitation.
    @Suite struct NativeNetworkTests {
        @Test("Logits are PyTorch's", arguments: KnownNetworkTests.networks)
        func logits(_ known: KnownNetworkTests.Known) throws {
            let graph = try known.graph()
            let native = try NativeExecutor(
                graph: graph, parameters: DeterministicFilling.parameters(graph), engine: sharedEngine.get())
            let logits = try native.forward(DeterministicFilling.input([1, 3, 224, 224])).output.doubles()
            let largest = logits.reduce(0) { max($0, abs($1)) }
            for (mine, theirs) in zip(logits, known.first) { #expect(abs(mine - theirs) <= 1e-4 * largest) }
            #expect(abs(dot(logits, logits).squareRoot() - known.norm) <= 1e-4 * known.norm)
        }

        static let trained: [(name: String, graph: @Sendable () throws -> LayerGraph, keeping: Set<String>)] =
            [
                (
                    "ResNet18", { try KnownNetwork.resNet18(classes: 10) },
                    ["bn1", "maxpool", "layer1.0.add", "layer2.0.downsample.1", "layer4.1.relu2"]
                ),
                (
                    "EfficientNet-B0", KnownNetwork.efficientNetB0,
                    [
                        "features.0.2", "features.1.0.block.1", "features.2.1.add", "features.4.0.block.1.0",
                        "avgpool",
                    ]
                ),
            ]

        @Test("Training passes compute what the reference does", arguments: trained.indices)
        func training(_ index: Int) throws {
            let (name, makeGraph, keeping) = Self.trained[index]
            let graph = try makeGraph()
            let parameters = try DeterministicFilling.parameters(graph)
            let input = try DeterministicFilling.input([4, 3, 64, 64])
            let mode = ExecutionMode.training(TrainingMoment(seed: 1))
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            let native = try NativeExecutor(
                graph: graph, parameters: parameters, engine: sharedEngine.get(),
                mostly: PlanConfiguration(.training, batch: 4))
            let wanted = try reference.forward(input, mode: mode, keeping: keeping)
            let found = try native.forward(input, mode: mode, keeping: keeping)
            #expect(try forwardError(found.output, wanted.output) <= 1e-4, "\(name)")
            for path in keeping {
                let (mine, theirs) = try (
                    #require(found.activations[path]), #require(wanted.activations[path])
                )
                #expect(try forwardError(mine, theirs) <= 1e-4, "\(name), \(path)")
            }
            let cotangent = try randomTensor(wanted.output.shape, name: "cotangent")
            let ours = try native.gradients(input: input, outputGradient: cotangent, mode: mode)
            let theirs = try reference.gradients(input: input, outputGradient: cotangent, mode: mode)
            try expectGradients(ours.parameters, theirs.parameters, tolerance: 1e-3, "\(name)")
            for statistics in [found.statistics, ours.statistics] {
                #expect(statistics.paths == theirs.statistics.paths)
                for (path, tensor) in theirs.statistics.entries {
                    #expect(
                        try forwardError(#require(statistics[path]), tensor) <= 1e-4, "\(name), \(path)")
                }
            }
            // The executor's own stay as they are.
            let before = try native.store.read()
            for (path, tensor) in parameters.entries where !path.role.isLearned {
                #expect(try before[path]?.floats() == tensor.floats())
            }
        }

        @Test func activationsOfAResidualBlockAreComputedOnce() throws {
            let graph = try KnownNetwork.resNet18(classes: 10)
            let native = try NativeExecutor(
                graph: graph, parameters: DeterministicFilling.parameters(graph), engine: sharedEngine.get())
            let plan = try native.plan(
                for: PlanConfiguration(
                    .inference, batch: 2, input: InputShape(channels: 3, height: 64, width: 64)))
            let operations = plan.json["operations"]?.arrayValue ?? []
            let forward = operations.filter { $0["pass"]?.stringValue == "forward" }
            // Normalisations and sums are part of the convolutions; between the picture and the vector of features nothing
            // is brought into another layout.
            let titles = forward.compactMap { $0["operation"]?.stringValue }
            #expect(titles.filter { $0.hasPrefix("Conv2d + BatchNorm2d") }.count == 20)
            #expect(titles.filter { $0 == "Conv2d + BatchNorm2d + Add + ReLU" }.count == 8)
            #expect(
                !titles.contains { $0.hasPrefix("Add") || $0.hasPrefix("BatchNorm") || $0.hasPrefix("ReLU") })
            let layers = forward.filter { $0["operation"]?.stringValue == "reorder" }.compactMap {
                $0["layers"]?.arrayValue?.first?.stringValue
            }
            #expect(layers.allSatisfy { $0 == "conv1" || $0 == "fc" }, "\(layers)")
        }
    }
}
