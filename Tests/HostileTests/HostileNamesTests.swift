import Foundation
import Testing
import ZooTestSupport

/// Names out of files act on no terminal.
@Suite struct HostileNamesTests {
    @Test func controlCharactersAreShownAsSuch() throws {
        let folder = try TemporaryFolder()
        let file = Corpus.path("escapes.safetensors")
        let listed = try BoundedCommand.run(["inspect", file], in: folder.path)
        #expect(listed.code == 0 && listed.output.contains("w\u{FFFD}[31m"), "\(listed)")
        #expect(!listed.output.contains("\u{1B}") && !listed.output.contains("\r"))
        // A document says the name as it is, escaped.
        let document = try BoundedCommand.run(["inspect", "--json", file], in: folder.path)
        #expect(document.output.contains("w\\u001b[31m\\r\\n"), "\(document)")
    }
}
