import EgizTwin
import Testing

@testable import EgizTopologyTest

@Suite struct ProjectionTests {
    private func json(_ text: String) throws -> JSONValue { try JSONParser().parse(Array(text.utf8)) }

    private func seen(_ expected: String, _ got: String, partial: Bool = false, rows: Bool = false) throws -> String {
        try Projection(partial: partial).project(json(got), onto: json(expected), areRows: rows).text
    }

    private func meets(_ expected: String, _ got: String, partial: Bool = false, rows: Bool = false) throws -> Bool {
        let projection = Projection(partial: partial)
        let wanted = try json(expected)
        return Projection.firstDifference(wanted, projection.project(try json(got), onto: wanted, areRows: rows)) == nil
    }

    @Test func mapsAreExactUnlessTheySayOtherwise() throws {
        #expect(try !meets(#"{"a":1}"#, #"{"a":1,"b":2}"#))
        #expect(try meets(#"{"a":1,"...":null}"#, #"{"b":2,"a":1}"#))
        #expect(try !meets(#"{"a":1,"...":null}"#, #"{"b":2}"#))
        #expect(try meets(#"{"a":{"b":1}}"#, #"{"a":{"b":1,"c":2},"d":3}"#, partial: true))
        #expect(try !meets(#"{"a":{"b":1}}"#, #"{"a":{"c":2}}"#, partial: true))
        #expect(try meets(#"{"a":"..."}"#, #"{"a":[1,2]}"#))
        #expect(try !meets(#"{"a":"..."}"#, "{}"))
    }

    @Test func numbersCompareByValueAndOthersByKind() throws {
        #expect(try meets("[1, 2.0, 1e2]", "[1.0, 2, 100]"))
        #expect(try !meets("[1]", #"["1"]"#))
        #expect(try !meets("[true]", "[1]"))
    }

    @Test(arguments: [
        (#"["..."]"#, "[]", true), (#"["...",1]"#, "[1,2,1]", true), (#"[1,"...",1]"#, "[1]", false),
        (#"[1,"...",3,"..."]"#, "[1,2,3,4]", true), ("[1,2]", "[2,1]", false), ("[]", "[1]", false),
        (#"[1,"..."]"#, "[2,1]", false),
    ])
    func dotsStandForAnyNumberOfItems(_ expected: String, _ got: String, _ isMet: Bool) throws {
        #expect(try meets(expected, got) == isMet)
    }

    @Test func rowsCompareOnlyWhatIsNamedButValuesInThemWhole() throws {
        #expect(try meets(#"[{"a":1}]"#, #"[{"a":1,"b":2}]"#, rows: true))
        #expect(try !meets(#"[{"a":{"x":1}}]"#, #"[{"a":{"x":1,"y":2}}]"#, rows: true))
        #expect(try !meets(#"[{"a":1}]"#, #"[{"a":1},{"a":1}]"#, rows: true))
    }

    @Test func whatIsMetLooksAsExpectedAndWhatNobodyExpectedIsShownWhole() throws {
        let got = #"[{"a":1,"b":1},{"a":9,"b":9},{"a":2,"b":2}]"#
        #expect(try seen(#"[{"a":1},{"a":2}]"#, got, rows: true) == #"[{"a":1},{"a":9,"b":9},{"a":2}]"#)
        #expect(try seen(#"[{"a":1},{"a":3},{"a":2}]"#, got, rows: true) == #"[{"a":1},{"a":9},{"a":2}]"#)
    }

    @Test func theFirstDifferenceIsAPointer() throws {
        func place(_ a: String, _ b: String) throws -> String? {
            Projection.firstDifference(try json(a), try json(b))
        }
        #expect(try place(#"{"a/b":[1,{"c":2}]}"#, #"{"a/b":[1,{"c":3}]}"#) == "/a~1b/1/c")
        #expect(try place(#"{"a":1}"#, #"{"a":1,"b":1}"#) == "/b")
        #expect(try place("[1]", "[1,2]") == "/1")
        #expect(try place(#"{"a":1,"b":2}"#, #"{"b":2,"a":1.0}"#) == nil)
    }
}
