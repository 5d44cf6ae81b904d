//! What the page may do: run its own script, look as its own style says, and nothing else.

use data_encoding::BASE64;
use ring::digest::{SHA256, digest};

/// The `Content-Security-Policy` of a page with this style and this script. They are named by their
/// hashes, so that a text that were taken for a script by mistake would not run either.
pub(crate) fn of(style: &str, script: &str) -> String {
    let (style, script) = (hash(style), hash(script));
    format!(
        "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; \
         form-action 'none'"
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(digest(&SHA256, text.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_is_named_by_its_hash() {
        // From the shell: `printf 'alert(1)' | openssl dgst -sha256 -binary | base64`.
        let script = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
        let policy = of("", "alert(1)");
        assert!(policy.contains(&format!("script-src {script};")), "{policy}");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
