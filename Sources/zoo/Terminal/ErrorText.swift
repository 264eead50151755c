import Menagerie

/// Turns an error's facts into one line: file, what is wrong, where, what was expected, what to do.
enum ErrorText {
    static func line(for error: ZooError) -> String {
        var text = "error: "
        if let file = error.file { text += "\(file): " }
        text += error.problem
        if let tensor = error.tensor { text += " (\(tensor))" }
        if let expected = error.expected { text += "; expected \(expected)" }
        if let found = error.found { text += "\(error.expected == nil ? ";" : ",") found \(found)" }
        if let offset = error.byteOffset { text += ", at byte \(Numbers.grouped(offset))" }
        if let warning = error.warning { text += "; \(warning)" }
        text += "."
        text += " \(error.remedy ?? usualRemedy(error.code))"
        return oneLine(text)
    }

    /// The text as one line, whatever names a file brought along.
    static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 }.filter { !$0.isASCIIControl })
    }

    /// What helps against an error of a kind, where the place that threw it knew nothing better.
    private static func usualRemedy(_ code: ZooError.Code) -> String {
        switch code {
        case .fileNotFound: "Check the path."
        case .notAFile: "Name something else."
        case .systemFailure: "Check that you may do this here, and that there is room."
        case .truncated: "The file is cut short or damaged; get it again."
        case .corrupt, .checksum: "The file is damaged; get it again."
        case .unsupported: "Save it in another way with the program that made it."
        case .unknownFormat: "Check that this is the file that you mean, or get it again."
        case .unknownArchitecture: "Copy its tensors as they are with zoo convert --raw."
        case .limitExceeded: "The file may be damaged; get it again."
        case .refused: "Save it again, as one file that holds everything itself."
        case .missingTensor, .mismatch: "Check that the file is of this network: zoo inspect FILE."
        case .ambiguous: "Say which one is meant, as --help shows."
        case .invalidArgument: "Look up with --help what fits."
        }
    }
}

extension Character {
    fileprivate var isASCIIControl: Bool { (asciiValue ?? 0x20) < 0x20 || asciiValue == 0x7F }
}
