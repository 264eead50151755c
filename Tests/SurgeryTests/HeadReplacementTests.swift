import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooModels
import ZooSurgery
import ZooTensors

@Suite struct HeadReplacementTests {
    private func model(_ variant: LeNet.Variant = .tutorial) throws -> Model {
        let graph = try LeNet(variant).graph()
        return try Model(
            graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 1),
            preprocessing: Preprocessing(channels: .grey))
    }

    @Test(arguments: LeNet.Variant.allCases)
    func onlyTheHeadChanges(variant: LeNet.Variant) throws {
        let old = try model(variant)
        let new = try HeadReplacement(labels: ["shirt", "bag", "boot"], seed: 5).apply(to: old)
        let head = try #require(old.graph.head)
        #expect(new.graph.classCount == 3)
        #expect(new.labels == ["shirt", "bag", "boot"])
        #expect(new.provenance.history.count == 1)
        for (path, tensor) in old.parameters.entries where path.node != head {
            let kept = try #require(new.parameters[path])
            #expect(try kept.bytes() == tensor.bytes())
        }
        #expect(new.parameters[ParameterPath(head, .weight)]?.shape == [3, 84])
        #expect(new.parameters[ParameterPath(head, .bias)]?.shape == [3])
    }

    /// PyTorch's default for a linear layer with 84 inputs: uniform in ±1/√84.
    @Test func freshNumbersFollowTheFramework() throws {
        let new = try HeadReplacement(classes: 400, seed: 5).apply(to: model())
        let values = try #require(new.parameters[ParameterPath("fc3", .weight)]).doubles()
        let bound = 1 / 84.0.squareRoot()
        #expect(values.allSatisfy { abs($0) <= bound })
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
        #expect(abs(mean) < bound * 0.02)
        #expect(abs(variance - bound * bound / 3) < bound * bound * 0.01)
    }

    @Test func theSeedDecides() throws {
        func weights(_ seed: UInt64) throws -> [Float] {
            try #require(
                HeadReplacement(classes: 3, seed: seed).apply(to: model()).parameters[
                    ParameterPath("fc3", .weight)]
            ).floats()
        }
        #expect(try weights(1) == weights(1))
        #expect(try weights(1) != weights(2))
    }

    @Test func senselessRequestsAreRefused() throws {
        #expect(throws: ZooError.self) { try HeadReplacement(labels: []).apply(to: model()) }
        #expect(throws: ZooError.self) { try HeadReplacement(labels: ["a", "a"]).apply(to: model()) }
        let graph = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 4, width: 4),
            chain: [("relu", .activation(.relu))])
        let headless = try Model(
            graph: graph, parameters: ParameterTable(), preprocessing: Preprocessing(channels: .grey))
        #expect(throws: ZooError.self) { try HeadReplacement(classes: 2).apply(to: headless) }
    }

    private func model(_ graph: LayerGraph) throws -> Model {
        try Model(
            graph: graph, parameters: Initialization.torchDefault.parameters(for: graph, seed: 1),
            preprocessing: Preprocessing(channels: .grey))
    }

    /// Every known network without its head gets the whole classifier that it has by itself.
    @Test(arguments: ["lenet-d2l", "tinyvgg", "autoencoder", "autoencoder-pooled", "resnet18", "vgg11_bn"])
    func bodiesGetTheirClassifier(name: String) throws {
        let architecture = try Architecture.named(name)
        let size = name == "vgg11_bn" ? 32 : nil
        let body = try model(architecture.graph(ArchitectureOptions(inputSize: size, isHeadless: true)))
        let operation = HeadReplacement(classes: 5, seed: 3)
        #expect(operation.description(for: body).contains("fresh head of 5 classes"))
        let whole = try operation.apply(to: body)
        #expect(try whole.graph == architecture.graph(ArchitectureOptions(classes: 5, inputSize: size)))
        #expect(whole.labels?.count == 5 && whole.provenance.history.count == 1)
        for (path, tensor) in body.parameters.entries {
            #expect(try whole.parameters[path]?.bytes() == tensor.bytes())
        }
        let head = try #require(whole.graph.head)
        let fresh = try #require(whole.parameters[ParameterPath(head, .weight)])
        #expect(try fresh.floats().contains { $0 != 0 })
    }

    /// TensorFlow's padding stays, and so does what a network can't be known by.
    @Test func bodiesOfOtherNumbersStayWhatTheyAre() throws {
        let tensorflow = try Architecture.named("efficientnet_b0").graph(
            ArchitectureOptions(inputSize: 32, isHeadless: true, conventions: .tensorflow))
        let whole = try HeadReplacement(classes: 2).apply(to: model(tensorflow)).graph
        #expect(whole.head == "classifier.1" && whole.nodes.starts(with: tensorflow.nodes))
        var unpadded = TinyVGG()
        unpadded.padding = 0
        let body = try model(unpadded.graph(isHeadless: true))
        let classifier = try HeadReplacement(classes: 4).apply(to: body).graph
        unpadded.classes = 4
        #expect(try classifier.nodes == unpadded.graph().nodes && classifier.classCount == 4)
        let own = try LayerGraph(
            architecture: "custom", input: InputShape(channels: 1, height: 4, width: 4),
            chain: [("head", .flatten(.channelsFirst))])
        let added = try HeadReplacement(classes: 3).apply(to: model(own)).graph
        #expect(added.head == "classifier" && added.classCount == 3)
        #expect(try added.shapes(batch: 2)[added.output] == [2, 3])
    }

    /// The body of an autoencoder is its encoder; the autoencoder itself ends with a picture.
    @Test func picturesAreNoFeatures() throws {
        #expect { try HeadReplacement(classes: 3).apply(to: model(Autoencoder().graph())) } throws: {
            ($0 as? ZooError)?.remedy?.contains("--headless") == true
        }
    }
}
