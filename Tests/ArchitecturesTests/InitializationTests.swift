import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// Fresh parameters have the distributions of the reference implementations.
@Suite struct InitializationTests {
    /// Mean, standard deviation and largest magnitude of a parameter.
    private func statistics(
        _ initialization: Initialization, _ layer: Layer, _ role: ParameterRole = .weight
    ) throws -> (mean: Double, deviation: Double, largest: Double) {
        let drawn = try initialization.parameters(for: Node("layer", layer, inputs: ["input"]), seed: 3)
        let values = try #require(drawn.first { $0.0.role == role }).1.floats().map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        return (mean, variance.squareRoot(), values.map(abs).max() ?? 0)
    }

    private let convolution = Layer.convolution(Convolution(64, 128, kernel: Extent(3)))
    private let linear = Layer.linear(Linear(400, 300))

    private func expectNormal(
        _ initialization: Initialization, _ layer: Layer, _ deviation: Double
    ) throws {
        let found = try statistics(initialization, layer)
        // Six standard errors of some ten thousand numbers; a bounded distribution never gets beyond 1.8.
        #expect(abs(found.deviation / deviation - 1) < 0.03 && abs(found.mean) < 0.03 * deviation)
        #expect(found.largest > 3.5 * deviation && found.largest < 7 * deviation)
    }

    private func expectUniform(
        _ initialization: Initialization, _ layer: Layer, _ bound: Double, role: ParameterRole = .weight
    ) throws {
        let found = try statistics(initialization, layer, role)
        #expect(found.largest <= bound * 1.000_001 && found.largest > 0.97 * bound)
        #expect(abs(found.deviation / (bound / 3.0.squareRoot()) - 1) < 0.1)
    }

    @Test func pytorchDefaults() throws {
        try expectUniform(.torchDefault, convolution, 1 / Double(64 * 9).squareRoot())
        try expectUniform(.torchDefault, convolution, 1 / Double(64 * 9).squareRoot(), role: .bias)
        try expectUniform(.torchDefault, linear, 1 / 20)
        try expectUniform(.resnet, linear, 1 / 20)
        try expectUniform(.resnet, linear, 1 / 20, role: .bias)
    }

    @Test func heForConvolutions() throws {
        let deviation = (2 / Double(128 * 9)).squareRoot()
        for initialization in [Initialization.vgg, .resnet, .efficientNet] {
            try expectNormal(initialization, convolution, deviation)
        }
        // torchvision's EfficientNet counts all channels of a depthwise convolution.
        let depthwise = Layer.convolution(Convolution(1_152, 1_152, kernel: Extent(5), groups: 1_152))
        try expectNormal(.efficientNet, depthwise, (2 / Double(1_152 * 25)).squareRoot())
    }

    @Test func linearLayersAndBiases() throws {
        try expectNormal(.vgg, linear, 0.01)
        try expectUniform(.efficientNet, linear, 1 / 300.0.squareRoot())
        for initialization in [Initialization.vgg, .efficientNet] {
            #expect(try statistics(initialization, linear, .bias).largest == 0)
            #expect(try statistics(initialization, convolution, .bias).largest == 0)
        }
    }

    @Test func normalisationsBeginAsNothing() throws {
        for initialization in Initialization.allCases {
            let node = Node("bn", .batchNormalization(BatchNormalization(4)), inputs: ["input"])
            let drawn = try initialization.parameters(for: node, seed: 0)
            #expect(drawn.map(\.0.role) == [.weight, .bias, .runningMean, .runningVariance])
            #expect(try drawn.map { try $0.1.floats()[0] } == [1, 0, 0, 1])
        }
    }

    /// Each layer has a stream of its own, so that its numbers don't depend on what else is drawn.
    @Test func everyParameterHasItsOwnStream() throws {
        let graph = try Architecture.named("resnet18").graph(ArchitectureOptions(classes: 3))
        let node = try #require(graph["layer3.0.conv1"])
        let alone = try Initialization.resnet.parameters(for: node, seed: 5)[0].1.floats()
        let all = try Initialization.resnet.parameters(for: graph, seed: 5)
        #expect(try all[ParameterPath("layer3.0.conv1", .weight)]?.floats() == alone)
        #expect(try all[ParameterPath("layer3.0.conv2", .weight)]?.floats().first != alone.first)
        let stream = RandomStream(seed: 5, name: "init/layer3.0.conv1.weight")
        let deviation = (2 / Double(256 * 9)).squareRoot()
        for index in [0, 1, 2, 3, 4_567] {
            #expect(alone[index] == Float(stream.normal(at: UInt64(index)) * deviation))
        }
    }

    @Test func everyArchitectureHasItsReferencesRule() {
        #expect(Architecture.initialization(named: "vgg16_bn") == .vgg)
        #expect(Architecture.initialization(named: "resnet50") == .resnet)
        #expect(Architecture.initialization(named: "efficientnet_lite0") == .efficientNet)
        #expect(Architecture.initialization(named: "alexnet") == .torchDefault)
        #expect(Architecture.initialization(named: "lenet-d2l") == .xavierUniform)
    }
}
