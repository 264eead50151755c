import MenagerieInference

/// The README's program for a server, as it stands there.
func answer(path: String, imageBytes: [UInt8]) async throws -> [Classifier.Prediction] {
    // begin
    let classifier = try Classifier(path)
    let answers = try await classifier.predict(imageBytes, topK: 3)
    // end
    return answers
}
