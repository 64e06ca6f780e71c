import EgizPostgres
import Testing

@testable import EgizHTTP

@Suite struct FilterParserTests {
    @Test func aFilterOfDittoIsReadAsItStands() throws {
        let text =
            #"and(eq(definition,"x:y:1"),or(gt(features/a/properties/t,50.5),not(exists(/attributes/b))),in(thingId,'a:b',"a:c"),like(metadata/hall,"H*"))"#
        #expect(
            try FilterParser.parse(text)
                == .and([
                    .compare(.definition, .equal, .text("x:y:1")),
                    .or([
                        .compare(.document(["features", "a", "properties", "t"]), .greater, .number(50.5)),
                        .not(.exists(.document(["attributes", "b"]))),
                    ]),
                    .among(.thingID, [.text("a:b"), .text("a:c")]),
                    .like(.metadata(["hall"]), "H*", ignoresCase: false),
                ]))
    }

    @Test func valuesAreOfAllKindsAndQuotesEscape() throws {
        #expect(
            try FilterParser.parse("eq( attributes/a , null )")
                == .compare(.document(["attributes", "a"]), .equal, .null))
        #expect(
            try FilterParser.parse("ne(attributes/a,true)")
                == .compare(.document(["attributes", "a"]), .notEqual, .bool(true)))
        #expect(try FilterParser.parse("le(_revision,-1e2)") == .compare(.revision, .atMost, .number(-100)))
        #expect(
            try FilterParser.parse(#"eq(attributes/a,"x\",)\\")"#)
                == .compare(.document(["attributes", "a"]), .equal, .text(#"x",)\"#)))
        #expect(
            try FilterParser.parse(#"gt(_modified,"2026-01-01T01:00:00+01:00")"#)
                == .compare(.modified, .greater, .text("2026-01-01T00:00:00Z")))
        #expect(
            try FilterParser.parse("exists(attributes/a~1b)") == .exists(.document(["attributes", "a/b"])))
    }

    @Test(arguments: [
        "", "eq", "eq(", "eq(a,1)", "eq(thingId)", "eq(thingId,)", "eq(thingId,x)", "eq(thingId,\"x)", "eq(thingId,1)x",
        "and()", "foo(thingId,1)", "eq(attributes//a,1)", "eq(attributes/~5,1)", "gt(_created,5)", "eq(_created,\"x\")",
        "gt(type,\"a:b:1\")", "like(thingId,5)", "eq(thingId,nan)", "eq(thingId,0x10)",
        "not(eq(thingId,1),eq(thingId,2))",
        "and(eq(thingId,1)",
    ])
    func nonsenseIsRefusedInWords(text: String) {
        let error = #expect(throws: FilterParser.SyntaxError.self) { try FilterParser.parse(text) }
        #expect(error?.message.hasPrefix("filter") == true)
    }

    @Test func filtersAreBounded() {
        let deep = String(repeating: "not(", count: 20) + "exists(thingId)" + String(repeating: ")", count: 20)
        #expect(throws: FilterParser.SyntaxError.self) { try FilterParser.parse(deep) }
        let wide = "in(thingId," + (0..<101).map { "\"a:\($0)\"" }.joined(separator: ",") + ")"
        #expect(throws: FilterParser.SyntaxError.self) { try FilterParser.parse(wide) }
    }
}
