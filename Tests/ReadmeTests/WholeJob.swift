import Menagerie

/// The README's program, as it stands there.
func wholeJob(zoo: String) throws {
    // begin
    // The command reads HDF5 files for us, in a process of its own.
    let opener = ModelOpener(isolation: .helper(executable: zoo))
    let (digits, _) = try opener.open("zoo/weights/lenet-mnist.h5")
    let train = try IDXDataset(folder: "zoo/data/fashion-mnist", split: .train)
    let test = try IDXDataset(folder: "zoo/data/fashion-mnist", split: .test)
    let start = try HeadReplacement(labels: train.classes).apply(to: digits)
    let trainer = try Trainer(
        model: start, configuration: TrainingConfiguration(), data: .init(training: train, validation: test))
    let clothes = try trainer.run()
    print(try Evaluation.run(clothes, on: test).confusion.accuracy)
    try ModelExporter.write(clothes, to: "clothes.pth", format: .pytorch)
    // end
}
