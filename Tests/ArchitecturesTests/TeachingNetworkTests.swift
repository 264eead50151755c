import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// TinyVGG and autoencoders as their sources state them, and what shapes tell of their variants.
@Suite struct TeachingNetworkTests {
    private func parameters(_ graph: LayerGraph) throws -> Int {
        try GraphSummary(graph, batch: 1).parameters
    }

    private func shapes(_ graph: LayerGraph) -> [ParameterPath: TensorShape] {
        Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.path, $0.shape) })
    }

    private func fitted(
        _ name: String, _ shapes: [ParameterPath: TensorShape],
        _ options: ArchitectureOptions = ArchitectureOptions()
    ) throws -> (graph: LayerGraph, assumptions: [String]) {
        try Architecture.named(name).fitted(shapes, options)
    }

    private func tinyVGG(
        classes: Int = 3, channels: Int = 3, size: Int = 64, padding: Int = 1, hidden: Int = 10
    ) throws -> LayerGraph {
        var network = TinyVGG()
        (network.classes, network.inputChannels, network.inputSize) = (classes, channels, size)
        (network.padding, network.hiddenChannels) = (padding, hidden)
        return try network.graph()
    }

    @Test func publishedCounts() throws {
        #expect(try parameters(tinyVGG()) == 10_693)
        #expect(try GraphSummary(tinyVGG(), batch: 1).multiplyAdds == 6_643_200)
        #expect(try parameters(tinyVGG(padding: 0)) == 8_083)
        #expect(try parameters(tinyVGG(classes: 10, channels: 1, size: 28)) == 7_740)
        #expect(try parameters(Autoencoder().graph()) == 210_369)
        #expect(try GraphSummary(Autoencoder().graph(), batch: 1).multiplyAdds == 708_736)
        #expect(try parameters(Autoencoder(.pooled).graph()) == 1_077)
    }

    @Test(arguments: [(64, 1), (64, 0), (28, 1), (28, 0)])
    func publishedSizesDecideThePadding(size: Int, padding: Int) throws {
        let graph = try tinyVGG(classes: 5, channels: 1, size: size, padding: padding, hidden: 7)
        let (found, assumptions) = try fitted("tinyvgg", shapes(graph))
        #expect(found == graph)
        #expect(assumptions.count == 1 && assumptions[0].contains("\(size)×\(size) with padding \(padding)"))
        #expect(assumptions[0].contains("--input-size"))
    }

    @Test(arguments: [(32, 1), (45, 0), (67, 1), (224, 0)])
    func otherSizesAreAskedFor(size: Int, padding: Int) throws {
        let graph = try tinyVGG(size: size, padding: padding)
        if size != 67 {
            #expect { try fitted("tinyvgg", shapes(graph)) } throws: { error in
                let error = error as? ZooError
                return error?.code == .ambiguous && error?.remedy?.contains("--input-size") == true
            }
        }
        let (found, assumptions) = try fitted("tinyvgg", shapes(graph), ArchitectureOptions(inputSize: size))
        #expect(found == graph && assumptions.isEmpty)
        #expect { try fitted("tinyvgg", shapes(graph), ArchitectureOptions(inputSize: size + 5)) } throws: {
            ($0 as? ZooError)?.code == .mismatch
        }
    }

    @Test func withoutAClassifierThePaddingIsAssumed() throws {
        let body = shapes(try tinyVGG(padding: 0)).filter { $0.key.node != "classifier.1" }
        let (_, assumptions) = try fitted("tinyvgg", body, ArchitectureOptions(isHeadless: true))
        #expect(assumptions.contains { $0.contains("padding 1") })
    }

    @Test func strangersAreRefused() throws {
        for (name, path, shape) in [
            ("tinyvgg", "conv_block_1.0", [10, 3, 5, 5]), ("tinyvgg", "classifier.1", [3, 2_561]),
            ("tinyvgg", "classifier.1", [3, 0]), ("tinyvgg", "conv_block_1.0", [1 << 40, 3, 3, 3]),
            ("autoencoder", "encoder.0", [16, 784]), ("autoencoder", "encoder.2", [32, 16, 5, 5]),
            ("autoencoder", "encoder.0", [16, 0, 3, 3]), ("autoencoder", "encoder.400", [16, 1, 3, 3]),
            ("autoencoder-pooled", "encoder.3", [4, 16, 3, 2]),
        ] as [(String, String, [Int])] {
            var changed = shapes(try Architecture.named(name).graph(ArchitectureOptions()))
            changed[ParameterPath(path, .weight)] = TensorShape(shape)
            #expect(throws: ZooError.self, "\(path) \(shape)") { try fitted(name, changed) }
        }
    }

    /// Stages, channels, kernels and the size of the pictures, as far as weights tell.
    @Test func autoencodersOfOtherShapes() throws {
        var network = Autoencoder()
        (network.channels, network.codeChannels, network.kernel) = ([8, 12, 20], 30, 5)
        (network.inputChannels, network.inputSize) = (3, 64)
        let (found, assumptions) = try fitted("autoencoder", shapes(network.graph()))
        #expect(try found == network.graph())
        #expect(assumptions.contains { $0.contains("64×64") } && assumptions.contains { $0.contains("relu") })
        network.inputSize = 61
        let odd = try network.graph()
        let asked = ArchitectureOptions(inputSize: 61)
        #expect(try fitted("autoencoder", shapes(odd), asked).graph == odd)
        #expect { try fitted("autoencoder", shapes(odd), ArchitectureOptions(inputSize: 40)) } throws: {
            ($0 as? ZooError)?.code == .mismatch
        }
        for form in Autoencoder.Form.allCases {
            var plain = Autoencoder(form)
            (plain.channels, plain.codeChannels) = ([6, 5, 4, 3], nil)
            let graph = try plain.graph()
            let (found, assumptions) = try fitted(form.rawValue, shapes(graph))
            #expect(found == graph && assumptions.contains { $0.contains("weights fit any size") })
            let classifier = try plain.classifier(classes: 9)
            #expect(try fitted(form.rawValue, shapes(classifier)).graph == classifier)
        }
    }

    /// Every size comes back, for even kernels too; what isn't shown by weights can be chosen.
    @Test func decodersGiveTheInputsSize() throws {
        for kernel in 2...6 {
            for size in 30...37 {
                var network = Autoencoder()
                (network.kernel, network.inputSize, network.codeChannels) = (kernel, size, nil)
                (network.activation, network.outputActivation) = (.leakyReLU(slope: 0.2), .tanh)
                let graph = try network.graph()
                #expect(try graph.shapes(batch: 2)[graph.output] == [2, 1, size, size], "\(kernel), \(size)")
                #expect(graph.nodes.contains { $0.layer == .activation(.leakyReLU(slope: 0.2)) })
                #expect(graph.nodes.last?.layer == .activation(.tanh))
            }
        }
    }

    @Test func encodersBecomeBodies() throws {
        for form in Autoencoder.Form.allCases {
            let network = Autoencoder(form)
            let (whole, classifier) = (try network.graph(), try network.classifier(classes: 4))
            let encoder = try whole.nodes(in: "encoder")
            #expect(try whole.nodes(in: "body") == encoder)
            #expect(try classifier.nodes(in: "encoder") == encoder && classifier.head == "classifier")
            #expect(try whole.nodes(in: "decoder").count == whole.nodes.count - encoder.count)
            #expect(whole.head == nil && classifier.classCount == 4)
        }
    }

    @Test func stagesThatNoNetworkHasAreRefused() {
        func refuse(_ change: (inout Autoencoder) -> Void) {
            for form in Autoencoder.Form.allCases {
                var network = Autoencoder(form)
                change(&network)
                #expect(throws: ZooError.self) { try network.graph() }
                #expect(throws: ZooError.self) { try network.classifier(classes: 2) }
            }
        }
        refuse { $0.channels = [] }
        refuse { $0.channels = [8, 0] }
        refuse { $0.channels = Array(repeating: 4, count: 17) }
        refuse { $0.kernel = 0 }
        refuse { $0.inputSize = 0 }
        refuse { $0.inputChannels = 1 << 40 }
        var even = Autoencoder(.pooled)
        even.kernel = 4
        #expect(throws: ZooError.self) { try even.graph() }
    }
}
