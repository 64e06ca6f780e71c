import EgizCore
import Testing

@Suite struct TextTemplateTests {
    private func text(_ source: String) throws -> String {
        let template = try TextTemplate(parsing: source, allowsValue: true)
        return template.text { ExpressionTests.read(template.expressions[$0].inputs[$1]) }
    }

    @Test(
        arguments: [
            ("{features.filler.temperature:.1} °C in {name}", "81.5 °C in filler-01"), ("plain", "plain"), ("", ""),
            ("{{x}}", "{x}"),
            ("{value}", "5"), ("{value / 2:.2}", "2.50"),
            ("{features.filler.temperature > 80 ? \"hot\" : \"cold\"}", "hot"),
            ("{1234567.891:,.1}", "1,234,567.9"), ("{0.256:.0%}", "26%"), ("{features.x.y}!", "–!"), ("{1/0}", "–"),
            ("{1234:,}", "1,234"),
            ("{\"}\"}", "}"), ("{true} {features.filler.levels}", "true […]"),
        ])
    func expressionsInBracesAreFilledIn(_ source: String, _ expected: String) throws {
        #expect(try text(source) == expected)
    }

    @Test(
        arguments: [
            (1.005, 2, "1.01"), (1.115, 2, "1.12"), (0.5, 0, "1"), (-0.5, 0, "-1"), (-0.004, 2, "0.00"),
            (9.999, 2, "10.00"), (999.5, 0, "1000"),
            (1e21, 1, "1000000000000000000000.0"), (1.5e-7, 8, "0.00000015"), (1e-20, 3, "0.000"), (123, 0, "123"),
            (0, 2, "0.00"),
        ] as [(Double, Int, String)])
    func numbersAreRoundedAsPeopleDo(_ number: Double, _ digits: Int, _ expected: String) {
        #expect(DecimalText.fixed(number, digits: digits) == expected)
    }

    @Test(
        arguments: [
            ("a {b", 3, "no `}`"), ("a } b", 3, "without a `{`"), ("{1:x}", 3, "expected a number format"),
            ("{1 2}", 4, "expected an operator"),
            ("{featurs.x.y}", 2, "did you mean `features`?"), ("{1:.99}", 3, "expected a number format"),
        ])
    func aTemplateThatIsNoneSaysWhere(_ source: String, _ column: Int, _ part: String) {
        do throws(ExpressionFault) {
            _ = try TextTemplate(parsing: source)
            Issue.record("\(source) was read")
        } catch {
            #expect(error.column == column, "\(error)")
            #expect(error.message.contains(part), "\(error)")
        }
    }

    @Test func whatIsCutOffIsNotReadFirst() throws {
        let template = try TextTemplate(parsing: String(repeating: "{name}", count: 20))
        let long = String(repeating: "x", count: Expression.maximumText)
        var reads = 0
        let text = template.text { _, _ in
            reads += 1
            return .text(long)
        }
        #expect(text == long && reads == 2)
    }
}
