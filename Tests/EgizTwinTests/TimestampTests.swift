import EgizTwin
import TestSupport
import Testing

struct TimestampTests {
    @Test(arguments: [
        ("2026-03-02T06:00:42Z", "2026-03-02T06:00:42Z"), ("2026-03-02T06:00:42.120000Z", "2026-03-02T06:00:42.120Z"),
        ("2026-03-02T06:00:42.1234Z", "2026-03-02T06:00:42.123400Z"),
        ("2026-03-02T06:00:42.000Z", "2026-03-02T06:00:42Z"),
        ("2026-03-02T06:00:42.000000001Z", "2026-03-02T06:00:42.000000001Z"),
        ("2026-03-02t06:00:42z", "2026-03-02T06:00:42Z"), ("2026-03-02T00:30:00+01:00", "2026-03-01T23:30:00Z"),
        ("2026-03-01T23:30:00-05:30", "2026-03-02T05:00:00Z"), ("1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"), ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
        ("-0001-01-01T00:00:00Z", "-0001-01-01T00:00:00Z"), ("+12345-01-01T00:00:00Z", "+12345-01-01T00:00:00Z"),
        ("2026-03-02T24:00:00Z", "2026-03-03T00:00:00Z"), ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("2026-03-02T06:00:42+18:00", "2026-03-01T12:00:42Z"),
    ])
    func becomesCanonical(_ text: String, _ canonical: String) throws {
        let timestamp = try Timestamp(parsing: text)
        #expect(timestamp.canonicalText == canonical)
        #expect(try Timestamp(parsing: canonical) == timestamp)
    }

    @Test(arguments: [
        "", "yesterday", "2026-03-02", "2026-03-02T06:00Z", "2026-03-02 06:00:00Z", "2026-03-02T06:00:00",
        "2026-13-02T06:00:00Z", "2026-02-29T06:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-03-02T25:00:00Z", "2026-03-02T24:00:01Z", "2026-03-02T06:60:00Z", "2026-03-02T06:00:61Z",
        "2026-03-02T06:00:60Z", "2026-03-02T06:00:00.Z", "2026-03-02T06:00:00.1234567890Z", "2026-03-02T06:00:00+1",
        "2026-03-02T06:00:00+01", "2026-03-02T06:00:00+0100", "2026-03-02T06:00:00+19:00", "2026-03-02T06:00:00+18:01",
        "2026-03-02T06:00:00Z ", " 2026-03-02T06:00:00Z", "26-03-02T06:00:00Z", "+2026-03-02T06:00:00Z",
        "12345-01-01T00:00:00Z", "-0000-01-01T00:00:00Z", "2026-3-02T06:00:00Z", "2026-03-02T06:00:00,5Z",
    ])
    func refusesWhatIsNoInstant(_ text: String) {
        #expect(throws: TimestampError.self) { try Timestamp(parsing: text) }
    }

    @Test func eventTimesAreRoundedDownToTheMicrosecond() throws {
        #expect(try Timestamp(parsing: "1970-01-01T00:00:00.000001999Z").eventTime.microseconds == 1)
        #expect(try Timestamp(parsing: "1969-12-31T23:59:59.999999999Z").eventTime.microseconds == -1)
        #expect(try Timestamp(parsing: "+999999999-01-01T00:00:00Z").eventTime.microseconds == .max)
        #expect(try Timestamp(parsing: "-999999999-01-01T00:00:00Z").eventTime.microseconds == .min)
    }

    @Test func timesFrom1970To2200AreAcceptable() throws {
        #expect(try Timestamp(parsing: "1970-01-01T00:00:00Z").eventTime == .earliest)
        #expect(try Timestamp(parsing: "2200-01-01T00:00:00Z").eventTime == .latest)
        #expect(EventTime.earliest.isAcceptable && !EventTime.latest.isAcceptable)
        #expect(!EventTime(microseconds: -1).isAcceptable)
        #expect(EventTime(microseconds: 1_500_000).text == "1970-01-01T00:00:01.500Z")
        for bound in [Int64.min, .max] { #expect(!EventTime(microseconds: bound).text.isEmpty) }
    }

    @Test func everyDayOfFourHundredYearsKeepsItsDate() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let time = EventTime(
                microseconds: .random(in: -5_000_000_000_000_000...15_000_000_000_000_000, using: &random))
            #expect((try? Timestamp(parsing: time.text))?.eventTime == time)
        }
    }
}
