import Testing
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// Known bodies with a classifier of somebody's own.
@Suite struct ForeignHeadTests {
    private typealias Entries = [(name: String, shape: TensorShape)]

    private func plan(_ entries: Entries, head: String? = nil) throws -> ConversionPlan {
        let tensors = try entries.map { entry in
            CheckpointTensor(name: entry.name, tensor: try Tensor(zeros: entry.shape))
        }
        var options = Converter.Options()
        options.head = try head.map { (text) throws(ZooError) in try HeadDescription(text) }
        return try Converter(options: options).plan(
            Checkpoint(format: .pytorchZip, path: "model.pth", tensors: tensors))
    }

    /// A library's entries without those that begin with a prefix, and with others.
    private func file(_ architecture: String, without prefix: String, _ head: Entries) throws -> Entries {
        try #require(Structure.named(architecture, "torchvision")).entries
            .filter { !$0.name.hasPrefix(prefix) && !$0.name.hasSuffix("num_batches_tracked") } + head
    }

    private let two: Entries = [
        ("fc.0.weight", [256, 512]), ("fc.0.bias", [256]), ("fc.3.weight", [5, 256]), ("fc.3.bias", [5]),
    ]

    @Test func aDescribedHeadIsLoaded() throws {
        let plan = try plan(
            file("resnet18", without: "fc.", two),
            head: "Linear 512 256, ReLU,dropout 0.25 , linear 256 5, softmax")
        try plan.requireComplete(file: nil)
        #expect(plan.missing.isEmpty && plan.unused.isEmpty && plan.outputActivation == "softmax")
        let graph = plan.graph
        #expect(graph.head == "fc.3" && graph.classCount == 5 && graph.output == "fc.3")
        #expect(graph["fc.1"]?.layer == .activation(.relu))
        #expect(graph["fc.2"]?.layer == .dropout(probability: 0.25))
        #expect(try graph.nodes(in: "classifier").map(\.path) == ["fc.0", "fc.1", "fc.2", "fc.3"])
        #expect(try graph.nodes(in: "head").map(\.path) == ["fc.3"])
        #expect(try graph.nodes(in: "body").last?.path == "flatten")
        #expect(
            plan.entries.contains { $0.key == "fc.0.weight" && $0.path == ParameterPath("fc.0", .weight) })
    }

    /// Classifiers in the place and with the names of the network's own.
    @Test func anotherClassifierUnderTheOldNames() throws {
        let narrow: Entries = [
            ("classifier.0.weight", [64, 25_088]), ("classifier.0.bias", [64]),
            ("classifier.3.weight", [5, 64]), ("classifier.3.bias", [5]),
        ]
        let vgg = try plan(file("vgg16", without: "classifier.", narrow))
        #expect(vgg.hasAnotherHead && vgg.origin.foreignHead == ["classifier.0", "classifier.3"])
        #expect(vgg.origin.remedy.contains("'linear 25088 64, … (2 layers without tensors), linear 64 5'"))
        let longer: Entries = [
            ("classifier.1.weight", [64, 1_280]), ("classifier.3.weight", [64]), ("classifier.3.bias", [64]),
            ("classifier.3.running_mean", [64]), ("classifier.3.running_var", [64]),
            ("classifier.4.weight", [7, 64]),
        ]
        let file = try file("efficientnet_b0", without: "classifier.", longer)
        #expect(try plan(file).origin.remedy.contains("'linear 1280 64, …, batchnorm 64, linear 64 7'"))
        let loaded = try plan(file, head: "dropout, linear 1280 64, silu, batchnorm 64, linear 64 7")
        try loaded.requireComplete(file: nil)
        #expect(loaded.graph.head == "classifier.4")
        guard case .linear(let layer)? = loaded.graph["classifier.4"]?.layer else {
            Issue.record("no linear layer")
            return
        }
        #expect(!layer.hasBias)
        // Its own layers with one turned round, or without the last, are a damaged file and no other head.
        let whole = try #require(Structure.named("vgg16", "torchvision")).entries
        let lacking = try plan(whole.filter { !$0.name.hasPrefix("classifier.6") })
        #expect(!lacking.hasAnotherHead && lacking.missing.map(\.path.node).contains("classifier.6"))
        let turned = try plan(
            whole.map { $0.name == "classifier.0.weight" ? ($0.name, [25_088, 4_096]) : $0 })
        #expect(turned.mismatched.map(\.key) == ["classifier.0.weight"])
    }

    /// fastai's: both poolings of the map, one behind the other.
    @Test func headsThatBeginWithTheMap() throws {
        let names = [
            "conv1": "0.0", "bn1": "0.1", "layer1": "0.4", "layer2": "0.5", "layer3": "0.6", "layer4": "0.7",
        ]
        let body: Entries = try file("resnet18", without: "fc.", []).compactMap { entry in
            let parts = entry.name.split(separator: ".", maxSplits: 1)
            return names[String(parts[0])].map { ("\($0).\(parts[1])", entry.shape) }
        }
        var head: Entries = [("1.4.weight", [512, 1_024]), ("1.8.weight", [5, 512])]
        for (layer, channels) in [("1.2", 1_024), ("1.6", 512)] {
            for role in ["weight", "bias", "running_mean", "running_var"] {
                head.append(("\(layer).\(role)", [channels]))
            }
        }
        let plan = try plan(
            body + head.sorted { $0.name < $1.name },
            head:
                "concatpool, flatten, batchnorm 1024, dropout 0.25, linear 1024 512, relu, batchnorm 512, dropout, "
                + "linear 512 5")
        try plan.requireComplete(file: nil)
        #expect(
            plan.graph["avgpool"] == nil && plan.graph["fc.concat"]?.inputs == ["fc.maxpool", "fc.avgpool"])
        #expect(plan.graph["fc.maxpool"]?.inputs == ["layer4.1.relu2"])
    }

    @Test(arguments: [
        ("linear 512 256, relu", "expected 2"), ("linear 512 200, linear 200 5", "[256, 512]"),
        ("linear 256 5, linear 5 5", "[256, 512]"),
    ])
    func headsThatTheFileDoesNotHave(_ text: String, _ word: String) throws {
        let file = try file("resnet18", without: "fc.", two)
        let error = #expect(throws: ZooError.self) { try plan(file, head: text) }
        #expect(error.map { "\($0)" }?.contains(word) == true, "\(String(describing: error))")
        #expect(error?.remedy?.contains("--headless") == true)
    }

    @Test func onlyAnotherHeadIsDescribed() throws {
        let whole = try #require(Structure.named("resnet18", "torchvision")).entries
        let error = #expect(throws: ZooError.self) { try plan(whole, head: "linear 512 1000") }
        #expect(error?.code == .invalidArgument)
        let body = try file("resnet18", without: "fc.", [])
        #expect(throws: ZooError.self) { try plan(body, head: "linear 512 1000") }
    }

    @Test(arguments: [
        "", "relu", "linear 512", "linear 0 5", "linear 5 -1", "linear 5 5 5", "linear 5 5,, relu",
        "dropout 1, linear 5 5",
        "linear 5 5, avgpool", "softmax, linear 5 5", "linear 5 5, relu 3", "own, linear 5 5",
        "linear 9999999999 5",
        "linear 5 5, leakyrelu nan", "linear 5 5, magic",
    ])
    func wordsThatAreNotUnderstood(_ text: String) {
        let error = #expect(throws: ZooError.self) { try HeadDescription(text) }
        #expect(error?.remedy?.contains("Known are") == true)
    }
}
