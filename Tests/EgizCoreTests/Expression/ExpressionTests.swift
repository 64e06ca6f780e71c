import EgizCore
import EgizTwin
import Testing

@Suite struct ExpressionTests {
    private static let thing: [String: ExpressionValue] = [
        "/features/filler/properties/temperature": .number(81.5),
        "/features/filler/properties/status": .text("running"),
        "/features/filler/properties/open": .boolean(false), "/features/filler/properties/a-b": .number(7),
        "/features/filler/properties/levels": .compound, "/attributes/hall": .text("3"), "/attributes/none": .null,
        "/features/filler/desiredProperties/speed": .number(9),
    ]

    static func read(_ input: ExpressionInput) -> ExpressionValue {
        switch input {
        case .path(let segments): thing[JSONPointer(segments: segments).text] ?? .missing
        case .thingID: .text("org.acme:filler-01")
        case .namespace: .text("org.acme")
        case .name: .text("filler-01")
        case .revision: .number(12)
        case .time: .number(1_772_359_200)
        case .value: .number(5)
        }
    }

    static func value(_ text: String) throws -> ExpressionValue {
        let expression = try Expression(parsing: text, allowsValue: true)
        return expression.evaluate { read(expression.inputs[$0]) }
    }

    @Test(
        arguments: [
            ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("2 - 3 - 4", -5), ("-2 * -3", 6), ("7 % 3", 1), ("-1 % 3", 2),
            ("1e3 / 4", 250),
            ("features.filler.temperature", 81.5), ("features.filler.properties.temperature - 0.5", 81),
            ("features.filler[\"a-b\"]", 7), ("features['filler'].temperature", 81.5),
            ("path(\"/features/filler/properties/a-b\")", 7), ("features.filler.desiredProperties.speed", 9),
            ("abs(-3)", 3), ("min(3, 1, 2)", 1), ("max(3, 1, 2)", 3), ("floor(-1.5)", -2), ("ceil(-1.5)", -1),
            ("round(2.5)", 3),
            ("round(-2.5)", -3), ("round(0.49999999999999994)", 0), ("round(3.14159, 2)", 3.14),
            ("clamp(12, 0, 10)", 10),
            ("sqrt(16)", 4), ("pow(2, 10)", 1024), ("pow(2, -1)", 0.5), ("sign(-4)", -1), ("len(\"größe\")", 5),
            ("number(\" 1\") ?? 3", .nan), ("number(\"1.5\")", 1.5), ("number(true)", 1), ("revision", 12),
            ("value * 2", 10),
            ("true ? 1 : 2", 1), ("false ? 1 : true ? 3 : 4", 3), ("if(1 < 2, 5, 6)", 5), ("features.x.y ?? 4", 4),
            ("attributes.none ?? 4", 4), ("coalesce(features.x.y, attributes.none, 8)", 8), ("time / 1", 1_772_359_200),
        ] as [(String, Double)])
    func aNumberComesOut(_ text: String, _ expected: Double) throws {
        let value = try Self.value(text)
        if expected.isNaN { #expect(value == .failed(.type)) } else { #expect(value == .number(expected)) }
    }

    @Test(
        arguments: [
            ("features.filler.temperature > 80", true), ("1 < 2 and 2 < 3", true), ("1 < 2 && 3 < 2", false),
            ("1 > 2 or 2 > 1", true),
            ("not features.filler.open", true), ("!features.filler.open == true", true), ("not 1 == 2", true),
            ("features.filler.status == \"running\"", true), ("features.filler.status != 'idle'", true),
            ("\"b\" > \"a\"", true),
            ("\"a\" >= \"a\"", true), ("1 == \"1\"", false), ("attributes.none == null", true), ("1 != null", true),
            ("exists(features.filler.status)", true), ("exists(features.x.y)", false),
            ("exists(attributes.none)", true),
            ("contains(features.filler.status, \"nn\")", true), ("startsWith(name, \"filler\")", true),
            ("endsWith(name, \"-02\")", false),
            ("false and features.x.y", false), ("features.x.y > 1 and false", false),
            ("true or features.x.y > 1", true),
            ("upper(\"a\") == \"A\" and lower(\"B\") == 'b'", true), ("namespace == \"org.acme\"", true),
            ("text(2.50) == \"2.5\"", true), ("\"a\" + \"b\" == \"ab\"", true), ("number(attributes.hall) == 3", true),
        ] as [(String, Bool)])
    func aTruthComesOut(_ text: String, _ expected: Bool) throws {
        #expect(try Self.value(text) == .boolean(expected))
    }

    @Test(
        arguments: [
            ("features.x.y + 1", .missing), ("features.x.y > 1", .missing), ("features.x.y == 1", .missing),
            ("features.x.y > 1 and true", .missing), ("not features.x.y", .missing), ("attributes.none + 1", .missing),
            ("features.x.y ? 1 : 2", .missing), ("max(1, features.x.y)", .missing),
            ("coalesce(features.x.y)", .missing),
            ("1 / 0", .failed(.division)), ("1 % 0", .failed(.division)), ("sqrt(-1)", .failed(.range)),
            ("1e308 * 10", .failed(.range)), ("pow(2, 0.5)", .failed(.range)), ("clamp(1, 3, 2)", .failed(.range)),
            ("round(1, 16)", .failed(.range)), ("\"a\" - 1", .failed(.type)), ("\"a\" + 1", .failed(.type)),
            ("features.filler.levels > 1", .failed(.type)), ("features.filler.levels == 1", .failed(.type)),
            ("1 and true", .failed(.type)), ("features.x.y and 1", .failed(.type)), ("1 ? 2 : 3", .failed(.type)),
            ("-\"a\"", .failed(.type)),
            ("features.x.y + \"a\"", .missing), ("(1 / 0) + features.x.y", .failed(.division)),
            ("exists(1 / 0)", .failed(.division)),
            ("max(\"a\", features.x.y)", .failed(.type)), ("(1 / 0) ?? 2", .failed(.division)),
            ("len(3)", .failed(.type)),
        ] as [(String, ExpressionValue)])
    func whatIsMissingOrWrongTravelsThrough(_ text: String, _ expected: ExpressionValue) throws {
        #expect(try Self.value(text) == expected)
    }

    @Test(
        arguments: [
            ("", 1, "found the end, expected a value"), ("1 +", 4, "expected a value"),
            ("(1 + 2", 7, "expected an operator or `)`"),
            ("1 2", 3, "found the number 2, expected an operator or the end"), ("a = 1", 3, "write `==` to compare"),
            ("feature.x.y > 1", 1, "did you mean `features`?"), ("thingID", 1, "did you mean `thingId`?"),
            ("idle", 1, "written in quotes"),
            ("clam(1, 2, 3)", 1, "did you mean `clamp`?"), ("abs(1, 2)", 1, "`abs` has 2 values, expected 1: abs(x)"),
            ("abs", 1, "called with parentheses: `abs(x)`"), ("max()", 1, "has 0 values, expected 1 to 16"),
            ("\"abc", 1, "no closing"),
            ("1 < 2 < 3", 7, "write `a < b and b < c`"), ("true ? 1", 9, "expected `:`"),
            ("features.", 9, "at the end of a path"),
            ("features[x].y", 10, "a name in quotes"), ("path(3)", 6, "expected a JSON pointer in quotes"),
            ("path(\"features/x\")", 6, "no JSON pointer into a thing"), ("80°", 3, "units are written outside"),
            ("a & b", 3, "`and` or `or`"),
            ("\"größe\" @", 9, "found `@`"), ("not", 4, "found the end"),
            ("1 and or 2", 7, "found `or`, expected a value"),
            ("'\\x'", 2, "a backslash in a text"), ("1e999", 1, "larger than a number can be"),
        ])
    func aTextThatIsNoExpressionSaysWhereAndWhatWasExpected(_ text: String, _ column: Int, _ part: String) {
        do throws(ExpressionFault) {
            _ = try Expression(parsing: text)
            Issue.record("\(text) was read")
        } catch {
            #expect(error.column == column, "\(error)")
            #expect(error.message.contains(part), "\(error)")
        }
    }

    @Test func theValueOfABindingHasNoMeaningElsewhere() {
        #expect(throws: ExpressionFault.self) { try Expression(parsing: "value + 1") }
    }

    @Test func costIsBounded() {
        let deep = String(repeating: "(", count: 40) + "1" + String(repeating: ")", count: 40)
        #expect(throws: ExpressionFault.self) { try Expression(parsing: deep) }
        #expect(throws: ExpressionFault.self) { try Expression(parsing: String(repeating: "-", count: 2000) + "1") }
        let wide = Array(repeating: "1", count: 200).joined(separator: "+")
        #expect(throws: ExpressionFault.self) { try Expression(parsing: wide) }
        #expect(throws: ExpressionFault.self) { try Expression(parsing: String(repeating: " ", count: 5000) + "1") }
    }

    @Test func textsDoNotGrowWithoutBounds() throws {
        var text = "\"" + String(repeating: "x", count: 1000) + "\""
        text = Array(repeating: text, count: 3).joined(separator: " + ")
        #expect(try Self.value("len(\(text))") == .number(3000))
        let twice = try Expression(parsing: "path(\"/attributes/long\") + path(\"/attributes/long\")")
        let long = ExpressionValue.text(String(repeating: "x", count: 3000))
        #expect(twice.evaluate { _ in long } == .failed(.length))
    }

    @Test func itKnowsWhatItReads() throws {
        let expression = try Expression(
            parsing: "features.f.x > 1 and path(\"/features/f/properties/x\") < attributes.a or revision > 3")
        #expect(expression.paths == [["features", "f", "properties", "x"], ["attributes", "a"]])
        #expect(expression.inputs.contains { $0.changesAlways })
    }

    @Test func aMarginRelaxesAComparison() throws {
        let above = try #require(try Expression(parsing: "features.filler.temperature > 84").relaxed(by: 3))
        #expect(above.evaluate { Self.read(above.inputs[$0]) } == .boolean(true))
        let below = try #require(try Expression(parsing: "features.filler.temperature <= 80").relaxed(by: 1))
        #expect(below.evaluate { Self.read(below.inputs[$0]) } == .boolean(false))
        #expect(try Expression(parsing: "1 == 1 and 2 > 1").relaxed(by: 1) == nil)
    }

    @Test func aTextIsFoundInAnotherWhereverItStands() throws {
        let expression = try Expression(parsing: "contains(attributes.a, attributes.b)")
        func contains(_ whole: String, _ part: String) -> ExpressionValue {
            expression.evaluate { .text($0 == 0 ? whole : part) }
        }
        var texts = [""]
        for _ in 0..<5 { texts += texts.flatMap { [$0 + "a", $0 + "b"] } }
        texts = Array(Set(texts)).sorted()
        for whole in texts {
            for part in texts where part.utf8.count <= 3 {
                let expected = part.isEmpty || whole.indices.contains { whole[$0...].hasPrefix(part) }
                #expect(contains(whole, part) == .boolean(expected), "\(part) in \(whole)")
            }
        }
        #expect(contains("aabaabaaab", "aabaaab") == .boolean(true), "what begins again within itself")
        #expect(contains("aabaabaab", "aabaaab") == .boolean(false))
    }

    @Test func aTextThatIsTooLongIsNotWorkedOn() throws {
        let most = String(repeating: "a", count: Expression.maximumText)
        #expect(ExpressionValue(.string(most)) == .text(most))
        #expect(ExpressionValue(.string(most + "a")) == .failed(.length))
        let expression = try Expression(parsing: #"contains(attributes.a, "b")"#)
        #expect(expression.evaluate { _ in ExpressionValue(.string(most + "a")) } == .failed(.length))
    }
}
