import EgizTwin
import Foundation
import Testing

@testable import EgizHTTP

/// Every code of a problem is listed, with its status, and none is that nothing uses.
@Suite struct ProblemCatalogueTests {
    private struct Use: Hashable, Comparable, CustomStringConvertible {
        var code: String
        var status: Int

        var description: String { "\(code) \(status)" }
        static func < (a: Use, b: Use) -> Bool { (a.code, a.status) < (b.code, b.status) }
    }

    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
    private static let statuses = [
        "badRequest": 400, "unauthorized": 401, "forbidden": 403, "notFound": 404, "methodNotAllowed": 405,
        "conflict": 409, "preconditionFailed": 412, "contentTooLarge": 413, "uriTooLong": 414,
        "unsupportedMediaType": 415, "misdirectedRequest": 421, "unprocessableContent": 422, "tooManyRequests": 429,
        "internalServerError": 500, "serviceUnavailable": 503,
    ]

    /// What the sources say, and how many problems they make altogether.
    private func used() throws -> (uses: Set<Use>, made: Int, read: Int) {
        let folder = Self.root.appending(path: "Sources/EgizHTTP")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var uses: Set<Use> = []
        var (made, read) = (0, 0)
        for case let file as URL in files
        where file.pathExtension == "swift" && file.lastPathComponent != "OpenAPIText.swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            made += text.matches(of: #/\bProblem\(\s*code:/#).count
            for match in text.matches(
                of: #/code:\s*"([^"]*)",\s*status:\s*(?:\.(\w+)|HTTPResponse\.Status\(code: (\d+))/#)
            {
                read += 1
                let named = match.2.flatMap { Self.statuses[String($0)] } ?? match.3.flatMap { Int($0) }
                uses.insert(Use(code: String(match.1), status: try #require(named, "\(match.0)")))
            }
            for match in text.matches(of: #/unprocessable\(\s*"([^"]*)"/#) {
                uses.insert(Use(code: String(match.1), status: 422))
            }
            for match in text.matches(of: #/\bunprocessable\(\s*(?![\s"]|_ code)[^)]{0,40}/#) {
                Issue.record("\(file.lastPathComponent): a code that is no word of the source: \(match.0)")
            }
        }
        return (uses, made, read)
    }

    @Test func theSourcesUseWhatIsListedAndNothingElse() throws {
        let (uses, made, read) = try used()
        // All but `unprocessable` itself say their code as a word, which can be read here.
        #expect(made == read + 1, "a problem is made of a code that is no word of the source")
        let listed = Set(ProblemCatalogue.entries.map { Use(code: $0.code, status: $0.status) })
        #expect(uses.subtracting(listed).sorted() == [], "used, and not listed in ProblemCatalogue")
        #expect(listed.subtracting(uses).sorted() == [], "listed, and not used")
        #expect(uses.count > 80)
    }

    @Test func eachIsListedOnceInItsPlaceAndSaysWhatToDo() {
        let codes = ProblemCatalogue.entries.map(\.code)
        #expect(codes == codes.sorted() && Set(codes).count == codes.count)
        for entry in ProblemCatalogue.entries {
            #expect(entry.code.wholeMatch(of: #/[a-z]+(-[a-z]+)*/#) != nil, "\(entry.code)")
            for text in [entry.meaning, entry.remedy] {
                #expect(text.hasSuffix(".") && !text.contains("|") && !text.contains("\n"), "\(entry.code): \(text)")
            }
        }
    }

    @Test func theDocumentHasTheSameCodes() throws {
        let contract = try OpenAPIContract()
        let code = contract.document["components"]?["schemas"]?["ProblemCode"]
        #expect(code?["enum"]?.array == ProblemCatalogue.entries.map { JSONValue.string($0.code) })
        #expect(
            contract.document["components"]?["schemas"]?["Problem"]?["properties"]?["code"]?["$ref"]
                == .string("#/components/schemas/ProblemCode"))
    }

    /// `EGIZ_REGENERATE=1` writes the page anew.
    @Test func thePageIsMadeOfTheList() throws {
        let page = Self.root.appending(path: "docs/problems.md")
        if ProcessInfo.processInfo.environment["EGIZ_REGENERATE"] == "1" {
            try ProblemCatalogue.page.write(to: page, atomically: true, encoding: .utf8)
        } else {
            let found = try String(contentsOf: page, encoding: .utf8)
            #expect(
                found == ProblemCatalogue.page,
                "docs/problems.md is not that of the list: EGIZ_REGENERATE=1 swift test --filter ProblemCatalogueTests")
        }
    }
}
