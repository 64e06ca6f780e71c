import EgizTwin
import Testing

@Suite struct ValueSchemaTests {
    private func json(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)) }

    /// Places of the violations.
    private func places(_ schema: String, _ value: String) throws -> [String] {
        try ValueSchema(json(schema)).violations(of: json(value)).map(\.place)
    }

    /// Schema, a value that fits, a value that does not.
    @Test(
        arguments: [
            (#"{"type":"integer"}"#, "2.0", "2.5"), (#"{"type":["string","null"]}"#, "null", "1"),
            (#"{"enum":[1,"a"]}"#, "1.0", "2"), (#"{"const":{"a":1}}"#, #"{"a":1}"#, #"{"a":2}"#),
            (#"{"minimum":3}"#, "3", "2.9"), (#"{"maximum":3}"#, "3", "4"), (#"{"exclusiveMinimum":3}"#, "3.1", "3"),
            (#"{"exclusiveMaximum":3}"#, "2", "3"), (#"{"multipleOf":2}"#, "4", "5"),
            (#"{"multipleOf":0.1}"#, "0.3", "0.35"), (#"{"multipleOf":0.01}"#, "-12345.67", "0.005"),
            (#"{"minLength":2,"maxLength":3}"#, #""äöü""#, #""a""#), (#"{"pattern":"^a+$"}"#, #""aa""#, #""ab""#),
            (#"{"pattern":"b"}"#, #""abc""#, #""ac""#), (#"{"required":["a"]}"#, #"{"a":null}"#, "{}"),
            (#"{"properties":{"a":{"type":"number"}}}"#, #"{"a":1,"b":"x"}"#, #"{"a":"x"}"#),
            (#"{"properties":{"a":true},"additionalProperties":false}"#, #"{"a":1}"#, #"{"b":1}"#),
            (#"{"additionalProperties":{"type":"string"}}"#, #"{"a":"x"}"#, #"{"a":1}"#),
            (#"{"propertyNames":{"maxLength":1}}"#, #"{"a":1}"#, #"{"ab":1}"#),
            (#"{"maxProperties":1}"#, #"{"a":1}"#, #"{"a":1,"b":1}"#),
            (#"{"items":{"type":"number"}}"#, "[1,2]", #"[1,"a"]"#),
            (#"{"prefixItems":[{"type":"string"}],"items":false}"#, #"["a"]"#, #"["a",1]"#),
            (#"{"minItems":1}"#, "[1]", "[]"), (#"{"uniqueItems":true}"#, "[1,2]", "[1,1.0]"),
            (#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, "1", "3"),
            (#"{"anyOf":[{"type":"string"},{"minimum":5}]}"#, "5", "4"),
            (#"{"oneOf":[{"minimum":1},{"minimum":5}]}"#, "2", "6"), (#"{"not":{"type":"string"}}"#, "1", #""a""#),
            (##"{"$ref":"#/$defs/n","$defs":{"n":{"type":"number"}}}"##, "1", "true"),
        ])
    func aKeywordTellsWhatFitsFromWhatDoesNot(schema: String, fits: String, not: String) throws {
        #expect(try places(schema, fits).isEmpty)
        #expect(try places(schema, not).count == 1)
    }

    @Test func violationsSayWhere() throws {
        let schema = #"{"additionalProperties":{"properties":{"properties":{"properties":{"t":{"type":"number"}}}}}}"#
        #expect(try places(schema, #"{"a/b":{"properties":{"t":"hot"}}}"#) == ["/a~1b/properties/t"])
        let found = try ValueSchema(json(#"{"items":{"type":"string"}}"#)).violations(of: json("[1,2,3]"), most: 2)
        #expect(found.map(\.place) == ["/0", "/1"])
    }

    @Test func aSchemaThatRefersToItselfEndsWithTheValue() throws {
        let tree = ##"{"properties":{"next":{"$ref":"#"}},"required":["n"]}"##
        #expect(try places(tree, #"{"n":1,"next":{"n":2,"next":{}}}"#) == ["/next/next"])
        let twice = ##"{"allOf":[{"$ref":"#/$defs/n"}],"anyOf":[{"$ref":"#/$defs/n"}],"$defs":{"n":{"minimum":1}}}"##
        #expect(try places(twice, "1").isEmpty, "to be named twice is no circle")
    }

    @Test func anExpressionThatDoesNotEndIsAViolation() throws {
        let text = String(repeating: "a", count: 40) + "b"
        let schema = try ValueSchema(json(#"{"pattern":"^(a+)+$"}"#))
        let violations = schema.violations(of: try json("\"\(text)\""))
        #expect(violations.count == 1)
        #expect(violations.first?.message.contains("takes too long") == true)
    }

    @Test(
        arguments: [
            ("3", ""), (#"{"typ":"string"}"#, "/typ"), (#"{"type":"text"}"#, "/type"), (#"{"enum":[]}"#, "/enum"),
            (#"{"minimum":"1"}"#, "/minimum"), (#"{"minLength":-1}"#, "/minLength"),
            (#"{"minItems":3,"maxItems":2}"#, "/minItems"), (#"{"pattern":"("}"#, "/pattern"),
            (#"{"pattern":")("}"#, "/pattern"), (#"{"properties":{"a":{"minimum":true}}}"#, "/properties/a/minimum"),
            (##"{"$ref":"#/$defs/none"}"##, "/$ref"), (#"{"$ref":"http://x/y"}"#, "/$ref"),
            (##"{"$ref":"#"}"##, "/$ref"),
            (
                ##"{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
                "/$defs/b/not/$ref"
            ), (#"{"multipleOf":0}"#, "/multipleOf"), (#"{"anyOf":[]}"#, "/anyOf"),
        ])
    func aSchemaThatCannotBeHeldToIsRefused(schema: String, place: String) throws {
        let value = try json(schema)
        let fault = #expect(throws: ValueSchema.Fault.self) { _ = try ValueSchema(value) }
        #expect(fault?.place == place)
    }
}
