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
        text += "."
        if let remedy = error.remedy { text += " \(remedy)" }
        // One line, whatever names the file brought along.
        return String(text.map { $0.isNewline ? " " : $0 }.filter { !$0.isASCIIControl })
    }
}

extension Character {
    fileprivate var isASCIIControl: Bool { (asciiValue ?? 0x20) < 0x20 || asciiValue == 0x7F }
}
