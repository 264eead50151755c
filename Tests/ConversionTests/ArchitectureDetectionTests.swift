import Testing
import ZooArchitectures
import ZooCheckpoints
import ZooConversion
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// Which of the larger networks a checkpoint is taken for, in which dialect, and why.
@Suite struct ArchitectureDetectionTests {
    private typealias Entries = [(name: String, shape: TensorShape)]

    private func checkpoint(_ entries: Entries) throws -> Checkpoint {
        let tensors = try entries.map { entry in
            let type: ElementType = entry.name.hasSuffix("num_batches_tracked") ? .i64 : .f32
            return CheckpointTensor(
                name: entry.name, tensor: try Tensor(zeros: entry.shape, elementType: type))
        }
        return try Checkpoint(format: .pytorchZip, path: "model.pth", tensors: tensors)
    }

    private func plan(
        _ entries: Entries, _ change: (inout Converter.Options) -> Void = { _ in }
    ) throws -> ConversionPlan {
        var options = Converter.Options()
        change(&options)
        return try Converter(options: options).plan(checkpoint(entries))
    }

    private func entries(_ architecture: String, _ dialect: String = "torchvision") throws -> Entries {
        try #require(Structure.named(architecture, dialect)).entries
    }

    /// ResNet18's entries with other beginnings of their names, and perhaps without the head.
    private func resnet(renamed: [String: String], keepsHead: Bool = false) throws -> Entries {
        try entries("resnet18").compactMap { entry in
            let parts = entry.name.split(separator: ".", maxSplits: 1)
            guard let first = renamed[String(parts[0])] else {
                return keepsHead || parts[0] != "fc" ? entry : nil
            }
            return ("\(first).\(parts[1])", entry.shape)
        }
    }

    private let numbered = [
        "conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7",
    ]

    @Test(arguments: Structure.all) func librariesFilesAreRecognised(_ structure: Structure) throws {
        let plan = try plan(structure.entries)
        #expect(plan.architecture.name == structure.architecture)
        #expect(plan.missing.isEmpty && plan.mismatched.isEmpty && plan.unused.isEmpty)
        #expect(plan.graph.classCount == 1_000 && plan.graph.input.channels == 3)
        try plan.requireComplete(file: nil)
        let name = try #require(plan.origin.dialect?.name)
        switch structure.dialect {
        case "timm" where structure.architecture.hasPrefix("resnet"): #expect(name == "torchvision")
        case "timm-tf": #expect(name == "timm")
        default: #expect(name == structure.dialect)
        }
    }

    @Test func numbersFollowTheDialect() throws {
        func padding(_ plan: ConversionPlan) -> Padding? {
            guard case .convolution(let layer)? = plan.graph["features.0.0"]?.layer else { return nil }
            return layer.padding
        }
        func normalization(_ plan: ConversionPlan) -> BatchNormalization? {
            guard case .batchNormalization(let layer)? = plan.graph["features.0.1"]?.layer else { return nil }
            return layer
        }
        let timm = try entries("efficientnet_b0", "timm")
        let byDefault = try plan(timm)
        #expect(padding(byDefault) == Padding(1) && normalization(byDefault)?.epsilon == 1e-5)
        #expect(byDefault.assumptions.contains { $0.contains("--dialect timm-tf") })
        let asked = try plan(timm) { $0.dialect = "timm-tf" }
        #expect(padding(asked) == Padding(top: 0, left: 0, bottom: 1, right: 1))
        #expect(normalization(asked)?.epsilon == 1e-3 && normalization(asked)?.momentum == 0.1)
        #expect(!asked.assumptions.contains { $0.contains("--dialect") })
        #expect(asked.assumptions.contains { $0.contains("224×224") })
        let ported = try plan(entries("efficientnet_b0", "efficientnet-pytorch"))
        #expect(padding(ported) == padding(asked) && normalization(ported)?.momentum == 0.01)
        #expect(try padding(plan(timm) { ($0.dialect, $0.inputSize) = ("timm-tf", 225) }) == Padding(1))
    }

    /// timm's own folders say which of the two networks it is.
    @Test func configurationsDecide() throws {
        for (name, dialect) in [("tf_efficientnet_b0", "timm-tf"), ("efficientnet_b0", "timm")] {
            var extras = JSONObject()
            extras[CheckpointFolder.configurationKey] = ["architecture": .string(name)]
            let file = try checkpoint(entries("efficientnet_b0", "timm")).with(extras: extras)
            let plan = try Converter().plan(file)
            #expect(plan.origin.dialect?.name == dialect)
            #expect(plan.origin.evidence.contains { $0.contains(name) })
            #expect(!plan.assumptions.contains { $0.contains("--dialect") })
        }
    }

    @Test func classNamesMustBeAsManyAsTheClasses() throws {
        var options = Converter.Options()
        options.labels = ["cat", "dog"]
        #expect {
            try Converter(options: options).convert(checkpoint(entries("resnet18")))
        } throws: { error in
            let error = error as? ZooError
            return error?.expected == "1000" && error?.found == "2"
        }
    }

    @Test func dialectsThatDoNotGoWithTheNamesAreRefused() throws {
        let file = try entries("efficientnet_b0")
        for (dialect, found) in [("timm", "torchvision"), ("keras", "PyTorch"), ("tim", "timm")] {
            #expect {
                try plan(file) { $0.dialect = dialect }
            } throws: { error in
                let error = error as? ZooError
                return error?.found?.contains(found) == true || error?.remedy?.contains(found) == true
            }
        }
        #expect(try plan(file) { $0.dialect = "torchvision" }.origin.dialect?.name == "torchvision")
        #expect(try plan(entries("resnet18")) { $0.dialect = "timm" }.architecture.name == "resnet18")
    }

    @Test func classesChannelsAndTheEvidence() throws {
        let shapes: [String: TensorShape] = [
            "fc.weight": [7, 512], "fc.bias": [7], "conv1.weight": [64, 1, 7, 7],
        ]
        let plan = try plan(entries("resnet18").map { ($0.name, shapes[$0.name] ?? $0.shape) })
        #expect(plan.graph.classCount == 7 && plan.graph.input.channels == 1)
        try plan.requireComplete(file: nil)
        let evidence = plan.origin.evidence.joined(separator: "; ")
        #expect(
            evidence.contains("41 of 41 layers") && evidence.contains("fc.weight [7, 512]: 7 classes"))
        #expect(evidence.contains("conv1.weight [64, 1, 7, 7]: pictures have 1 channel"))
    }

    @Test(arguments: ["resnet18", "vgg11", "alexnet", "efficientnet_b0"])
    func filesWithoutAClassifier(_ architecture: String) throws {
        let file = try entries(architecture).filter {
            !$0.name.hasPrefix("fc.") && !$0.name.hasPrefix("classifier.")
        }
        let plan = try plan(file)
        try plan.requireComplete(file: nil)
        #expect(plan.architecture.name == architecture && plan.graph.head == nil)
        #expect(plan.origin.evidence.contains { $0.contains("ends with its features") })
    }

    @Test func namesThatPeopleMake() throws {
        let body = try plan(resnet(renamed: numbered))
        #expect(body.architecture.name == "resnet18" && body.graph.head == nil)
        try body.requireComplete(file: nil)
        // Sequential(*children[:-1], Flatten(), Linear(512, 5)), and a backbone beside a classifier.
        let head: Entries = [("10.weight", [5, 512]), ("10.bias", [5])]
        let whole = try plan(resnet(renamed: numbered) + head)
        #expect(whole.graph.classCount == 5)
        #expect(whole.assumptions.contains { $0.contains("10 is the head") })
        try whole.requireComplete(file: nil)
        let names = ["conv1", "bn1", "layer1", "layer2", "layer3", "layer4"].map { ($0, "backbone.\($0)") }
        let backbone = try plan(
            resnet(renamed: Dictionary(uniqueKeysWithValues: names))
                + [("classifier.weight", [9, 512]), ("classifier.bias", [9])])
        #expect(backbone.graph.classCount == 9 && backbone.origin.dialect?.name == "backbone")
        // vgg16.features.state_dict()
        let features = try entries("vgg16").filter { $0.name.hasPrefix("features.") }
        let alone = try plan(features.map { (String($0.name.dropFirst(9)), $0.shape) })
        #expect(alone.architecture.name == "vgg16" && alone.graph.head == nil)
    }

    @Test func anotherHeadIsShownAndTheBodyCanBeTaken() throws {
        let prefixed = numbered.mapValues { "0.\($0)" }
        let head: Entries = [
            ("1.2.weight", [1_024]), ("1.2.bias", [1_024]), ("1.4.weight", [512, 1_024]),
            ("1.8.weight", [5, 512]),
        ]
        let file = try resnet(renamed: prefixed) + head
        let plan = try plan(file)
        #expect(plan.architecture.name == "resnet18" && plan.origin.foreignHead == ["1.2", "1.4", "1.8"])
        #expect(plan.nearMiss?.contains("but for its head") == true)
        #expect { try plan.requireComplete(file: nil) } throws: {
            ($0 as? ZooError)?.remedy?.contains("--headless") == true
        }
        let body = try self.plan(file) { $0.isHeadless = true }
        #expect(body.origin.foreignHead.isEmpty && body.graph.head == nil)
        try body.requireComplete(file: nil)
        // The classifier of a whole file is left out as well.
        let known = try self.plan(entries("resnet18")) { $0.isHeadless = true }
        #expect(known.graph.head == nil && known.unused == ["fc.weight", "fc.bias"])
        try known.requireComplete(file: nil)
    }

    @Test func oneLayerMissingAndOneTransposed() throws {
        let complete = try entries("resnet18")
        let lacking = try plan(complete.filter { $0.name != "layer3.1.bn2.weight" })
        #expect(
            lacking.nearMiss?.contains("resnet18 by torchvision's names, but for layer3.1.bn2.weight") == true
        )
        #expect { try lacking.requireComplete(file: nil) } throws: {
            ($0 as? ZooError)?.tensor == "layer3.1.bn2.weight"
        }
        let turned = try plan(complete.map { $0.name == "fc.weight" ? ($0.name, [512, 1_000]) : $0 })
        #expect { try turned.requireComplete(file: nil) } throws: { error in
            let error = error as? ZooError
            return error?.tensor == "fc.weight" && error?.expected == "[1000, 512]"
                && error?.remedy?.contains("transposed") == true
        }
    }

    @Test func anotherArchitectureThanTheOneAskedFor() throws {
        for (asked, file) in [("resnet34", "resnet18"), ("vgg16", "vgg19"), ("efficientnet_b0", "resnet50")] {
            #expect(throws: ZooError.self, "\(asked) for \(file)") {
                try plan(entries(file)) { $0.architecture = asked }.requireComplete(file: nil)
            }
        }
        // Wide and grouped relatives have ResNet50's names.
        let wide = try entries("resnet50").map { entry -> (name: String, shape: TensorShape) in
            entry.name == "layer1.0.conv1.weight" || entry.name == "layer1.1.conv1.weight"
                ? (entry.name, [128, entry.shape[1], 1, 1]) : entry
        }
        #expect { try plan(wide).requireComplete(file: nil) } throws: {
            ($0 as? ZooError)?.remedy?.contains("has the names of resnet50") == true
        }
    }

    @Test func theAlexNetOfTwelveIsExplained() throws {
        let first: Entries = [
            ("features.0.weight", [96, 3, 11, 11]), ("features.0.bias", [96]),
            ("features.3.weight", [256, 48, 5, 5]), ("features.3.bias", [256]),
        ]
        let rest = try entries("alexnet").filter {
            !["features.0", "features.3"].contains($0.name.prefix(10))
        }
        let caffe: Entries = [("conv1.weight", [96, 3, 11, 11]), ("conv2.weight", [256, 48, 5, 5])]
        for file in [first + rest, caffe] {
            #expect { try plan(file) } throws: {
                ($0 as? ZooError)?.problem.contains("AlexNet of 2012") == true
            }
        }
    }

    /// Without a name to go by, the order and the shapes must be a network's, and then they are.
    @Test func orderDecidesWhenNoNameDoes() throws {
        let file = try entries("resnet18").filter { !$0.name.hasSuffix("num_batches_tracked") }
        let anonymous = file.enumerated().map { ("tensor\($0.offset)", $0.element.shape) }
        let plan = try plan(anonymous)
        #expect(plan.architecture.name == "resnet18")
        #expect(plan.assumptions.contains { $0.contains("by its place and shape") })
        #expect(throws: ZooError.self) { try self.plan(Array(anonymous.dropLast())) }
    }

    @Test func strangersSeeWhatIsNearest() throws {
        let half = try entries("resnet18").filter {
            !$0.name.hasPrefix("layer3") && !$0.name.hasPrefix("layer4")
        }
        let others: Entries = (0..<12).map { ("decoder.\($0).weight", [8, 8, 3, 3]) }
        #expect { try plan(half + others) } throws: { error in
            let error = error as? ZooError
            return error?.code == .unknownArchitecture
                && error?.remedy?.contains("Nearest are resnet18") == true
        }
    }
}
