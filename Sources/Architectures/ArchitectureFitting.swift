package import ZooLayerGraphs
package import ZooTensors

extension Architecture {
    /// Describes a network whose class count and input channels show in the shapes of two parameters, and that takes
    /// pictures of any size.
    /// - Parameters:
    ///   - stem: the weight of the first convolution; its axis 1 are the pictures' channels.
    ///   - head: the weight of the last linear layer; the classes are its rows.
    ///   - conventions: whose numbers the network is known in; with more than one, they are a choice.
    ///   - check: refuses shapes of a network that only looks alike.
    init(
        name: String, title: String, family: String, paper: String, initialization: Initialization,
        preprocessing: Preprocessing, stem: ParameterPath, head: ParameterPath,
        conventions: [Conventions] = [.pytorch],
        graph: @escaping @Sendable (ArchitectureOptions) throws(ZooError) -> LayerGraph,
        check: @escaping @Sendable ([ParameterPath: TensorShape]) throws(ZooError) -> Void = {
            (_) throws(ZooError) in
        }
    ) {
        let checked: @Sendable (ArchitectureOptions) throws(ZooError) -> LayerGraph = {
            (options) throws(ZooError) in
            try Architecture.require(options, name, conventions: conventions)
            return try graph(options)
        }
        self.init(
            name: name, title: title, family: family, paper: paper, initialization: initialization,
            preprocessing: preprocessing, graph: checked,
            fitted: { (shapes, options) throws(ZooError) in
                try check(shapes)
                var options = options
                if let shape = shapes[stem], shape.rank == 4, shape[1] > 0 {
                    options.inputChannels = shape[1]
                }
                // The bias tells the classes also where the weight is turned round.
                if let shape = shapes[ParameterPath(head.node, .bias)] ?? shapes[head], shape.rank > 0,
                    shape[0] > 0
                {
                    options.classes = shape[0]
                }
                return (try checked(options), [])
            })
    }

    /// Refuses conventions that a network isn't known in, and numbers that no network has.
    static func require(
        _ options: ArchitectureOptions, _ name: String, conventions: [Conventions]
    ) throws(ZooError) {
        if let asked = options.conventions, !conventions.contains(asked) {
            throw ZooError(
                .invalidArgument, "\(name) isn't known with this padding and epsilon",
                found: "\(asked.padding.rawValue) padding, epsilon \(asked.epsilon)")
        }
        for (what, number, most) in [
            ("classes", options.classes, 1 << 20), ("channels of pictures", options.inputChannels, 4_096),
            ("pixels on a side", options.inputSize, 16_384),
        ] {
            guard let number, !(1...most).contains(number) else { continue }
            throw ZooError(
                .invalidArgument, "\(name) can't have this number of \(what)", expected: "1 to \(most)",
                found: "\(number)")
        }
    }
}

extension LayerGraph {
    /// Shapes of all parameters by their paths: what ``Architecture/fitted`` works a network out from.
    package var parameterShapes: [ParameterPath: TensorShape] {
        parameters.reduce(into: [:]) { $0[$1.path] = $1.shape }
    }
}

extension Preprocessing {
    /// What ImageNet's pictures get in PyTorch: the shorter side to 256, the middle, and the usual mean and standard
    /// deviation. Sources differ and weights don't tell, so this is an assumption.
    package static func imageNet(
        _ size: Int, shorterSide: Int? = nil, interpolation: Interpolation = .bilinear
    ) -> Preprocessing {
        Preprocessing(
            channels: .rgb, shorterSide: shorterSide ?? size * 256 / 224, crop: Extent(size),
            interpolation: interpolation, mean: [0.485, 0.456, 0.406],
            standardDeviation: [0.229, 0.224, 0.225], isAssumed: true)
    }
}
