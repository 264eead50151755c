/// Keras' rule for names made from class names (`keras.src.utils.naming.to_snake_case`): `Conv2D` becomes `conv2d`,
/// `BatchNormalization` `batch_normalization`, `ReLU` `re_lu`.
package enum KerasSnakeCase {
    /// The name that a class gives its objects.
    package static func name(_ className: String) -> String {
        // \W+ → nothing
        let word = className.filter { $0 == "_" || $0.isLetter || $0.isNumber }
        let split = separated(Array(word)) { text, position in
            // (.)([A-Z][a-z]+): before a capital that a small letter follows. The match takes all small letters and
            // goes on behind them, so a capital directly behind one match begins the next.
            isCapital(text[position]) && position + 1 < text.count && isSmall(text[position + 1])
        }
        let both = separated(split) { text, position in
            // ([a-z])([A-Z])
            isCapital(text[position]) && isSmall(text[position - 1])
        }
        return String(both).lowercased()
    }

    private static func separated(
        _ text: [Character], before matches: ([Character], Int) -> Bool
    ) -> [Character] {
        var result: [Character] = []
        for (position, character) in text.enumerated() {
            if position > 0, matches(text, position) { result.append("_") }
            result.append(character)
        }
        return result
    }

    private static func isCapital(_ character: Character) -> Bool { ("A"..."Z").contains(character) }
    private static func isSmall(_ character: Character) -> Bool { ("a"..."z").contains(character) }
}
