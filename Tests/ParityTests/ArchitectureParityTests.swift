import Testing
import ZooCheckpoints
import ZooCompute
import ZooConversion
import ZooLayerGraphs
import ZooModels
import ZooTensors
import ZooTestSupport

/// The architectures against torchvision, timm and the courses' own modules, in each dialect: logits, results of layers, gradients of all
/// parameters, and what a pass in training mode makes of batch normalisations. Parameters are filled by formula, so
/// that a wrong epsilon, padding or order shows.
@Suite(.serialized) struct ArchitectureParityTests {
    /// A model of a framework's, by its file in tools/goldens/architectures.
    struct Source: CustomTestStringConvertible, Sendable {
        let file: String
        /// What ``Converter/Options/dialect`` has to say, where tensors alone can't tell.
        let dialect: String?
        /// 1e-5 without batch normalisations, 1e-4 with.
        let tolerance: Double
        /// The first of the four pictures that gradients are of (FIRST in golden_torch.py).
        var first = 0
        /// Channels and sides of the pictures.
        var pictures = [3, 64, 64]
        /// Whether the result is a picture that shall be the input; of such results the goldens have samples.
        var isAutoencoder = false

        var testDescription: String { file }
    }

    static let sources = [
        Source(file: "tinyvgg", dialect: nil, tolerance: 1e-5),
        Source(file: "tinyvgg-unpadded", dialect: nil, tolerance: 1e-5),
        Source(file: "tinyvgg-blocks", dialect: nil, tolerance: 1e-5, pictures: [1, 28, 28]),
        Source(
            file: "autoencoder", dialect: nil, tolerance: 1e-5, pictures: [1, 28, 28], isAutoencoder: true),
        Source(
            file: "autoencoder-odd", dialect: nil, tolerance: 1e-5, pictures: [3, 30, 30],
            isAutoencoder: true),
        Source(
            file: "autoencoder-pooled", dialect: nil, tolerance: 1e-5, pictures: [1, 28, 28],
            isAutoencoder: true),
        Source(file: "alexnet", dialect: nil, tolerance: 1e-5),
        Source(file: "vgg16", dialect: nil, tolerance: 1e-5),
        Source(file: "vgg16_bn", dialect: nil, tolerance: 1e-4, first: 3),
        Source(file: "resnet18", dialect: nil, tolerance: 1e-4),
        Source(file: "efficientnet_b0", dialect: nil, tolerance: 1e-4),
        Source(file: "timm-resnet18", dialect: "timm", tolerance: 1e-4),
        Source(file: "timm-vgg16", dialect: nil, tolerance: 1e-5),
        Source(file: "timm-vgg16_bn", dialect: nil, tolerance: 1e-4, first: 3),
        Source(file: "timm-efficientnet_b0", dialect: "timm", tolerance: 1e-4),
        Source(file: "timm-tf_efficientnet_b0", dialect: "timm-tf", tolerance: 1e-4),
        Source(file: "timm-efficientnet_lite0", dialect: "timm", tolerance: 1e-4),
        Source(file: "timm-tf_efficientnet_lite0", dialect: "timm-tf", tolerance: 1e-4),
    ]

    @Test(arguments: sources) func logitsAndLayers(source: Source) throws {
        let golden = try source.golden()
        let model = try source.model(golden)
        let executor = try Executors.plan.make(model)
        let activations = try golden.tensors(under: "activation64/")
        #expect(activations.count >= 5 || source.file == "autoencoder-pooled")
        let paths = activations.keys.reduce(into: [String: String]()) { $0[$1] = model.graph.last(of: $1) }
        let result = try executor.forward(
            source.input(16), mode: .inference, keeping: Set(paths.values))
        let wanted = try golden.tensor("logits64")
        try ParityRule.expect(
            "logits", source.compared(result.output, with: wanted), equals: wanted,
            single: golden.tensor("logits32"), within: source.tolerance)
        for picture in 0..<16 where !source.isAutoencoder {
            let (ours, theirs) = (try row(result.output, picture), try row(wanted, picture))
            #expect(topFive(ours) == topFive(theirs), "picture \(picture)")
        }
        for (path, wanted) in activations {
            let found = try #require(result.activations[paths[path] ?? path]).sliced(axis: 0, 0..<2)
            let sample = try Filling.sample(found, wanted.shape[0])
            try ParityRule.expect(
                path, Tensor(sample, shape: [sample.count]), equals: wanted,
                single: golden.tensor("activation32/\(path)"), within: source.tolerance)
        }
    }

    @Test(arguments: sources) func gradients(source: Source) throws {
        let golden = try source.golden()
        let model = try source.model(golden)
        let modes: [(String, ExecutionMode)] = [
            ("evaluation", .inference), ("training", .training(TrainingMoment(seed: 1))),
        ]
        for (name, mode) in modes where golden["\(name)/loss64"] != nil {
            let executor = try Executors.plan.make(model)
            try check(executor, source, mode: mode, name: name, golden: golden, model: model)
        }
    }

    private func check(
        _ executor: any Executor, _ source: Source, mode: ExecutionMode, name: String, golden: Checkpoint,
        model: Model
    ) throws {
        let input = try source.input(16).sliced(axis: 0, source.first..<(source.first + 4))
        let labels: [Int64] = [1, 4, 7, 0]
        let forward = try executor.forward(input, mode: mode, keeping: [])
        let wantedLogits = try golden.tensor("\(name)/logits64")
        try ParityRule.expect(
            "\(name) logits", source.compared(forward.output, with: wantedLogits), equals: wantedLogits,
            single: golden.tensor("\(name)/logits32"), within: 1e-4)
        let (loss, outputGradient) =
            source.isAutoencoder
            ? try Goldens.meanSquares(forward.output, input)
            : try Goldens.crossEntropy(logits: forward.output, labels: labels)
        let wantedLoss = try golden.tensor("\(name)/loss64").doubles()[0]
        #expect(abs(loss - wantedLoss) <= 1e-4 * wantedLoss, "\(name)")
        let result = try executor.gradients(
            input: input, outputGradient: outputGradient, mode: mode, request: GradientRequest())
        let norms = try golden.tensors(under: "\(name)/norm64/").mapValues { try $0.doubles()[0] }
        let whole = norms.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(result.parameters.count == norms.count)
        for (path, gradient) in result.parameters.entries {
            let key = model.keys[path] ?? path.description
            let norm = try #require(norms[key], "\(name): \(key)")
            let values = try gradient.doubles()
            let ours = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // A rectifier's kink makes single precision's errors large, PyTorch's too.
            let own = 4 * (try golden.tensor("\(name)/error32/\(key)").doubles()[0])
            #expect(
                abs(ours - norm) <= max(1e-3 * norm + 1e-5 * whole, own), "\(name): norm of \(key)")
            // Of the sample as much may be off as its share in the whole.
            let wanted = try golden.tensor("\(name)/gradient64/\(key)").doubles()
            let distance = zip(try Filling.sample(gradient, 16), wanted)
                .reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
            let share = (Double(wanted.count) / Double(values.count)).squareRoot()
            let size = wanted.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(
                distance <= max(1e-3 * max(size, norm * share) + 1e-5 * whole * share.squareRoot(), own),
                "\(name): \(key) is off by \(distance)")
        }
        let statistics = try golden.tensors(under: "\(name)/statistics64/")
        #expect(result.statistics.count == statistics.count, "\(name)")
        for (path, found) in result.statistics.entries {
            let key = model.keys[path] ?? path.description
            let sample = try Filling.sample(found, 16)
            try ParityRule.expect(
                key, Tensor(sample, shape: [sample.count]),
                equals: #require(statistics[key], "\(name): \(key)"),
                single: golden.tensor("\(name)/statistics32/\(key)"), within: 1e-4)
        }
    }

    private func row(_ logits: Tensor, _ number: Int) throws -> [Double] {
        try logits.sliced(axis: 0, number..<(number + 1)).doubles()
    }

    private func topFive(_ logits: [Double]) -> [Int] {
        Array(logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5))
    }
}

extension ArchitectureParityTests.Source {
    func golden() throws -> Checkpoint {
        try SafetensorsReader.read(
            ByteSource(path: TestFiles.path("tools/goldens/architectures/\(file).safetensors")),
            options: CheckpointReadOptions(keepPrefixes: true))
    }

    func input(_ count: Int) throws -> Tensor { try Filling.pictures(TensorShape([count] + pictures)) }

    /// A result, or the sample of it that the golden has.
    func compared(_ result: Tensor, with wanted: Tensor) throws -> Tensor {
        guard isAutoencoder else { return result }
        #expect(result.shape.dimensions.dropFirst() == pictures[...])
        return try Tensor(Filling.sample(result, wanted.shape[0]), shape: wanted.shape)
    }

    /// The filled state dict converted, with nothing dropped while training.
    func model(_ golden: Checkpoint) throws -> Model {
        let state = try Filling.stateDict(golden.entries())
        var options = Converter.Options()
        options.dialect = dialect
        // Weights of convolutions alone don't tell odd sizes from even ones.
        if isAutoencoder { options.inputSize = pictures[1] }
        return try Converter(options: options).convert(state).model.droppingNothing()
    }
}

extension Model {
    /// The same with nothing dropped while training.
    func droppingNothing() throws -> Model {
        return try Model(
            graph: graph.droppingNothing(), parameters: parameters, keys: keys, preprocessing: preprocessing)
    }
}

extension Checkpoint {
    /// Names and shapes of the state dict that the golden is about, or of one of several.
    func entries(_ model: String? = nil) throws -> [(key: String, shape: [Int])] {
        let text = try #require(extras["__metadata__"]?["entries"]?.stringValue)
        let document = try JSONParser.parse(text)
        let rows = try #require(model.map { document[$0]?.arrayValue } ?? document.arrayValue)
        return try rows.map { row in
            let pair = try #require(row.arrayValue)
            return (
                try #require(pair[0].stringValue), try #require(pair[1].arrayValue).compactMap(\.intValue)
            )
        }
    }
}

extension LayerGraph {
    /// The last layer of those at a path or below it: whose result a framework's module of that name gives.
    fileprivate func last(of path: String) -> String {
        nodes.last { $0.path == path || $0.path.hasPrefix("\(path).") }?.path ?? path
    }
}

/// The rest of the families: logits of one picture.
@Suite(.serialized) struct FamilyParityTests {
    @Test(arguments: [
        "vgg11", "vgg13", "vgg19", "vgg11_bn", "vgg13_bn", "vgg19_bn", "resnet34", "resnet50", "resnet101",
        "resnet152", "efficientnet_b1", "efficientnet_b2",
    ])
    func logits(name: String) throws {
        let golden = try SafetensorsReader.read(
            ByteSource(path: TestFiles.path("tools/goldens/architectures/rows.safetensors")),
            options: CheckpointReadOptions(keepPrefixes: true))
        let entries = try golden.entries(name)
        let model = try Converter().convert(Filling.stateDict(entries)).model
        #expect(model.graph.architecture == name)
        let output = try Executors.plan.make(model).forward(Filling.pictures([1, 3, 64, 64])).output
        try ParityRule.expect(
            name, output, equals: golden.tensor("\(name)/logits64"),
            single: golden.tensor("\(name)/logits32"),
            within: name.hasPrefix("vgg") && !name.hasSuffix("bn") ? 1e-5 : 1e-4)
    }
}
