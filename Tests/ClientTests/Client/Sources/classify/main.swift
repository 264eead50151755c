import Images
import MenagerieInference
import Models
import Training

// classify MODEL PICTURE
let model = Models.Model(path: CommandLine.arguments[1])
let picture = try Images.Picture(path: CommandLine.arguments[2])
let classifier = try Classifier(model.path)
let answers = try await classifier.predict(picture.bytes, topK: 1)
print(Lesson().summary(answers[0].label))
