import EgizTwin

/// A 3D model in glTF 2.0, checked: its nodes, and that nothing in it points outside of the file.
///
/// Reads files of strangers: every length and index is checked before it is used.
public struct ModelDocument: Sendable, Equatable {
    public enum Form: String, Sendable {
        case binary = "model/gltf-binary"
        case json = "model/gltf+json"
    }

    public struct Node: Sendable, Equatable {
        /// Its place in `nodes` of the file.
        public var index: Int
        /// Nil: it has none.
        public var name: String?
        /// Nil: it is a root.
        public var parent: Int?
        /// It is drawn.
        public var hasMesh: Bool
    }

    public struct Fault: Error, Sendable, Equatable {
        public var message: String

        init(_ message: String) { self.message = message }
    }

    /// More nodes are no model that anybody binds values to.
    public static let mostNodes = 65_536
    /// Values of its JSON, with the commas of texts.
    public static let mostValues = 2_000_000
    private static let longestName = 256
    private static let json: UInt32 = 0x4E4F_534A
    private static let binary: UInt32 = 0x004E_4942

    public let form: Form
    /// In the order of the file.
    public let nodes: [Node]

    /// - Throws: the first thing that is wrong with the file, for people.
    public init(parsing file: [UInt8]) throws(Fault) {
        let isBinary = file.starts(with: "glTF".utf8)
        form = isBinary ? .binary : .json
        let (text, payload) = try isBinary ? Self.chunks(file) : (file[...], nil)
        // Each is many times as large in memory as in the file; what is data belongs into buffers.
        let values = text.reduce(into: 0) { count, byte in
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") { count += 1 }
        }
        guard values <= Self.mostValues else { throw Fault("its JSON has more than \(Self.mostValues) values") }
        let root: JSONObject
        do throws(JSONError) {
            guard let object = try JSONParser().parse(Array(text)).object else { throw JSONError("it is no object") }
            root = object
        } catch {
            throw Fault("it is no glTF: \(error.message)")
        }
        guard let version = root["asset"]?.object?["version"]?.string else {
            throw Fault("it is no glTF: it has no `asset.version`")
        }
        guard version == "2" || version.hasPrefix("2.") else {
            throw Fault("it is glTF \(version.prefix(20)), expected 2.0")
        }
        try Self.checkBuffers(root, payload)
        for image in try Self.list(root, "images") { try Self.checkReference(image, "images") }
        nodes = try Self.nodes(root)
        try Self.checkScenes(root, nodes.count)
    }

    // MARK: The container

    /// The JSON of a GLB, and how many bytes its binary chunk has; nil: it has none.
    private static func chunks(_ file: [UInt8]) throws(Fault) -> (ArraySlice<UInt8>, Int?) {
        guard file.count >= 20 else { throw Fault("it ends in the header of a GLB") }
        guard number(file, 4) == 2 else { throw Fault("it is a GLB of version \(number(file, 4)), expected 2") }
        guard number(file, 8) == UInt32(clamping: file.count) else {
            throw Fault("its header says \(number(file, 8)) bytes, it has \(file.count)")
        }
        var text: ArraySlice<UInt8>?
        var payload: Int?
        var at = 12
        while at < file.count {
            guard at + 8 <= file.count else { throw Fault("it ends in the header of a chunk") }
            let (length, kind) = (Int(number(file, at)), number(file, at + 4))
            at += 8
            guard length <= file.count - at else { throw Fault("it ends in the middle of a chunk") }
            guard length % 4 == 0 else { throw Fault("a chunk has \(length) bytes, which is no multiple of 4") }
            if text == nil {
                guard kind == json else { throw Fault("its first chunk is not JSON") }
                text = file[at..<(at + length)]
            } else if kind == binary {
                guard payload == nil else { throw Fault("it has two binary chunks") }
                payload = length
            }
            at += length
        }
        guard let text else { throw Fault("it has no JSON") }
        return (text, payload)
    }

    /// Little endian; the caller knows that it is there.
    private static func number(_ file: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(file[at + $1]) << UInt32(8 * $1) }
    }

    // MARK: What it refers to

    private static func checkBuffers(_ root: JSONObject, _ payload: Int?) throws(Fault) {
        var sizes: [Int] = []
        for (index, buffer) in try list(root, "buffers").enumerated() {
            guard let size = buffer["byteLength"]?.index, size > 0 else {
                throw Fault("`buffers[\(index)].byteLength` is no positive number")
            }
            if buffer["uri"] == nil {
                guard index == 0, let payload, size <= payload else {
                    throw Fault("`buffers[\(index)]` has more bytes than the file's binary chunk")
                }
            } else {
                try checkReference(buffer, "buffers")
            }
            sizes.append(size)
        }
        for (index, view) in try list(root, "bufferViews").enumerated() {
            guard let buffer = view["buffer"]?.index, buffer < sizes.count else {
                throw Fault("`bufferViews[\(index)].buffer` names no buffer")
            }
            let offset = view["byteOffset"] == nil ? 0 : view["byteOffset"]?.index
            guard let offset, let length = view["byteLength"]?.index, offset <= sizes[buffer],
                length <= sizes[buffer] - offset
            else { throw Fault("`bufferViews[\(index)]` goes beyond its buffer") }
        }
    }

    /// Nothing is fetched for a model: what it needs is in it.
    private static func checkReference(_ object: JSONObject, _ name: String) throws(Fault) {
        guard let uri = object["uri"] else { return }
        guard let text = uri.string, text.utf8.starts(with: "data:".utf8) else {
            throw Fault("`\(name)` refer to another file; send a .glb, or embed the data in the .gltf")
        }
    }

    private static func nodes(_ root: JSONObject) throws(Fault) -> [Node] {
        let objects = try list(root, "nodes")
        guard objects.count <= mostNodes else {
            throw Fault("it has \(objects.count) nodes, more than \(mostNodes)")
        }
        let meshes = try list(root, "meshes").count
        var nodes: [Node] = []
        nodes.reserveCapacity(objects.count)
        for (index, object) in objects.enumerated() {
            let name = object["name"]?.string
            guard name.map({ $0.utf8.count <= longestName && !$0.utf8.contains(0) }) ?? true else {
                throw Fault("the name of `nodes[\(index)]` has more than \(longestName) bytes, or U+0000")
            }
            if let mesh = object["mesh"] {
                guard let mesh = mesh.index, mesh < meshes else { throw Fault("`nodes[\(index)].mesh` names no mesh") }
            }
            nodes.append(Node(index: index, name: name, parent: nil, hasMesh: object["mesh"] != nil))
        }
        for (index, object) in objects.enumerated() {
            for child in try indices(object, "children", "nodes[\(index)]", below: nodes.count) {
                guard nodes[child].parent == nil else { throw Fault("`nodes[\(child)]` has two parents") }
                nodes[child].parent = index
            }
        }
        try checkTree(nodes)
        return nodes
    }

    /// Each has one parent at most, so a circle is found by walking up from each node that was not met yet.
    private static func checkTree(_ nodes: [Node]) throws(Fault) {
        var walk = [Int](repeating: 0, count: nodes.count)
        for start in nodes.indices where walk[start] == 0 {
            var node: Int? = start
            while let present = node, walk[present] == 0 {
                walk[present] = start + 1
                node = nodes[present].parent
            }
            if let node, walk[node] == start + 1 { throw Fault("`nodes[\(node)]` is a child of itself") }
        }
    }

    private static func checkScenes(_ root: JSONObject, _ count: Int) throws(Fault) {
        for (index, scene) in try list(root, "scenes").enumerated() {
            _ = try indices(scene, "nodes", "scenes[\(index)]", below: count)
        }
    }

    // MARK: JSON

    private static func list(_ object: JSONObject, _ name: String) throws(Fault) -> [JSONObject] {
        guard let value = object[name] else { return [] }
        guard case .array(let items) = value else { throw Fault("`\(name)` is no list") }
        var objects: [JSONObject] = []
        objects.reserveCapacity(items.count)
        for item in items {
            guard let object = item.object else { throw Fault("`\(name)` has something in it that is no object") }
            objects.append(object)
        }
        return objects
    }

    private static func indices(_ object: JSONObject, _ name: String, _ place: String, below count: Int) throws(Fault)
        -> [Int]
    {
        guard let value = object[name] else { return [] }
        guard case .array(let items) = value else { throw Fault("`\(place).\(name)` is no list") }
        var indices: [Int] = []
        for item in items {
            guard let index = item.index, index < count else { throw Fault("`\(place).\(name)` names no node") }
            indices.append(index)
        }
        return indices
    }
}

extension JSONValue {
    /// A number that counts something: a whole one from 0 on.
    fileprivate var index: Int? {
        if case .int(let number) = self, number >= 0 { return Int(number) }
        return nil
    }
}
