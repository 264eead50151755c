import Testing
import ZooTensors

@Suite struct JSONTests {
    @Test func valuesComeBackAsTheyWere() throws {
        let text = #"{"b": [1, -2.5, 1e3, true, null], "a": "é\"\\\n😀", "c": {}}"#
        let value = try JSONParser.parse(text)
        #expect(value["b"]?.arrayValue?.first?.intValue == 1)
        #expect(value["a"]?.stringValue == "é\"\\\n😀")
        #expect(try JSONParser.parse(value.text()) == JSONParser.parse(value.text(pretty: true)))
        #expect(try JSONParser.parse(value.text(sortedKeys: false)) == value)
    }

    @Test func surrogatePairs() throws {
        #expect(try JSONParser.parse(#""\ud83d\ude00""#) == .string("😀"))
        #expect(throws: ZooError.self) { try JSONParser.parse(#""\ud83d""#) }
    }

    @Test func schemaComesFirstThenTheAlphabet() {
        let value: JSONValue = ["zebra": 1, "schema": "menagerie/x/1", "apple": 2]
        #expect(value.text() == #"{"schema": "menagerie/x/1", "apple": 2, "zebra": 1}"#)
    }

    @Test func nonFiniteNumbersAreStrings() {
        #expect(JSONValue.finite(.nan).text() == #""NaN""#)
        #expect(JSONValue.number(-.infinity).text() == #""-Infinity""#)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "-", "nul", "[1] 2", "\"\u{1}\"", "NaN", "{a:1}",
        "\"\\x\"", "1e999",
    ])
    func invalidDocumentsAreRefused(text: String) {
        #expect(throws: ZooError.self) { try JSONParser.parse(text) }
    }

    @Test func depthIsBounded() {
        #expect(throws: ZooError.self) { try JSONParser.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: ZooError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }
}
