import EgizCore
import EgizProcessors
import EgizTopologyFile
import Foundation
import Testing

/// Words below the words of a kind: lists of rules and bindings.
@Suite struct KindWordTests {
    private func scene(_ binding: String, _ words: String = "") -> LoadedTopology {
        Fixture(
            processors: """
                    twins: { kind: twin-projector, from: events }
                    scene:
                      kind: binding-evaluator
                      from: twins
                \(words)      bindings:
                        - objectName: Tank
                          target: color
                \(binding.split(separator: "\n").map { "          \($0)" }.joined(separator: "\n"))
                """
        ).loaded
    }

    @Test(
        arguments: [
            (
                "path: features.f.x\npaht: features.f.x", "18:11",
                "unknown word `paht` in `processors.scene.bindings[0]`"
            ),
            ("path: features.f.", "17:17", "`processors.scene.bindings[0].path`: column 11"),
            ("path: features.f.x\nrange: { in: [1, 2], out: [red] }", "18:37", "expected a list of two values"),
            ("path: features.f.x\nrange: { in: [1, 2] }", "18:18", "has no `out`"),
            (
                "path: features.f.x\nsteps: [{ from: 1, value: red }, { from: low, value: red }]", "18:52",
                "expected a number"
            ),
            ("path: features.f.x\ndefault: rde", "18:20", "did you mean `red`?"),
            (
                "path: features.f.x\nmap: { a: { b: c } }", "18:21",
                "expected a text, a number, true, false or a list of numbers"
            ),
            ("expression: nott features.f.x", "17:23", "nothing is called `nott`"),
            ("format: \"{value:.1\"\npath: features.f.x", "17:19", "the `{` has no `}`"),
        ])
    func aFaultInAnEntryHasItsPlace(_ binding: String, _ place: String, _ part: String) {
        let loaded = scene(binding)
        #expect(loaded.places == [place], "\(loaded.report)")
        #expect(loaded.messages.first?.contains(part) == true, "\(loaded.report)")
    }

    @Test func allFaultsOfAListAreReportedAtOnce() {
        let loaded = Fixture(
            processors: """
                    twins: { kind: twin-projector, from: events }
                    alerts:
                      kind: alert-rule
                      from: twins
                      rules:
                        - { name: a, when: features.f.x >, message: m }
                        - { name: b, severity: bad, message: m }
                        - { when: "true", message: m, for: 10 }
                """
        ).loaded
        #expect(loaded.faults.count == 4, "\(loaded.report)")
        #expect(loaded.messages.contains { $0.contains("rules[1].severity") })
        #expect(loaded.messages.contains { $0.contains("rules[2]` has no `name`") })
        #expect(loaded.messages.contains { $0.contains("write \"10s\"") })
    }

    @Test func whatOnlyTheKindCanTellIsToldWithItsPlace() {
        let loaded = Fixture(
            processors: """
                    twins: { kind: twin-projector, from: events }
                    minutes: { kind: rollup, from: twins, interval: 1m, hop: 2m }
                """
        ).loaded
        #expect(loaded.messages.first?.contains("at most `interval`") == true, "\(loaded.report)")
        #expect(loaded.places == ["11:62"])
    }

    @Test func defaultsOfEntriesAreFilledIn() throws {
        let loaded = scene("path: features.f.x\nrange: { in: [1, 2], out: [red, blue] }")
        let topology = try #require(loaded.topology, "\(loaded.report)")
        let scene = try #require(topology.processors.last)
        let binding = try SettingsReader(scene).entries("bindings")[0]
        #expect(try binding.map("range")?.bool("clamp") == true)
        #expect(try SettingsReader(scene).text("to") == "framework.notifications.v1.binding")
    }

    @Test func kindsAreListedForPeopleAndPrograms() throws {
        let registry = ProcessorRegistry.builtin
        let text = KindList.text(registry: registry)
        #expect(text.contains("alert-rule") && text.contains("    severity"))
        let json =
            try JSONSerialization.jsonObject(with: Data(KindList.json(registry: registry).utf8)) as? [[String: Any]]
        #expect(json?.count == registry.entries.count)
        let rule = json?.first { $0["kind"] as? String == "alert-rule" }
        let words = rule?["words"] as? [[String: Any]]
        #expect((words?.first?["words"] as? [[String: Any]])?.contains { $0["name"] as? String == "severity" } == true)
        #expect(TopologyReference.kinds(registry: registry).contains("#### `bindings[].range`"))
    }

    // MARK: Models

    private let gltf = #"{"asset":{"version":"2.0"},"nodes":[{"name":"Tank"},{},{"name":"Lamp"}]}"#

    private func glb(_ json: String) -> Data {
        let text = Array(json.utf8)
        var bytes = Array("glTF".utf8)
        for value in [2, 20 + text.count, text.count, 0x4E4F_534A] {
            for shift in [0, 8, 16, 24] { bytes.append(UInt8(value >> shift & 255)) }
        }
        return Data(bytes + text)
    }

    @Test func theNodesOfAModelAreRead() throws {
        try withTemporaryFolder { folder in
            var padded = glb(gltf)
            padded.append(contentsOf: [0, 0, 0, 0])
            let good: [(String, Data)] = [("a.gltf", Data(gltf.utf8)), ("a.glb", glb(gltf)), ("b.glb", padded)]
            for (name, data) in good {
                let file = folder.appendingPathComponent(name)
                try data.write(to: file)
                #expect(try ModelFile.nodeNames(path: file.path) == ["Tank", "Lamp"], "\(name)")
            }
            let bad: [(Data, String)] = [
                (Data("x".utf8), "no glTF"), (Data(), "no glTF"), (Data("{}".utf8), "no `asset`"),
                (Data(glb(gltf).prefix(40)), "ends in the middle"), (Data("glTF".utf8), "header"),
                (Data(Array("glTF".utf8) + [UInt8](repeating: 1, count: 30)), "version"),
            ]
            for (data, part) in bad {
                let file = folder.appendingPathComponent("bad")
                try data.write(to: file)
                do throws(ModelFile.Fault) {
                    _ = try ModelFile.nodeNames(path: file.path)
                    Issue.record("\(part) was read")
                } catch {
                    #expect(error.message.contains(part), "\(error.message)")
                }
            }
        }
    }

    @Test func objectsThatAModelDoesNotHaveAreReportedWithTheNearestName() throws {
        try withTemporaryFolder { folder in
            try Data(gltf.utf8).write(to: folder.appendingPathComponent("m.gltf"))
            let file = folder.appendingPathComponent("x.yaml")
            func report(_ object: String, _ model: String) throws -> LoadedTopology {
                let text = Fixture(
                    processors: """
                            twins: { kind: twin-projector, from: events }
                            scene: { kind: binding-evaluator, from: twins, model: \(model), bindings: [{ objectName: \(object), target: text, path: features.f.x }] }
                        """
                ).text
                try Data(text.utf8).write(to: file)
                return TopologyLoader(registry: .builtin).load(path: file.path)
            }
            #expect(try report("Tank", "m.gltf").report == "")
            let wrong = try report("Tnak", "m.gltf")
            #expect(wrong.places == ["11:92"], "\(wrong.report)")
            #expect(wrong.messages.first?.contains("did you mean `Tank`?") == true, "\(wrong.report)")
            #expect(try report("Tank", "none.glb").messages.first?.contains("no such file") == true)
        }
    }
}
