//! Rust source as a flat row of tokens: what comments and strings say cannot be taken for code.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A token and its line, from 1. A delimiter and each character of an operator is a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// All tokens of a stream, groups opened up.
pub(crate) fn flatten(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    push_all(stream, &mut tokens);
    tokens
}

fn push_all(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = delimiters(group.delimiter());
                tokens.push(Token { text: open.into(), line: group.span_open().start().line });
                push_all(group.stream(), tokens);
                tokens.push(Token { text: close.into(), line: group.span_close().start().line });
            }
            leaf => tokens.push(Token { text: leaf.to_string(), line }),
        }
    }
}

const fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Whether these tokens begin with these texts.
pub(crate) fn begins(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len() && tokens.iter().zip(texts).all(|(token, text)| token.text == *text)
}

/// The tokens inside the group that `tokens` begins with, and how many tokens the group has.
pub(crate) fn group(tokens: &[Token]) -> (&[Token], usize) {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (tokens.get(1..index).unwrap_or_default(), index + 1);
        }
    }
    (tokens, tokens.len())
}

/// The content of the attribute that `tokens` begins with, and how many tokens it has.
pub(crate) fn attribute(tokens: &[Token]) -> Option<(&[Token], usize)> {
    let marks = if begins(tokens, &["#", "["]) {
        1
    } else if begins(tokens, &["#", "!", "["]) {
        2
    } else {
        return None;
    };
    let (content, length) = group(&tokens[marks..]);
    Some((content, marks + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        flatten(text.parse().unwrap())
    }

    fn texts(tokens: &[Token]) -> Vec<&str> {
        tokens.iter().map(|token| token.text.as_str()).collect()
    }

    #[test]
    fn groups_are_opened_and_lines_are_kept() {
        let tokens = tokens("fn f() {\n    a::b(1);\n}\n");
        let expected = ["fn", "f", "(", ")", "{", "a", ":", ":", "b", "(", "1", ")", ";", "}"];
        assert_eq!(texts(&tokens), expected);
        assert_eq!(tokens[5].line, 2);
        assert_eq!(tokens[13].line, 3);
    }

    #[test]
    fn comments_are_no_tokens_and_strings_are_one() {
        assert_eq!(texts(&tokens("// unsafe\n\"unsafe { todo!() }\"")).len(), 1);
    }

    #[test]
    fn a_group_ends_at_its_own_delimiter() {
        let tokens = tokens("(a, (b), [c]) d");
        let (content, length) = group(&tokens);
        assert_eq!(texts(content), ["a", ",", "(", "b", ")", ",", "[", "c", "]"]);
        assert_eq!(tokens[length].text, "d");
    }

    #[test]
    fn attributes_are_found_with_and_without_the_bang() {
        let outer = tokens("#[cfg(test)] mod a;");
        let (content, length) = attribute(&outer).unwrap();
        assert_eq!(texts(content), ["cfg", "(", "test", ")"]);
        assert_eq!(outer[length].text, "mod");
        let inner = tokens("#![no_std] x");
        let (content, length) = attribute(&inner).unwrap();
        assert_eq!((texts(content), length), (vec!["no_std"], 5));
        assert!(attribute(&tokens("mod a;")).is_none());
    }
}
