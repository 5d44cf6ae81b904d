//! A whole request.

/// A method, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`: a `GET` whose answer has no body.
    Head,
    /// `POST`.
    Post,
    /// Any other one.
    Other,
}

/// A whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The request target, as it came: `/path?query`, or in front of that `http://authority`.
    pub target: String,
    /// The body, its transfer coding taken off.
    pub body: Vec<u8>,
}

impl Request {
    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.path_and_query().0
    }

    /// What follows the path after a `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().1
    }

    /// RFC 9112 §3.2.2: a server takes the absolute form as well, with an empty path or not.
    fn path_and_query(&self) -> (&str, Option<&str>) {
        let origin_form = match self.target.split_once("://") {
            Some(("http", rest)) => rest.find(['/', '?']).map_or("/", |at| &rest[at..]),
            _ => &self.target,
        };
        match origin_form.split_once('?') {
            Some(("", query)) => ("/", Some(query)),
            Some((path, query)) => (path, Some(query)),
            None => (origin_form, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_path_and_query_in_either_form() {
        let cases = [
            ("/", "/", None),
            ("/slow?ms=1", "/slow", Some("ms=1")),
            ("/a?b?c", "/a", Some("b?c")),
            ("http://host/slow?ms=1", "/slow", Some("ms=1")),
            ("http://host", "/", None),
            ("http://host?ms=1", "/", Some("ms=1")),
            ("/a?url=http://host/b", "/a", Some("url=http://host/b")),
            ("*", "*", None),
        ];
        for (target, path, query) in cases {
            let request = Request { method: Method::Get, target: target.into(), body: vec![] };
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        }
    }
}
