import Menagerie

/// The README's program, as it stands there.
func wholeJob(zoo: String) throws {
    // begin
    // The command reads HDF5 files for us, in a process of its own.
    let opener = ModelOpener(isolation: .helper(executable: zoo))
    let (digits, report) = try opener.open("zoo/weights/lenet-mnist.h5")
    print(report?.plan.dialect ?? "a native file")
    let clothes = try HeadReplacement(labels: ["shirt", "bag", "boot"]).apply(to: digits)
    let executor = try ReferenceExecutor(graph: clothes.graph, parameters: clothes.parameters)
    let logits = try executor.forward(Tensor(zeros: [1, 1, 28, 28])).output
    print(logits.shape)  // [1, 3]
    try ModelExporter.write(clothes, to: "clothes.pth", format: .pytorch)
    // end
}
