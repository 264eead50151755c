import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

/// A network of layers, numbers and connections that are drawn: graphs in which maps are read several times, with
/// channels in whole blocks and in parts of blocks.
struct DrawnNetwork {
    /// With two, a normalised vector would be ±1 whatever it was before, and its gradient noise.
    static let batch = 3

    private let stream: RandomStream
    private var drawn: UInt64 = 0
    private var nodes: [Node] = []
    /// Feature maps so far, which later layers may read again.
    private var maps: [(path: String, shape: [Int])] = []
    private let input: InputShape
    /// Whether elements may be equal but for rounding, so that it isn't defined which is the largest.
    private var hasTies = false

    private init(seed: UInt64) {
        self.stream = RandomStream(seed: seed, name: "network")
        self.input = InputShape(channels: [3, 17, 32][Int(seed % 3)], height: 11, width: 10)
        self.maps = [(LayerGraph.inputPath, [DrawnNetwork.batch, input.channels, 11, 10])]
    }

    static func graph(seed: UInt64) throws -> LayerGraph {
        var network = DrawnNetwork(seed: seed)
        try network.draw()
        return try LayerGraph(architecture: "custom", input: network.input, nodes: network.nodes)
    }

    private mutating func below(_ count: Int) -> Int {
        drawn += 1
        return Int(stream.bits(at: drawn) % UInt32(max(count, 1)))
    }

    private mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

    private mutating func draw() throws {
        for _ in 0..<(6 + below(6)) { try addMapLayer() }
        let last = maps[maps.count - 1]
        let features: Int
        if below(2) == 0 {
            add(.globalPooling(GlobalPooling(reduction())), [last.path])
            features = last.shape[1]
        } else {
            add(.flatten(below(2) == 0 ? .channelsFirst : .channelsLast), [last.path])
            features = last.shape.dropFirst().reduce(1, *)
            // Means may be nearly the same for all samples, and normalising them is noise.
            if below(2) == 0 { add(.batchNormalization(BatchNormalization(features)), [top]) }
        }
        add(.dropout(probability: 0.3), [top])
        let vector = top
        add(.linear(Linear(features, 9)), [vector])
        if below(2) == 0 {
            let first = top
            add(.linear(Linear(features, 9, hasBias: false)), [vector])
            add(.add, [first, top])
        }
    }

    private mutating func reduction() -> Pooling.Operation {
        below(2) == 0 || hasTies ? .average : .maximum
    }

    private var top: String { nodes[nodes.count - 1].path }

    private mutating func add(_ layer: Layer, _ inputs: [String]) {
        nodes.append(Node("n\(nodes.count)", layer, inputs: inputs))
    }

    /// Adds a layer whose result is a feature map, and notes its shape; a function where the map is too small for it.
    private mutating func addMap(_ layer: Layer, _ inputs: [String]) throws {
        let operands = inputs.compactMap { path in maps.first { $0.path == path } }
        if let shape = try? layer.outputShape(of: operands.map { TensorShape($0.shape) }) {
            add(layer, inputs)
            maps.append((top, shape.dimensions))
        } else {
            try addMap(.activation(.tanh), [inputs[0]])
        }
    }

    private mutating func addMapLayer() throws {
        // Mostly the newest, sometimes one that others have read already.
        let (path, shape) = below(3) > 0 ? maps[maps.count - 1] : one(of: maps)
        let channels = shape[1]
        let isSmall = shape[2] < 6 || shape[3] < 6
        switch below(isSmall ? 9 : 14) {
        case 0, 1: try addMap(convolution(channels), [path])
        case 2 where shape[2] * shape[3] > 1:
            let layer = BatchNormalization(channels, hasScale: below(3) > 0, hasCenter: below(3) > 0)
            try addMap(.batchNormalization(layer), [path])
        case 3: try addMap(activation(channels), [path])
        case 4: try addCombination(path, shape)
        case 5:
            let factor = Extent(1 + below(2), 1 + below(2))
            hasTies = true
            try addMap(
                .upsampling(Upsampling(factor, interpolation: one(of: Upsampling.Interpolation.allCases))),
                [path])
        case 6: try addMap(move(shape), [path])
        case 7:
            let layers: [Layer] = [
                .dropout(probability: 0.2), .spatialDropout(probability: 0.2),
                .stochasticDepth(probability: 0.2),
            ]
            try addMap(one(of: layers), [path])
        case 8:
            let layer = TransposedConvolution(
                channels, channels, kernel: Extent(2 + below(2)), stride: Extent(1 + below(2)),
                padding: Padding(below(2)), groups: channels % 2 == 0 ? 1 + below(2) : 1,
                hasBias: below(2) == 0)
            try addMap(.transposedConvolution(layer), [path])
        case 9: try addMap(.cropping(sides()), [path])
        case 10:
            try addMap(
                .adaptivePooling(
                    AdaptivePooling(reduction(), output: Extent(4 + below(3), 5))),
                [path])
        case 11:
            let layer = LocalResponseNormalization(size: 2 + below(4), alpha: 0.5, beta: 0.75, k: 1)
            try addMap(.localResponseNormalization(layer), [path])
        case 12, 13:
            let layer = Pooling(
                reduction(), window: Extent(2 + below(2), 3),
                stride: Extent(1 + below(2)),
                padding: Padding(top: below(2), left: below(2), bottom: below(2), right: 1),
                ceilMode: below(2) == 0, countsPadding: below(2) == 0)
            try addMap(.pooling(layer), [path])
        default: try addMap(.activation(.tanh), [path])
        }
    }

    private mutating func sides() -> Padding {
        Padding(top: below(2), left: below(2), bottom: below(2), right: below(2))
    }

    private mutating func convolution(_ channels: Int) -> Layer {
        let isDepthwise = below(3) == 0
        let outputs = isDepthwise ? channels : one(of: [5, 16, 17, 32, 40])
        return .convolution(
            Convolution(
                channels, outputs, kernel: Extent(1 + below(3), 1 + below(3)),
                stride: Extent(1 + below(2), 1),
                padding: Padding(top: 1, left: below(2), bottom: 1, right: 1 + below(2)),
                groups: isDepthwise ? channels : 1, hasBias: below(2) == 0))
    }

    private mutating func activation(_ channels: Int) -> Layer {
        let functions: [Activation] = [
            .relu, .relu6, .leakyReLU(slope: 0.1), .silu, .sigmoid, .tanh, .hardSwish,
            .hardSigmoid(slope: 1.0 / 6), .elu(alpha: 1), .selu, .gelu(approximate: false),
            .gelu(approximate: true), .softplus, .rectifier(.init(slope: 0.1, threshold: -0.5, ceiling: 2)),
        ]
        let index = below(functions.count + 3)
        if index < functions.count { return .activation(functions[index]) }
        if index == functions.count { return .parametricReLU(channels: channels) }
        return index == functions.count + 1 ? .softmax : .rescaling(Rescaling(scale: [1.5], offset: [0.1]))
    }

    /// Elements in other places, or zeros around them.
    private mutating func move(_ shape: [Int]) -> Layer {
        switch below(4) {
        case 0: .permute(axes: [0, 1, 3, 2])
        case 1: .reshape(Reshape([shape[1], shape[3], shape[2]], order: .channelsLast))
        case 2: .reshape(Reshape([shape[1], shape[3], shape[2]]))
        default: .padding(sides())
        }
    }

    private mutating func addCombination(_ path: String, _ shape: [Int]) throws {
        switch below(5) {
        case 0:
            try addMap(.globalPooling(GlobalPooling(.average, keepsDimensions: true)), [path])
            try addMap(.activation(.sigmoid), [top])
            try addMap(.multiply, below(2) == 0 ? [top, path] : [path, top])
        case 1:
            // One channel for all.
            try addMap(.convolution(Convolution(shape[1], 1, kernel: Extent(1))), [path])
            try addMap(one(of: [.add, .multiply, .average]), [path, top])
        case 2:
            let others = maps.filter { $0.shape[2...] == shape[2...] }
            let axis = others.allSatisfy { $0.shape == shape } ? 1 + below(3) : 1
            try addMap(.concatenate(axis: axis), [path, one(of: others).path])
        default:
            let others = maps.filter { $0.shape == shape }
            try addMap(
                one(of: [.add, .multiply, .average]),
                [path, one(of: others).path] + (below(3) == 0 ? [one(of: others).path] : []))
        }
    }
}

extension OnTheEngine {
    @Suite struct DrawnNetworkTests {
        /// Seeds; others on request, among which one in some hundreds has gradients that nearly cancel, with more
        /// rounding noise than the rule allows for.
        static let seeds: Range<UInt64> = {
            let count = environment("ZOO_DRAWN_NETWORKS").flatMap { UInt64($0) } ?? 60
            return 0..<count
        }()

        @Test("Drawn networks compute what the reference does", arguments: seeds)
        func network(_ seed: UInt64) throws {
            let graph = try DrawnNetwork.graph(seed: seed)
            let parameters = try randomParameters(for: graph, seed: seed)
            let isTraining = seed % 2 == 0
            let moment = TrainingMoment(seed: seed, step: 1, firstSample: 3)
            let mode: ExecutionMode = isTraining ? .training(moment) : .inference
            let input = try randomTensor(
                graph.input.shape(batch: DrawnNetwork.batch), name: "input", seed: seed)
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters)
            // Some results are looked at, which changes what is fused and what shares memory.
            let asked = Set(graph.nodes.map(\.path).filter { ($0.count + $0.hashSum) % 4 == Int(seed % 5) })
            let wanted = try reference.forward(input, mode: mode, keeping: asked)
            let cotangent = try randomTensor(wanted.output.shape, name: "cotangent", seed: seed)
            let request = GradientRequest(input: true, activations: asked)
            let theirs = try reference.gradients(
                input: input, outputGradient: cotangent, mode: mode, request: request)
            var configuration = PlanConfiguration(
                .training, batch: DrawnNetwork.batch, isTraining: isTraining, keeping: asked,
                gradients: request)
            configuration.layout = FeatureLayout.allCases[Int(seed / 2 % 3)]
            let (chosen, engine) = (configuration, try sharedEngine.get())
            let (found, ours) = try engine.run { (context) throws(ZooError) in
                let plan = try ExecutionPlan.make(
                    graph, parameters: parameters, chosen, engine: engine, context)
                let gradients = try plan.gradients(
                    input: input, outputGradient: cotangent, moment, context)
                return (try plan.forward(input, moment, context), gradients)
            }
            #expect(try forwardError(found.output, wanted.output) <= 1e-4)
            for (path, tensor) in wanted.activations {
                #expect(try forwardError(#require(found.activations[path]), tensor) <= 1e-4, "\(path)")
            }
            try expectGradients(ours.parameters, theirs.parameters, tolerance: 1e-3, "seed \(seed)")
            #expect(try forwardError(#require(ours.input), #require(theirs.input)) <= 1e-3)
            for (path, tensor) in theirs.activations {
                #expect(
                    try forwardError(#require(ours.activations[path]), tensor) <= 1e-3, "gradient of \(path)")
            }
            for (path, tensor) in theirs.statistics.entries {
                #expect(try forwardError(#require(ours.statistics[path]), tensor) <= 1e-4, "\(path)")
            }
        }

        /// What no gradient passes through is folded and summed in place: for inference, and below what learns.
        @Test(
            "Drawn networks compute what the reference does, by plans for inference and behind frozen layers",
            arguments: seeds)
        func foldedNetwork(_ seed: UInt64) throws {
            let graph = try DrawnNetwork.graph(seed: seed)
            let parameters = try randomParameters(for: graph, seed: seed)
            let input = try randomTensor(
                graph.input.shape(batch: DrawnNetwork.batch), name: "input", seed: seed)
            let asked =
                seed % 3 == 0
                ? Set(graph.nodes.map(\.path).filter { ($0.count + $0.hashSum) % 5 == Int(seed % 5) }) : []
            let first = graph.nodes.count * Int(seed % 4) / 4
            let frozen = Set(graph.nodes.prefix(first).map(\.path))
            let moment = TrainingMoment(seed: seed, step: 2)
            let reference = try ReferenceExecutor(graph: graph, parameters: parameters, frozen: frozen)
            let wanted = try reference.forward(input, mode: .inference, keeping: asked)
            let cotangent = try randomTensor(wanted.output.shape, name: "cotangent", seed: seed)
            let theirs = try reference.gradients(
                input: input, outputGradient: cotangent, mode: .training(moment), request: GradientRequest())
            var inference = PlanConfiguration(.inference, batch: DrawnNetwork.batch, keeping: asked)
            inference.layout = seed % 2 == 0 ? nil : FeatureLayout.allCases[Int(seed / 2 % 3)]
            inference.threads = 1 + Int(seed % 3)
            var training = PlanConfiguration(.training, batch: DrawnNetwork.batch, frozen: frozen)
            training.threads = inference.threads
            let (fast, steps, engine) = (inference, training, try sharedEngine.get())
            let (found, ours) = try engine.run { (context) throws(ZooError) in
                let plan = try ExecutionPlan.make(
                    graph, parameters: parameters, steps, engine: engine, context)
                let gradients = try plan.gradients(
                    input: input, outputGradient: cotangent, moment, context)
                // On the parameters as the training plan lays them out, or on its own.
                let other =
                    seed % 2 == 0
                    ? try ExecutionPlan.make(plan.store, fast, context)
                    : try ExecutionPlan.make(graph, parameters: parameters, fast, engine: engine, context)
                let once = try other.forward(input, nil, context)
                #expect(try other.forward(input, nil, context).output.floats() == once.output.floats())
                return (once, gradients)
            }
            #expect(try forwardError(found.output, wanted.output) <= 1e-4)
            for (path, tensor) in wanted.activations {
                #expect(try forwardError(#require(found.activations[path]), tensor) <= 1e-4, "\(path)")
            }
            try expectGradients(ours.parameters, theirs.parameters, tolerance: 1e-3, "seed \(seed)")
            for (path, tensor) in theirs.statistics.entries {
                #expect(try forwardError(#require(ours.statistics[path]), tensor) <= 1e-4, "\(path)")
            }
        }
    }
}

extension String {
    /// A number that is the same in every process.
    fileprivate var hashSum: Int { utf8.reduce(0) { $0 &+ Int($1) } }
}
