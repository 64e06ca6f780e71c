import EgizCore
import Testing

@Suite struct ModelDocumentTests {
    private static func number(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    private static func chunk(_ bytes: [UInt8], _ kind: Int, length: Int? = nil) -> [UInt8] {
        number(length ?? bytes.count) + number(kind) + bytes
    }

    /// A GLB with that JSON, filled up to four bytes, and a binary chunk.
    private static func glb(_ json: String, binary: Int? = 8, total: Int? = nil, version: Int = 2) -> [UInt8] {
        var text = Array(json.utf8)
        while text.count % 4 != 0 { text.append(0x20) }
        var body = chunk(text, 0x4E4F_534A)
        if let binary { body += chunk([UInt8](repeating: 7, count: binary), 0x004E_4942) }
        return Array("glTF".utf8) + number(version) + number(total ?? 12 + body.count) + body
    }

    private static let scene = """
        {"asset":{"version":"2.0"},"buffers":[{"byteLength":8}],"bufferViews":[{"buffer":0,"byteOffset":4,"byteLength":4}],
        "meshes":[{}],"nodes":[{"name":"Line","children":[1,2]},{"name":"Tank","mesh":0},{}],"scenes":[{"nodes":[0]}]}
        """

    private func message(_ file: [UInt8]) -> String? {
        do throws(ModelDocument.Fault) {
            _ = try ModelDocument(parsing: file)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func bothFormsGiveTheirNodesWithTheirParents() throws {
        let binary = try ModelDocument(parsing: Self.glb(Self.scene))
        #expect(binary.form == .binary && binary.nodes.map(\.name) == ["Line", "Tank", nil])
        #expect(binary.nodes.map(\.parent) == [nil, 0, 0] && binary.nodes.map(\.hasMesh) == [false, true, false])
        let text = try ModelDocument(parsing: Array(#"{"asset":{"version":"2.0"},"nodes":[{"name":"A"}]}"#.utf8))
        #expect(text.form == .json && text.nodes.map(\.name) == ["A"])
    }

    @Test(
        arguments: [
            ("{}", "asset"), (#"{"asset":{"version":"1.0"}}"#, "glTF 1.0"), ("[]", "no object"),
            ("nonsense", "no glTF"),
            (#"{"asset":{"version":"2.0"},"nodes":{}}"#, "`nodes` is no list"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"children":[1]}]}"#, "names no node"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"children":[-1]}]}"#, "names no node"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"children":[1]},{"children":[0]}]}"#, "child of itself"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"children":[0]}]}"#, "child of itself"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"children":[2]},{"children":[2]},{}]}"#, "two parents"),
            (#"{"asset":{"version":"2.0"},"nodes":[{"mesh":0}]}"#, "names no mesh"),
            (#"{"asset":{"version":"2.0"},"scenes":[{"nodes":[0]}]}"#, "names no node"),
            (#"{"asset":{"version":"2.0"},"images":[{"uri":"http://x/y.png"}]}"#, "another file"),
            (#"{"asset":{"version":"2.0"},"buffers":[{"byteLength":4,"uri":"a.bin"}]}"#, "another file"),
            (#"{"asset":{"version":"2.0"},"buffers":[{"byteLength":4}]}"#, "binary chunk"),
            (#"{"asset":{"version":"2.0"},"bufferViews":[{"buffer":0,"byteLength":1}]}"#, "names no buffer"),
        ])
    func aModelThatIsNoneSaysWhy(json: String, part: String) {
        #expect(message(Array(json.utf8))?.contains(part) == true, "\(message(Array(json.utf8)) ?? "")")
    }

    @Test func theContainerIsCheckedToTheByte() {
        let whole = Self.glb(Self.scene)
        #expect(message(whole) == nil)
        #expect(message(Array("glTF".utf8))?.contains("ends in the header") == true)
        #expect(message(Self.glb(Self.scene, version: 1))?.contains("version 1") == true)
        #expect(message(Self.glb(Self.scene, total: 13))?.contains("says 13 bytes") == true)
        #expect(message(Self.glb(Self.scene, binary: 4))?.contains("binary chunk") == true)
        #expect(message(Self.glb(Self.scene, binary: nil))?.contains("binary chunk") == true)
        #expect(message(Self.glb(Self.scene, binary: 10))?.contains("multiple of 4") == true)
        #expect(
            message(Self.glb(Self.scene.replacing(#""byteLength":4"#, with: #""byteLength":5"#)))?.contains("beyond")
                == true)
        var long = whole
        long[12] = 0xFF
        long[15] = 0xFF
        #expect(message(long)?.contains("middle of a chunk") == true)
    }

    /// Whatever is cut off or flipped: an answer, never a trap.
    @Test func noDamageTraps() {
        let whole = Self.glb(Self.scene)
        for count in 0..<whole.count { #expect(message(Array(whole[..<count])) != nil) }
        for place in whole.indices {
            var bytes = whole
            bytes[place] ^= 0x81
            _ = message(bytes)
        }
    }
}
