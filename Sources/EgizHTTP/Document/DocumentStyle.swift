import EgizCore

/// How the page looks. It stands in the page itself, and the page's policy names its hash: nothing else is taken.
enum DocumentStyle {
    static let css = """
        :root{color-scheme:light dark;--line:#8884;--soft:#8882}
        body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
        h1,h2,h3{line-height:1.2}h2{border-bottom:1px solid var(--line);margin-top:2.5rem}
        details{border:1px solid var(--line);border-radius:.4rem;margin:.4rem 0;padding:.3rem .7rem}
        summary{cursor:pointer}code,pre{font:14px/1.4 ui-monospace,monospace}
        pre{background:var(--soft);padding:.6rem;overflow:auto;border-radius:.3rem}
        table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}
        .method{display:inline-block;min-width:4.5rem;font-weight:700}.get{color:#0a7d4b}.post{color:#1f5fbf}.put,.patch{color:#a35b00}.delete{color:#b3261e}
        nav a{margin-right:.8rem}
        """

    /// For `style-src`.
    static let hash = "sha256-" + base64(SHA256.hash(Array(css.utf8)))

    /// RFC 4648, section 4, with padding.
    private static func base64(_ bytes: [UInt8]) -> String {
        var text = Base64URL.encode(bytes).replacing("-", with: "+").replacing("_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        return text
    }
}
