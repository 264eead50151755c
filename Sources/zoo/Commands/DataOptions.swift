import ArgumentParser
import Menagerie

/// Opens what `--data` names.
enum DataFolder {
    /// A part of a data set, and how it is called in messages.
    struct Portion {
        let dataset: any Dataset
        let description: String
    }

    /// Pictures to train on and to check on: a folder of IDX files; a folder with `train` and `test` (or `val`); or
    /// a folder with one sub-folder per class, split by the seed.
    static func training(_ path: String, seed: UInt64) throws(ZooError) -> (
        training: Portion, validation: Portion
    ) {
        if try holdsIDX(path) {
            return (
                Portion(
                    dataset: try IDXDataset(folder: path, split: .train), description: "training pictures"),
                Portion(dataset: try IDXDataset(folder: path, split: .test), description: "test pictures")
            )
        }
        if let (train, test) = try portions(path) {
            return (
                Portion(dataset: try PictureFolder(path: train), description: "pictures in \(train)"),
                Portion(dataset: try PictureFolder(path: test), description: "pictures in \(test)")
            )
        }
        let whole = try PictureFolder(path: path)
        let split = try Split(labels: whole.labels, validationFraction: 0.2, seed: seed)
        return (
            Portion(dataset: try Subset(whole, indices: split.train), description: "four fifths of \(path)"),
            Portion(
                dataset: try Subset(whole, indices: split.validation), description: "one fifth of \(path)")
        )
    }

    /// Pictures to evaluate on: the test part where there is one, else everything.
    static func evaluation(_ path: String) throws(ZooError) -> any Dataset {
        if try holdsIDX(path) { return try IDXDataset(folder: path, split: .test) }
        if let (_, test) = try portions(path) { return try PictureFolder(path: test) }
        return try PictureFolder(path: path)
    }

    private static func holdsIDX(_ path: String) throws(ZooError) -> Bool {
        try Folders.names(in: path).contains { $0.contains("-ubyte") }
    }

    private static func portions(_ path: String) throws(ZooError) -> (train: String, test: String)? {
        let names = try Folders.names(in: path)
        guard names.contains("train"), let test = ["test", "val", "validation"].first(where: names.contains)
        else {
            return nil
        }
        return ("\(path)/train", "\(path)/\(test)")
    }
}
