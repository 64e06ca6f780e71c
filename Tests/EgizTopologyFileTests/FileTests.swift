import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation
import Testing

@Suite struct FileTests {
    private let loader = TopologyLoader(registry: .builtin)

    @Test func aMissingFileAndAFolderSaySo() throws {
        try withTemporaryFolder { folder in
            let missing = folder.appendingPathComponent("missing.yaml").path
            #expect(loader.load(path: missing).report == "\(missing):1:1: error: there is no such file\n")
            #expect(loader.load(path: folder.path).report.contains("found a folder, expected a file"))
        }
    }

    @Test func aFileThatIsNotUTF8SaysWhere() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("latin.yaml")
            try Data(Array("apiVersion: egiz/v1\nkind: é".utf8) + [0xE9, 0x0A]).write(to: file)
            #expect(
                loader.load(path: file.path).report
                    == "\(file.path):2:8: error: the file is not UTF-8 from here; save it as UTF-8\n")
        }
    }

    @Test func aFileOfMoreThanOneMebibyteIsRefused() throws {
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("large.yaml")
            let text = Fixture().text
            let padding = String(repeating: "#", count: TopologyLoader.maximumBytes - text.utf8.count)
            try Data((text + padding).utf8).write(to: file)
            #expect(loader.load(path: file.path).report == "")
            try Data((text + padding + "#").utf8).write(to: file)
            #expect(loader.load(path: file.path).report.contains("the file is larger than 1MiB"))
            #expect(load(text + padding + "#").topology == nil)
        }
        #expect(loader.load(path: "/dev/zero").topology == nil)
    }

    @Test func aFolderIsReadInOrderWithoutTests() throws {
        try withTemporaryFolder { folder in
            for (file, name, topic) in [
                ("b.yaml", "b", "b.v1"), ("a.yml", "a", "a.v1"), ("c.test.yaml", "b", "b.v1"), (".d.yaml", "b", "b.v1"),
            ] {
                try write(name, topic, to: folder.appendingPathComponent(file))
            }
            try Data("not yaml: [".utf8).write(to: folder.appendingPathComponent("README.md"))
            let loaded = loader.load(folder: folder.path + "/")
            #expect(loaded.report == "")
            #expect(loaded.hasErrors == false)
            #expect(loaded.topologies.map(\.name) == ["a", "b"])
        }
    }

    @Test func namesAreUniqueAmongTheFilesOfAFolder() throws {
        try withTemporaryFolder { folder in
            try write("same", "a.v1", to: folder.appendingPathComponent("a.yaml"))
            try write("same", "b.v1", to: folder.appendingPathComponent("b.yaml"))
            let loaded = loader.load(folder: folder.path)
            #expect(loaded.hasErrors)
            #expect(loaded.topologies.count == 1)
            #expect(
                loaded.report
                    == "\(folder.path)/b.yaml:3:19: error: a topology called `same` stands in \(folder.path)/a.yaml already; give it another name\n"
            )
        }
    }

    @Test func twoTopologiesMustNotMakeTwinsOfOneTopic() throws {
        try withTemporaryFolder { folder in
            try write("one", "same.v1", to: folder.appendingPathComponent("a.yaml"))
            try write("two", "same.v1", to: folder.appendingPathComponent("b.yaml"))
            let loaded = loader.load(folder: folder.path)
            #expect(loaded.topologies.map(\.name) == ["one"])
            #expect(
                loaded.report.contains(
                    "b.yaml:7:24: error: the stage `two.events` makes twins of the topic \"same.v1\", as `one.events` of"
                ), "\(loaded.report)")
        }
    }

    @Test func recordsThatRunInACircleThroughSeveralFilesAreAFaultOfTheOneThatClosesIt() throws {
        try withTemporaryFolder { folder in
            func write(_ name: String, reads: String, writes: String, _ more: String = "") throws {
                let fixture = Fixture(
                    metadata: "metadata: { name: \(name) }",
                    sources: "    events: { topics: [\(reads)], format: telemetry\(more) }",
                    processors: """
                            twins: { kind: twin-projector, from: events }
                            copy: { kind: map, from: twins, to: \(writes), thing: "\(name):{name}" }
                        """)
                try Data(fixture.text.utf8).write(to: folder.appendingPathComponent("\(name).yaml"))
            }
            try write("one", reads: "a.v1", writes: "b.v1")
            try write("two", reads: "b.v1", writes: "c.v1")
            #expect(loader.load(folder: folder.path).report == "")
            try write("two", reads: "b.v1", writes: "a.v1")
            let report = loader.load(folder: folder.path).report
            #expect(
                report.contains(
                    #"two.yaml:9:41: error: records run in a circle: `one.events` writes "b.v1", `two.events` writes "a.v1", which `one.events` reads"#
                ), "\(report)")
            #expect(!report.contains("one.yaml"))
            try write("two", reads: "b.v1", writes: "a.v1", ", cycle: true")
            #expect(loader.load(folder: folder.path).report == "")
        }
    }

    @Test func anEmptyOrMissingFolderIsAFault() throws {
        try withTemporaryFolder { folder in
            #expect(loader.load(folder: folder.path).report.contains("the folder holds no topology"))
            #expect(loader.load(folder: folder.path + "/none").hasErrors)
        }
    }

    @Test func theFolderOfTheRepositoryIsGood() {
        let loaded = loader.load(folder: repository.appendingPathComponent("Topologies").path)
        #expect(loaded.report == "")
    }

    private func write(_ name: String, _ topic: String, to file: URL) throws {
        let fixture = Fixture(
            metadata: "metadata: { name: \(name) }",
            sources: "    events:\n      topics: [{ name: \(topic), partitions: 4 }]\n      format: ditto")
        try Data(fixture.text.utf8).write(to: file)
    }
}
