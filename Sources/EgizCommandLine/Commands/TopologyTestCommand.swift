import ArgumentParser
import EgizCore
import EgizProcessors
import EgizTopologyFile
import EgizTopologyTest
import Foundation

extension TopologyCommand {
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs the tests beside topology files, in memory, without Kafka and Postgres.",
            discussion: """
                Tests of x.yaml stand in x.test.yaml; docs/testing.md explains them. Ends with `N passed, N failed`, and with exit
                code 1 where one failed, a file has faults, or there is nothing to run.

                EXAMPLES
                  egiz topology test
                  egiz topology test Topologies/filling-line.yaml --filter crash
                  egiz topology test Topologies --coverage
                  egiz topology test --json | jq .failed
                """)
        @Argument(help: "Test files, topologies, or folders of both.") var files = ["Topologies"]
        @Flag(help: "Also say which processors and branches no test reached.") var coverage = false
        @Flag(help: "One line of JSON instead of text.") var json = false
        @Option(help: "Only tests whose name contains this.") var filter: String?

        func run() async throws {
            let report = TopologyTestReport(
                hasColours: !json && isatty(STDOUT_FILENO) == 1
                    && ProcessInfo.processInfo.environment["NO_COLOR"] == nil)
            var results: [TopologyTestResults] = []
            var errors: [String] = []
            func refuse(_ text: String) {
                errors.append(text)
                FileHandle.standardError.write(Data((text + "\n").utf8))
            }
            for found in files.flatMap(TopologyTestLoader.find) {
                switch found {
                case .missing(let path): refuse("\(path): there is no such file or folder")
                case .untested(let topology):
                    // In a folder that is worth a line; a topology that was named must have tests.
                    if files.contains(topology) {
                        refuse("\(topology): it has no tests, expected them in x.test.yaml beside x.yaml")
                    } else if !json {
                        Console.print("\(topology)\n  no tests\n")
                    }
                case .tests(let path):
                    let loaded = TopologyTestLoader(topologies: .standard).load(path: path)
                    let faults = loaded.report.trimmingCharacters(in: .newlines)
                    guard let tests = loaded.tests else {
                        refuse(faults)
                        continue
                    }
                    if !faults.isEmpty { FileHandle.standardError.write(Data((faults + "\n").utf8)) }
                    let result = TopologyTestRunner(registry: Kinds.registry).run(tests, filter: filter)
                    results.append(result)
                    guard !json, filter == nil || !result.results.isEmpty else { continue }
                    Console.print(report.text(of: result))
                    if coverage { Console.print(report.text(of: result.coverage)) }
                }
            }
            let passed = results.reduce(0) { $0 + $1.passed }
            let failed = results.reduce(0) { $0 + $1.failed }
            if passed + failed == 0, errors.isEmpty {
                refuse(filter.map { "no test has a name with \"\($0)\" in it" } ?? "there are no tests to run")
            }
            if json {
                Console.print(TopologyTestReport.json(of: results, errors: errors, withCoverage: coverage))
            } else {
                Console.print(report.summary(passed: passed, failed: failed))
            }
            if failed > 0 || !errors.isEmpty { throw ExitCode(1) }
        }
    }
}
