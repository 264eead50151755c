import ZooArchitectures
import ZooLayerGraphs

extension DialectFamily {
    private static let scaled = ["efficientnet_b0", "efficientnet_b1", "efficientnet_b2"]
    private static let scales = scaled + ["efficientnet_lite0"]
    private static let landmarks = ["features.0.0", "features.1.0.block.0.0", "features.8.0"]

    /// EfficientNet's names. Those of timm stand for two networks, in PyTorch's and in TensorFlow's numbers; torchvision
    /// has no Lite.
    static let efficientNet: [DialectFamily] = [
        .ruled("torchvision", "torchvision's names", scaled, landmarks: landmarks, [NameRule("*", "*")]),
        DialectFamily(["timm", "timm-tf"], scales, landmarks: timm.landmarks) {
            scales.flatMap { scale in
                [
                    timm.dialect(
                        "timm", "timm's names", scale, conventions: .pytorch, preprocessing: .timm(scale)),
                    timm.dialect(
                        "timm-tf", "timm's names, TensorFlow's numbers", scale, conventions: .timmTensorFlow,
                        preprocessing: .timmTensorFlow(scale)),
                ]
            }
        },
        DialectFamily(["efficientnet-pytorch"], scales, landmarks: lukemelas.landmarks) {
            scales.map {
                lukemelas.dialect(
                    "efficientnet-pytorch", "the names of the efficientnet_pytorch package", $0,
                    conventions: .tensorflow, preprocessing: .lukemelas($0))
            }
        },
        .ruled(
            "sequential", "children of torchvision's network, numbered", scaled, landmarks: landmarks,
            [NameRule("features.*", "0.*"), NameRule("classifier.*", "2.*")]),
        .ruled(
            "fastai", "fastai's body", scaled, landmarks: landmarks, [NameRule("features.*", "0.0.*")]),
        .ruled(
            "backbone", "torchvision's names in a backbone", scaled, landmarks: landmarks,
            [NameRule("features.*", "backbone.features.*")]),
    ]

    /// timm's names: a block's place is its stage's and its own; `pw` and `pwl` are the first and the last of three
    /// convolutions, and in blocks of two the last is `pw`.
    private static let timm = EfficientNetNames(
        stem: ("conv_stem", "bn1"), top: ("conv_head", "bn2"), head: "classifier",
        block: { "blocks.\($0.stage - 1).\($0.position)" },
        expanded: [
            .expand: "conv_pw", .expandNorm: "bn1", .depthwise: "conv_dw", .depthwiseNorm: "bn2",
            .reduce: "se.conv_reduce", .excite: "se.conv_expand", .project: "conv_pwl", .projectNorm: "bn3",
        ],
        plain: [
            .depthwise: "conv_dw", .depthwiseNorm: "bn1", .reduce: "se.conv_reduce",
            .excite: "se.conv_expand", .project: "conv_pw", .projectNorm: "bn2",
        ])

    /// lukemelas' names, which efficientnet_lite_pytorch kept: blocks are numbered through.
    private static let lukemelas = EfficientNetNames(
        stem: ("_conv_stem", "_bn0"), top: ("_conv_head", "_bn1"), head: "_fc",
        block: { "_blocks.\($0.number)" },
        expanded: [
            .expand: "_expand_conv", .expandNorm: "_bn0", .depthwise: "_depthwise_conv",
            .depthwiseNorm: "_bn1", .reduce: "_se_reduce", .excite: "_se_expand",
            .project: "_project_conv", .projectNorm: "_bn2",
        ],
        plain: [
            .depthwise: "_depthwise_conv", .depthwiseNorm: "_bn1", .reduce: "_se_reduce",
            .excite: "_se_expand", .project: "_project_conv", .projectNorm: "_bn2",
        ])
}

/// A source's names for the steps of an EfficientNet: one table for every row of the family.
struct EfficientNetNames: Sendable {
    let stem: (convolution: String, norm: String)
    let top: (convolution: String, norm: String)
    let head: String
    /// The name of a block.
    let block: @Sendable (EfficientNetBlock) -> String
    /// What stands between a block's name and a step's.
    var separator = "."
    /// Names of the steps in blocks with an expansion, and in those without.
    let expanded, plain: [EfficientNetBlock.Step: String]

    var landmarks: [String] { [stem.convolution, top.convolution, stem.norm] }

    func dialect(
        _ name: String, _ title: String, _ scale: String, framework: Framework = .pytorch,
        conventions: Conventions, preprocessing: Preprocessing? = nil
    ) -> Dialect {
        var layers = [
            Dialect.Pair("features.0.0", stem.convolution), Dialect.Pair("features.0.1", stem.norm),
        ]
        let network = EfficientNet(EfficientNet.Scale(rawValue: scale) ?? .b0)
        for block in network.blocks {
            let names = block.hasExpansion ? expanded : plain
            for step in EfficientNetBlock.Step.allCases {
                guard let path = block.path(of: step), let name = names[step] else { continue }
                layers.append(Dialect.Pair(path, "\(self.block(block))\(separator)\(name)"))
            }
        }
        layers += [
            Dialect.Pair("features.8.0", top.convolution), Dialect.Pair("features.8.1", top.norm),
            Dialect.Pair("classifier.1", head),
        ]
        return Dialect(
            name, title, architecture: scale, framework: framework, layers: layers,
            classifier: [Dialect.ClassifierLayer(path: "classifier.1", features: network.features)],
            conventions: conventions, preprocessing: preprocessing)
    }
}

extension Preprocessing {
    /// Pictures as timm's default configuration of the network has them, by its input size and crop share.
    fileprivate static func timm(_ scale: String) -> Preprocessing? {
        switch scale {
        case "efficientnet_b1": halves(240, shorterSide: 266)
        case "efficientnet_b2": imageNet(256, shorterSide: 292, interpolation: .bicubic)
        case "efficientnet_lite0": imageNet(224, interpolation: .bicubic)
        default: nil
        }
    }

    /// The same of its `tf_` networks.
    fileprivate static func timmTensorFlow(_ scale: String) -> Preprocessing? {
        switch scale {
        case "efficientnet_b1": imageNet(240, shorterSide: 272, interpolation: .bicubic)
        case "efficientnet_b2": imageNet(260, shorterSide: 292, interpolation: .bicubic)
        case "efficientnet_lite0": halves(224, shorterSide: 256)
        default: nil
        }
    }

    /// Pictures at the size that the efficientnet_pytorch package states.
    fileprivate static func lukemelas(_ scale: String) -> Preprocessing? {
        scale == "efficientnet_b2" ? imageNet(260, shorterSide: 292, interpolation: .bicubic) : nil
    }

    /// Pixels brought to −1…1.
    private static func halves(_ size: Int, shorterSide: Int) -> Preprocessing {
        var result = imageNet(size, shorterSide: shorterSide, interpolation: .bicubic)
        (result.mean, result.standardDeviation) = ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
        return result
    }
}
