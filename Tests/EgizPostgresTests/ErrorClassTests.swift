import EgizCore
import Testing

@testable import EgizPostgres

@Suite struct ErrorClassTests {
    @Test(arguments: [
        ("08006", EngineError.Retry.backoff), ("40001", .backoff), ("40P01", .backoff), ("53300", .backoff),
        ("57P01", .backoff),
        ("57014", .backoff), ("58030", .backoff), ("55P03", .backoff), ("25P03", .backoff), ("22021", .never),
        ("23505", .never), ("54000", .never), ("28P01", .stop), ("42P01", .stop), ("42501", .stop), ("3D000", .stop),
        ("XX000", .stop),
    ])
    func theClassOfASQLStateDecidesTheRetry(_ state: String, _ retry: EngineError.Retry) {
        #expect(EngineError.retry(forSQLState: state) == retry)
    }

    @Test func theSQLStateIsFoundInWhatAServerOfAnyLanguageSays() {
        let english =
            "connection to server at \"::1\", port 5432 failed: FATAL:  28P01: password authentication failed\nLOCATION:  x"
        #expect(PostgresText.sqlState(inVerbose: english).state == "28P01")
        #expect(PostgresText.sqlState(inVerbose: english).text == "password authentication failed")
        #expect(PostgresText.sqlState(inVerbose: "FATAL:  3D000: base « d » inexistante").state == "3D000")
        let refused =
            "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the server running?"
        #expect(PostgresText.sqlState(inVerbose: refused).state == nil)
    }

    @Test func textIsCutBetweenCharacters() {
        #expect(TextColumn.cut("aé", toBytes: 2) == "a")
        #expect(TextColumn.cut("aé", toBytes: 3) == "aé")
        #expect(TextColumn.escapingNUL("a\u{0}b") == #"a\u0000b"#)
    }
}
