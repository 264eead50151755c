import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    /// What passes make of a network, and where they leave it alone.
    @Suite struct PassTests {
        private static let channels = 32

        private func convolution(_ path: String, _ input: String, hasBias: Bool = false) -> Node {
            let layer = Convolution(
                Self.channels, Self.channels, kernel: Extent(3), padding: Padding(1), hasBias: hasBias)
            return Node(path, .convolution(layer), inputs: [input])
        }

        private func normalization(_ path: String, _ input: String) -> Node {
            Node(path, .batchNormalization(BatchNormalization(Self.channels, epsilon: 1e-3)), inputs: [input])
        }

        private func relu(_ path: String, _ input: String) -> Node {
            Node(path, .activation(.relu), inputs: [input])
        }

        private func graph(_ nodes: [Node]) throws -> LayerGraph {
            try LayerGraph(
                architecture: "custom", input: InputShape(channels: Self.channels, height: 12, width: 10),
                nodes: nodes, output: nodes[nodes.count - 1].path)
        }

        /// Titles of the operations that a run does, in order; and that what they compute is right.
        private func titles(
            _ graph: LayerGraph, keeping asked: Set<String> = [], isTraining: Bool = false
        ) throws -> [String] {
            let parameters = try randomParameters(for: graph)
            let native = try NativeExecutor(
                graph: graph, parameters: parameters, engine: sharedEngine.get())
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            let mode: ExecutionMode = isTraining ? .training(TrainingMoment(seed: 1)) : .inference
            for batch in [1, 3] {
                let input = try randomTensor(graph.input.shape(batch: batch), name: "input")
                let wanted = try reference.forward(input, mode: mode, keeping: asked)
                // Twice: what is computed in place must not be found changed.
                for _ in 0..<2 {
                    let found = try native.forward(input, mode: mode, keeping: asked)
                    #expect(try forwardError(found.output, wanted.output) <= 1e-5)
                    for (path, tensor) in wanted.activations {
                        #expect(
                            try forwardError(#require(found.activations[path]), tensor) <= 1e-5, "\(path)")
                    }
                }
            }
            let plan = try native.plan(
                for: PlanConfiguration(.inference, batch: 3, isTraining: isTraining, keeping: asked))
            let operations = plan.json["operations"]?.arrayValue ?? []
            return operations.filter { $0["pass"]?.stringValue == "forward" }
                .compactMap { $0["operation"]?.stringValue }.filter { $0 != "reorder" }
        }

        @Test func normalizationsAreFolded() throws {
            let chain = try graph([
                convolution("a", LayerGraph.inputPath, hasBias: true), normalization("b", "a"),
                relu("c", "b"),
            ])
            #expect(try titles(chain) == ["Conv2d + BatchNorm2d + ReLU"])
            // Where somebody looks, or statistics are the batch's, each layer is computed by itself.
            #expect(try titles(chain, keeping: ["a"]) == ["Conv2d", "BatchNorm2d", "ReLU"])
            #expect(try titles(chain, keeping: ["b"]) == ["Conv2d + BatchNorm2d", "ReLU"])
            #expect(try titles(chain, isTraining: true) == ["Conv2d", "BatchNorm2d", "ReLU"])
            // The second has nothing to be folded into but the first, which has one already.
            let twice = try graph([
                convolution("a", LayerGraph.inputPath), normalization("b", "a"), normalization("c", "b"),
            ])
            #expect(try titles(twice) == ["Conv2d + BatchNorm2d", "BatchNorm2d"])
            // Two readers: one of them wants the convolution's own result.
            let both = try graph([
                convolution("a", LayerGraph.inputPath), normalization("b", "a"),
                Node("c", .multiply, inputs: ["a", "b"]),
            ])
            #expect(try titles(both) == ["Conv2d", "BatchNorm2d", "Multiply"])
        }

        @Test func sumsAreAddedInPlace() throws {
            let block = [
                relu("x", LayerGraph.inputPath), convolution("a", "x"), normalization("b", "a"),
                relu("c", "b"),
                convolution("d", "c"), normalization("e", "d"), Node("f", .add, inputs: ["e", "x"]),
                relu("g", "f"),
            ]
            #expect(
                try titles(graph(block))
                    == ["ReLU", "Conv2d + BatchNorm2d + ReLU", "Conv2d + BatchNorm2d + Add + ReLU"])
            // The other way round it is the same sum.
            var turned = block
            turned[6] = Node("f", .add, inputs: ["x", "e"])
            #expect(try titles(graph(turned)).last == "Conv2d + BatchNorm2d + Add + ReLU")
            // Somebody reads the addend later, or is shown it: it has to stay what it is.
            let later = try graph(block + [Node("h", .multiply, inputs: ["g", "x"])])
            #expect(try titles(later).contains("Add"))
            #expect(try titles(graph(block), keeping: ["x"]).contains("Add"))
            #expect(try titles(graph(block), keeping: ["e"]).contains("Add"))
            // The picture itself is the caller's.
            let input = try graph([
                convolution("a", LayerGraph.inputPath), Node("b", .add, inputs: ["a", LayerGraph.inputPath]),
            ])
            #expect(try titles(input) == ["Conv2d", "Add"])
            // A convolution's result twice.
            let doubled = try graph([
                convolution("a", LayerGraph.inputPath), Node("b", .add, inputs: ["a", "a"]),
            ])
            #expect(try titles(doubled) == ["Conv2d", "Add"])
        }

        /// Both operands are convolutions: the one that comes later adds.
        @Test func theLaterOfTwoAdds() throws {
            let nodes = [
                convolution("a", LayerGraph.inputPath), normalization("b", "a"),
                convolution("c", LayerGraph.inputPath), normalization("d", "c"),
                Node("e", .add, inputs: ["b", "d"]), relu("f", "e"),
            ]
            #expect(
                try titles(graph(nodes)) == ["Conv2d + BatchNorm2d", "Conv2d + BatchNorm2d + Add + ReLU"])
            // A function between convolution and sum comes before the sum.
            let between = [
                convolution("a", LayerGraph.inputPath), convolution("b", LayerGraph.inputPath),
                relu("c", "b"),
                Node("d", .add, inputs: ["a", "c"]),
            ]
            #expect(try titles(graph(between)) == ["Conv2d", "Conv2d + ReLU", "Add"])
        }

        /// Channels that don't fill their blocks, maps that don't fill their tiles, on weights in canonical order and on
        /// those that a training plan has laid out.
        @Test(arguments: [
            (64, 64, 14, 14), (40, 72, 17, 19), (33, 50, 7, 9), (128, 48, 6, 28), (160, 96, 28, 4),
        ])
        func threeByThreeWindows(_ inputs: Int, _ outputs: Int, _ height: Int, _ width: Int) throws {
            let size = InputShape(channels: inputs, height: height, width: width)
            let layer = Convolution(inputs, outputs, kernel: Extent(3), padding: Padding(1))
            let chain = try LayerGraph(
                architecture: "custom", input: size,
                chain: [("a", .convolution(layer)), ("b", .activation(.relu))])
            let parameters = try randomParameters(for: chain)
            let reference = try ReferenceExecutor(graph: chain, parameters: parameters)
            let training = PlanConfiguration(.training, batch: 2, input: size)
            var kernels: [String] = []
            for mostly in [nil, training] {
                let native = try NativeExecutor(
                    graph: chain, parameters: parameters, engine: sharedEngine.get(), mostly: mostly)
                for batch in [1, 2, 5] {
                    let input = try randomTensor(size.shape(batch: batch), name: "input")
                    let wanted = try reference.forward(input).output
                    #expect(try forwardError(native.forward(input).output, wanted) <= 1e-5)
                    let plan = try native.plan(for: PlanConfiguration(.inference, batch: batch))
                    kernels += (plan.json["operations"]?.arrayValue ?? []).compactMap {
                        $0["kernel"]?.stringValue
                    }
                }
            }
            // oneDNN 2 has Winograd's kernels for AVX-512; of small maps some want too much memory.
            let isThere = Engine.library.contains("oneDNN 2") && Engine.library.contains("avx512")
            if inputs == 64 || !isThere { #expect(kernels.contains { $0.contains("wino") } == isThere) }
        }

        /// Parameters that change are folded anew, and are read back as they were written.
        @Test func foldedParametersFollow() throws {
            let chain = try graph([convolution("a", LayerGraph.inputPath), normalization("b", "a")])
            let (before, after) = (
                try randomParameters(for: chain), try randomParameters(for: chain, seed: 9)
            )
            let native = try NativeExecutor(graph: chain, parameters: before, engine: sharedEngine.get())
            let input = try randomTensor(chain.input.shape(batch: 2), name: "input")
            for parameters in [before, after, before] {
                try native.store.write(parameters)
                let wanted = try ReferenceExecutor(graph: chain, parameters: parameters).forward(input).output
                #expect(try forwardError(native.forward(input).output, wanted) <= 1e-5)
                for (path, tensor) in try native.store.read().entries {
                    #expect(try tensor.floats() == parameters[path]?.floats())
                }
            }
        }
    }
}
