extension DialectFamily {
    private static let landmarks = ["conv_block_1.0", "conv_block_2.2"]

    /// TinyVGG's names in learnpytorch.io's courses.
    static let tinyVGG: [DialectFamily] = [
        .ruled(
            "learnpytorch", "learnpytorch.io's names (conv_block_1, conv_block_2)", ["tinyvgg"],
            landmarks: landmarks, [NameRule("*", "*")]),
        .ruled(
            "learnpytorch-blocks", "learnpytorch.io's names in its first chapters (block_1, block_2)",
            ["tinyvgg"], landmarks: landmarks,
            [NameRule("conv_block_*", "block_*"), NameRule("classifier.1", "classifier.1")]),
        .ruled(
            "sequential", "children of learnpytorch.io's network, numbered", ["tinyvgg"],
            landmarks: landmarks,
            [NameRule("conv_block_{1}.{0}", "{0}.{0}"), NameRule("classifier.1", "2.1")]),
    ]
}
