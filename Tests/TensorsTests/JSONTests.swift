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

    /// Two letters can become a value of fifty bytes; what a large file holds may take more.
    @Test func memoryIsBounded() throws {
        let few = "[" + String(repeating: "0,", count: 500_000) + "0]"
        let many = "[" + String(repeating: "0,", count: 2_000_000) + "0]"
        #expect(try JSONParser.parse(few).arrayValue?.count == 500_001)
        #expect {
            try JSONParser.parse(many)
        } throws: {
            ($0 as? ZooError)?.code == .limitExceeded
        }
        let members = (0..<600_000).map { "\"\($0)\":0" }.joined(separator: ",")
        #expect(throws: ZooError.self) { try JSONParser.parse("{\(members)}") }
        var options = JSONParser.Options()
        options.fileByteCount = 1 << 30
        #expect(try JSONParser.parse(many, options: options).arrayValue?.count == 2_000_001)
    }

    @Test func depthIsBounded() {
        #expect(throws: ZooError.self) { try JSONParser.parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: ZooError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    }
}

/// Objects of few members and of many behave alike.
@Suite struct JSONObjectTests {
    @Test(arguments: [3, 8, 9, 40])
    func membersComeGoAndKeepTheirOrder(count: Int) throws {
        var object = JSONObject()
        for number in 0..<count { object["m\(number)"] = .integer(number) }
        #expect(object.keys == (0..<count).map { "m\($0)" })
        object["m1"] = "other"
        #expect(object["m1"] == "other" && object.count == count)
        object["m0"] = nil
        object["none"] = nil
        #expect(object.keys == (1..<count).map { "m\($0)" })
        #expect(object["m0"] == nil && object["m\(count - 1)"] == .integer(count - 1))
        object["m0"] = true
        #expect(object.keys.last == "m0" && object["m0"] == true)

        var turned = JSONObject()
        for (key, value) in object.members.reversed() { turned[key] = value }
        #expect(turned == object && turned.hashValue == object.hashValue)
        turned["m0"] = false
        #expect(turned != object)
    }

    @Test(arguments: [2, 9, 30])
    func repeatedNamesAreRefused(count: Int) throws {
        let members = (0..<count).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        #expect(try JSONParser.parse("{\(members)}").objectValue?.count == count)
        let error = #expect(throws: ZooError.self) { try JSONParser.parse("{\(members),\"m0\":1}") }
        #expect(error?.description.contains("\"m0\" stands twice") == true)
    }

    @Test(arguments: [
        ("\"plain\"", "plain"), ("\"\"", ""), ("\"a\\nb\"", "a\nb"), ("\"größer\"", "größer"),
        ("\"plain then \\u00e9 and é\"", "plain then é and é"), ("\"\\\"\"", "\""),
    ])
    func strings(text: String, value: String) throws {
        #expect(try JSONParser.parse(text) == .string(value))
    }

    @Test(arguments: [
        ("0", 0), ("7", 7), ("-7", -7), ("999999999999999999", 999_999_999_999_999_999),
        ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
        ("1234567890123456789", 1_234_567_890_123_456_789),
    ])
    func wholeNumbers(text: String, value: Int) throws {
        #expect(try JSONParser.parse(text) == .integer(value))
    }
}
