import Testing
import ZooArchitectures
import ZooLayerGraphs
import ZooTensors

/// What every architecture answers to.
@Suite struct ArchitectureContractTests {
    static let names = Architecture.all.map(\.name)

    private func graph(_ name: String, _ options: ArchitectureOptions = ArchitectureOptions()) throws
        -> LayerGraph
    {
        try Architecture.named(name).graph(options)
    }

    @Test func namesAreThoseThatPeopleSay() {
        #expect(Set(Self.names).count == Self.names.count)
        for name in [
            "lenet", "tinyvgg", "autoencoder", "alexnet", "vgg11", "vgg16", "vgg16_bn", "vgg19_bn",
            "resnet18", "resnet152",
            "efficientnet_b0", "efficientnet_b2", "efficientnet_lite0",
        ] {
            #expect(Self.names.contains(name))
        }
    }

    @Test(arguments: names) func anyClassCountAndAnyChannels(_ name: String) throws {
        for channels in [1, 3, 4] {
            let graph = try graph(name, ArchitectureOptions(classes: 7, inputChannels: channels))
            #expect(graph.classCount == 7 && graph.input.channels == channels)
            #expect(try graph.shapes(batch: 2)[graph.output] == [2, 7])
        }
    }

    /// An autoencoder has a head as a classifier only, which asking for classes makes of it.
    @Test(arguments: names) func partsCoverTheNetworkOnce(_ name: String) throws {
        let graph = try graph(name, ArchitectureOptions(classes: 10))
        let names = graph.parts.map(\.name)
        #expect(names.first == "stem" && names.suffix(3) == ["body", "head", "classifier"])
        let stages = names.filter { $0.hasPrefix("stage") }
        #expect(stages == (1...stages.count).map { "stage\($0)" })
        func paths(_ part: String) throws -> [String] { try graph.nodes(in: part).map(\.path) }
        let features = try (["stem"] + stages).flatMap(paths)
        let body = try paths("body")
        // What is left of the body brings the maps to a vector.
        #expect(features == Array(body.prefix(features.count)))
        let joints = ["avgpool", "flatten", "net.6", "classifier.0"]
        #expect(body.dropFirst(features.count).allSatisfy(joints.contains))
        #expect(try body + paths("classifier") == graph.nodes.map(\.path))
        #expect(try paths("head") == [#require(graph.head)] && paths("classifier").last == graph.head)
        #expect(try !paths("stem").isEmpty)
    }

    @Test(arguments: names) func withoutAHeadTheFeaturesComeOut(_ name: String) throws {
        let whole = try graph(name, ArchitectureOptions(classes: 10))
        let headless = try graph(name, ArchitectureOptions(isHeadless: true))
        let body = try whole.nodes(in: "body").map(\.path)
        #expect(headless.nodes.map(\.path) == body && headless.head == nil && headless.classCount == nil)
        let shape = try #require(try headless.shapes(batch: 2)[headless.output])
        let first = try #require(
            try whole.nodes(in: "classifier").compactMap { node -> Linear? in
                if case .linear(let layer) = node.layer { layer } else { nil }
            }.first)
        #expect(shape == [2, first.inputFeatures])
        #expect(throws: ZooError.self) { try headless.nodes(in: "head") }
    }

    /// A graph document says all that there is to say, parts included.
    @Test(arguments: names) func documentsComeBack(_ name: String) throws {
        let graph = try graph(name)
        #expect(try GraphDocument.parse(GraphDocument.json(graph)).graph == graph)
    }

    /// What fitting works out of a network's own shapes is the network.
    @Test(arguments: names) func shapesFindTheNetwork(_ name: String) throws {
        let graph = try graph(name, ArchitectureOptions(classes: 5, inputChannels: 4))
        let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.path, $0.shape) })
        let (fitted, _) = try Architecture.named(name).fitted(shapes, ArchitectureOptions())
        #expect(fitted == graph)
    }

    @Test func otherPictureSizes() throws {
        for (name, size) in [("resnet18", 64), ("vgg11", 32), ("alexnet", 63), ("efficientnet_b0", 65)] {
            let graph = try graph(name, ArchitectureOptions(inputSize: size))
            #expect(try graph.shapes(batch: 1)[graph.output] == [1, 1_000], "\(name)")
        }
        for size in [20, 21, 22, 23] {
            for name in ["autoencoder", "autoencoder-pooled"] {
                let graph = try graph(name, ArchitectureOptions(inputSize: size))
                #expect(try graph.shapes(batch: 2)[graph.output] == [2, 1, size, size], "\(name)")
            }
        }
        for (name, size) in [
            ("tinyvgg", 3), ("autoencoder-pooled", 3), ("vgg11", 31), ("alexnet", 62), ("alexnet", 0),
            ("resnet18", 1 << 20),
        ] {
            #expect(throws: ZooError.self, "\(name)") {
                try graph(name, ArchitectureOptions(inputSize: size))
            }
        }
    }

    /// TensorFlow's padding depends on the size: an odd map is padded on both sides alike.
    @Test func paddingFollowsThePictures() throws {
        func stem(_ size: Int) throws -> Padding {
            let graph = try graph(
                "efficientnet_b0", ArchitectureOptions(inputSize: size, conventions: .tensorflow))
            guard case .convolution(let layer)? = graph["features.0.0"]?.layer else { return .none }
            return layer.padding
        }
        #expect(try stem(224) == Padding(top: 0, left: 0, bottom: 1, right: 1))
        #expect(try stem(225) == Padding(1))
    }

    @Test func conventionsThatANetworkLacksAreRefused() {
        for name in ["lenet", "tinyvgg", "autoencoder", "alexnet", "vgg16", "resnet18"] {
            #expect(throws: ZooError.self, "\(name)") {
                try graph(name, ArchitectureOptions(conventions: .keras))
            }
        }
    }
}
