import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

/// What Pillow said, from `Fixtures/pictures.json`.
enum Golden {
    static let folder = TestFiles.path("Tests/ImagesTests/Fixtures")

    static func document() throws -> JSONValue {
        try JSONParser.parse(TestFiles.read("\(folder)/pictures.json"))
    }

    static func entries(_ member: String) throws -> [JSONValue] { try document()[member]?.arrayValue ?? [] }

    static func file(_ name: String) throws -> [UInt8] { try TestFiles.read("\(folder)/\(name)") }

    /// The beginning of a SHA-256, as the script writes it.
    static func digest(_ bytes: [UInt8]) -> String { String(SHA256.hexadecimal(bytes).prefix(16)) }

    /// The script's `random_bytes`.
    static func randomBytes(_ count: Int, seed: Int) -> [UInt8] {
        var state = UInt32(seed)
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
    }
}
