import Images
import Menagerie
import Models
import Training

// everything DATA OUTPUT: gives the model that is built in a head for clothes and trains it.
let files = CommandLine.arguments
let opener = ModelOpener(isolation: .inProcess)
let data = try IDXDataset(folder: files[1], split: .train)
let start = try HeadReplacement(labels: data.classes).apply(to: opener.open("lenet-mnist").model)
var configuration = TrainingConfiguration()
configuration.epochs = 2
configuration.optimizer = .adam(weightDecay: 0)
configuration.learningRate = 0.001
let trained = try Trainer(model: start, configuration: configuration, data: .init(training: data)).run()
try ModelExporter.write(trained, to: Models.Model(path: files[2]).path, format: .native)
print(Lesson().summary("what \(trained.graph.architecture) learnt from"))
