import ZooArchitectures

extension DialectFamily {
    private static let resnets = ResNet.Depth.allCases.map { "resnet\($0.rawValue)" }
    private static let landmarks = ["conv1", "layer1.0.conv1", "layer4.0.conv1"]

    /// ResNet's names. timm's are torchvision's.
    static let resnet: [DialectFamily] = [
        .ruled(
            "torchvision", "torchvision's names", resnets, landmarks: landmarks,
            [NameRule("*", "*")]),
        .ruled("timm", "timm's names, which are torchvision's", resnets, landmarks: [], [NameRule("*", "*")]),
        .ruled(
            "huggingface", "Hugging Face's names", resnets, landmarks: landmarks,
            [
                NameRule("conv1", "resnet.embedder.embedder.convolution"),
                NameRule("bn1", "resnet.embedder.embedder.normalization"),
                NameRule(
                    "layer{1}.{0}.conv{1}", "resnet.encoder.stages.{0}.layers.{0}.layer.{0}.convolution"),
                NameRule(
                    "layer{1}.{0}.bn{1}", "resnet.encoder.stages.{0}.layers.{0}.layer.{0}.normalization"),
                NameRule(
                    "layer{1}.{0}.downsample.0", "resnet.encoder.stages.{0}.layers.{0}.shortcut.convolution"),
                NameRule(
                    "layer{1}.{0}.downsample.1", "resnet.encoder.stages.{0}.layers.{0}.shortcut.normalization"
                ),
                NameRule("fc", "classifier.1"),
            ]),
        // Sequential(*children): the ReLU is child 2, the pooling 3, the stages 4 to 7, the average 8.
        .ruled(
            "sequential", "children of torchvision's network, numbered", resnets, landmarks: landmarks,
            [
                NameRule("conv1", "0"), NameRule("bn1", "1"),
                NameRule("layer{1}.{0}.conv{1}", "{4}.{0}.conv{1}"),
                NameRule("layer{1}.{0}.bn{1}", "{4}.{0}.bn{1}"),
                NameRule("layer{1}.{0}.downsample.{0}", "{4}.{0}.downsample.{0}"), NameRule("fc", "9"),
            ]),
        .ruled(
            "fastai", "fastai's body", resnets, landmarks: landmarks,
            [
                NameRule("conv1", "0.0"), NameRule("bn1", "0.1"),
                NameRule("layer{1}.{0}.conv{1}", "0.{4}.{0}.conv{1}"),
                NameRule("layer{1}.{0}.bn{1}", "0.{4}.{0}.bn{1}"),
                NameRule("layer{1}.{0}.downsample.{0}", "0.{4}.{0}.downsample.{0}"),
            ]),
        .ruled(
            "backbone", "torchvision's names in a backbone", resnets, landmarks: landmarks,
            [
                NameRule("conv1", "backbone.conv1"), NameRule("bn1", "backbone.bn1"),
                NameRule("layer*", "backbone.layer*"),
            ]),
    ]
}
