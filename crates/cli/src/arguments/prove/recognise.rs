//! `RecogniseArgument`: how a new process is told from the old.

use std::str::FromStr;

/// How a new process is told from the old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecogniseArgument {
    /// By what the answers say, and if they say nothing by `/proc`.
    Auto,
    /// By the value of this field of an answer.
    Header(String),
    /// By what the first group of this pattern, or else the whole of it, finds in a body.
    Body(String),
    /// By which processes hold the listening socket.
    Proc,
    /// Not at all: for servers whose process stays.
    Off,
}

impl FromStr for RecogniseArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "proc" => Ok(Self::Proc),
            None if text == "off" => Ok(Self::Off),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_owned())),
            Some(("body", pattern)) if !pattern.is_empty() => Ok(Self::Body(pattern.to_owned())),
            _ => Err("write auto, header:x-pid, body:'pid (\\d+)', proc or off".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_may_have_colons() {
        let table = [
            ("auto", RecogniseArgument::Auto),
            ("proc", RecogniseArgument::Proc),
            ("off", RecogniseArgument::Off),
            ("header:x-pid", RecogniseArgument::Header("x-pid".to_owned())),
            (r"body:pid:(\d+)", RecogniseArgument::Body(r"pid:(\d+)".to_owned())),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "header", "header:", "body:", "cookie:x", "auto:x", "x-pid"] {
            assert!(RecogniseArgument::from_str(text).unwrap_err().contains("proc"), "{text}");
        }
    }
}
