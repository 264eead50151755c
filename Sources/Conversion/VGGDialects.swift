import ZooArchitectures

extension DialectFamily {
    private static let vggs = VGG.Depth.allCases.flatMap { ["vgg\($0.rawValue)", "vgg\($0.rawValue)_bn"] }
    private static let landmarks = ["features.0", "features.3", "features.8"]

    /// VGG's names, and AlexNet's, whose modules are called the same.
    static let vgg: [DialectFamily] = [
        .ruled(
            "torchvision", "torchvision's names", ["alexnet"] + vggs, landmarks: landmarks,
            [NameRule("*", "*")]),
        // timm computes the first two linear layers as convolutions.
        .ruled(
            "timm", "timm's names", vggs, landmarks: ["classifier.0", "classifier.3"],
            [
                NameRule("features.*", "features.*"),
                NameRule("classifier.0", "pre_logits.fc1", kernel: 7),
                NameRule("classifier.3", "pre_logits.fc2", kernel: 1),
                NameRule("classifier.6", "head.fc"),
            ]),
        .ruled(
            "sequential", "children of torchvision's network, numbered", ["alexnet"] + vggs,
            landmarks: landmarks,
            [NameRule("features.*", "0.*"), NameRule("classifier.*", "2.*")]),
        .ruled(
            "features", "the layers of torchvision's features alone, numbered", ["alexnet"] + vggs,
            landmarks: landmarks, [NameRule("features.*", "*")]),
        .ruled(
            "fastai", "fastai's body", ["alexnet"] + vggs, landmarks: landmarks,
            [NameRule("features.*", "0.0.*")]),
        .ruled(
            "backbone", "torchvision's names in a backbone", ["alexnet"] + vggs, landmarks: landmarks,
            [NameRule("features.*", "backbone.features.*")]),
    ]
}
