extension DialectFamily {
    /// The names under which people save LeNet in PyTorch.
    static let lenet: [DialectFamily] = [
        .pairs(
            "pytorch-tutorial", "the PyTorch tutorial's names", architecture: "lenet",
            ["conv1": "conv1", "conv2": "conv2", "fc1": "fc1", "fc2": "fc2", "fc3": "fc3"]),
        .pairs(
            "d2l-net", "d2l's names, newer editions", architecture: "lenet-d2l",
            ["net.0": "net.0", "net.3": "net.3", "net.7": "net.7", "net.9": "net.9", "net.11": "net.11"]),
        .pairs(
            "d2l-sequential", "d2l's names, a plain Sequential", architecture: "lenet-d2l",
            ["net.0": "0", "net.3": "3", "net.7": "7", "net.9": "9", "net.11": "11"]),
        .pairs(
            "d2l-reshape", "d2l's names, first edition with a leading Reshape", architecture: "lenet-d2l",
            ["net.0": "1", "net.3": "4", "net.7": "8", "net.9": "10", "net.11": "12"]),
        .pairs(
            "classic-sequential", "feature_extractor and classifier", architecture: "lenet-classic",
            [
                "feature_extractor.0": "feature_extractor.0", "feature_extractor.3": "feature_extractor.3",
                "feature_extractor.6": "feature_extractor.6", "classifier.0": "classifier.0",
                "classifier.2": "classifier.2",
            ]),
        .pairs(
            "classic-named", "three numbered convolutions", architecture: "lenet-classic",
            [
                "feature_extractor.0": "conv1", "feature_extractor.3": "conv2",
                "feature_extractor.6": "conv3",
                "classifier.0": "fc1", "classifier.2": "fc2",
            ]),
        .pairs(
            "classic-paper", "the paper's own layer names", architecture: "lenet-classic",
            [
                "feature_extractor.0": "c1", "feature_extractor.3": "c3", "feature_extractor.6": "c5",
                "classifier.0": "f6", "classifier.2": "f7",
            ]),
    ]

    /// One dialect of one architecture, name by name.
    private static func pairs(
        _ name: String, _ title: String, architecture: String, _ layers: KeyValuePairs<String, String>
    ) -> DialectFamily {
        let pairs = layers.map { Dialect.Pair($0.key, $0.value) }
        return DialectFamily([name], [architecture], landmarks: pairs.map(\.source)) {
            [
                Dialect(
                    name, title, architecture: architecture, layers: pairs,
                    classifier: self.layers(of: architecture).classifier)
            ]
        }
    }
}
