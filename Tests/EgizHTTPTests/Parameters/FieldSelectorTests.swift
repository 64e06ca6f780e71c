import EgizTwin
import TestSupport
import Testing

@testable import EgizHTTP

@Suite struct FieldSelectorTests {
    private static let thing = #"""
        {"thingId":"ns:a","policyId":"ns:p","attributes":{"location":{"lat":1.5,"long":9007199254740993},"serial":"x","*":1,"a/b":2},
        "features":{"lamp":{"properties":{"on":true,"color":null}},"pump":{"properties":{"on":false,"list":[1,{"on":1}]}},"*":{"definition":["d"]}},
        "_revision":9223372036854775807}
        """#

    private func select(_ fields: String) throws -> String {
        let bytes = try TwinRoutes.select(FieldSelector(parsing: fields), from: Array(Self.thing.utf8))
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("thingId", #"{"thingId":"ns:a"}"#),
        ("_revision,thingId", #"{"thingId":"ns:a","_revision":9223372036854775807}"#),
        ("attributes/location/long", #"{"attributes":{"location":{"long":9007199254740993}}}"#),
        ("attributes(serial,location/lat)", #"{"attributes":{"location":{"lat":1.5},"serial":"x"}}"#),
        (
            "attributes(location(lat,long),serial),policyId",
            #"{"policyId":"ns:p","attributes":{"location":{"lat":1.5,"long":9007199254740993},"serial":"x"}}"#
        ),
        ("/attributes/serial", #"{"attributes":{"serial":"x"}}"#),
        ("attributes/a~1b", #"{"attributes":{"a/b":2}}"#),
        (
            "features/*/properties/on",
            #"{"features":{"lamp":{"properties":{"on":true}},"pump":{"properties":{"on":false}}}}"#
        ),
        ("features/*/definition", #"{"features":{"*":{"definition":["d"]}}}"#),
        (
            "features(lamp/properties/color,pump)",
            #"{"features":{"lamp":{"properties":{"color":null}},"pump":{"properties":{"on":false,"list":[1,{"on":1}]}}}}"#
        ),
        ("attributes/*", #"{"attributes":{"*":1}}"#),
        ("nothing", "{}"), ("attributes/nothing", "{}"), ("thingId/below", "{}"),
        ("features/pump/properties/list/on", "{}"),
        (
            "attributes,attributes/serial",
            #"{"attributes":{"location":{"lat":1.5,"long":9007199254740993},"serial":"x","*":1,"a/b":2}}"#
        ),
    ])
    func membersAreSelectedInTheOrderOfTheDocument(fields: String, expected: String) throws {
        #expect(try select(fields) == expected)
    }

    @Test(arguments: [
        "", ",", "a,", ",a", "a(", "a(b", "a)", "a(b))", "a()", "a//b", "a/", "(a)", "a(b)c", "a(b)(c)", "/",
    ])
    func selectorsThatAreNoneAreRefused(fields: String) {
        #expect(throws: FieldSelector.SyntaxError.self) { try FieldSelector(parsing: fields) }
    }

    @Test func deepSelectorsAreRefusedInsteadOfOverflowingTheStack() {
        let nested = String(repeating: "a(", count: 4000) + "a" + String(repeating: ")", count: 4000)
        #expect(throws: FieldSelector.SyntaxError.self) { try FieldSelector(parsing: nested) }
        let long = Array(repeating: "a", count: 65).joined(separator: "/")
        #expect(throws: FieldSelector.SyntaxError.self) { try FieldSelector(parsing: long) }
    }

    @Test func randomSelectorsNeverTrap() {
        var random = SeededGenerator(seed: 7)
        let letters = Array("ab/,()*~01".utf8)
        for _ in 0..<5000 {
            let length = Int.random(in: 0..<20, using: &random)
            let text = String(
                decoding: (0..<length).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] },
                as: UTF8.self)
            if let selector = try? FieldSelector(parsing: text) {
                #expect(throws: Never.self) { try TwinRoutes.select(selector, from: Array(Self.thing.utf8)) }
            }
        }
    }
}
