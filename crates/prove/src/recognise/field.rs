//! A server that is recognised by a header field. Refuses to look elsewhere.

use super::order::Order;
use super::{Answer, Recognise, Responder, number};

/// Recognises by the value of one header field: another value is another process.
///
/// A number is the generation. If the name of the field ends in `pid`, it is the pid; generations
/// are then, as with texts that are no numbers, counted from 1 in the order in which the values
/// first came. The last 4,096 values are remembered.
#[derive(Debug)]
pub struct ByField {
    name: String,
    says_pid: bool,
    order: Order,
}

impl ByField {
    /// By this field; case does not matter.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        Self { says_pid: name.ends_with("pid"), name, order: Order::default() }
    }
}

impl Recognise for ByField {
    fn recognise(&self, answer: &Answer<'_>) -> Option<Responder> {
        let value = answer.header(&self.name).filter(|value| !value.is_empty())?;
        if self.says_pid {
            let pid = number(value).and_then(|pid| u32::try_from(pid).ok());
            return Some(Responder { generation: self.order.place(value), pid });
        }
        let generation = number(value).unwrap_or_else(|| self.order.place(value));
        Some(Responder { generation, pid: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(by: &ByField, line: &str) -> Option<Responder> {
        let head = format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n");
        by.recognise(&Answer::new(head.as_bytes(), 200, b""))
    }

    #[test]
    fn a_number_is_the_generation() {
        let by = ByField::new("X-Version");
        assert_eq!(found(&by, "x-version: 7"), Some(Responder { generation: 7, pid: None }));
        assert_eq!(found(&by, "x-versions: 7"), None);
        assert_eq!(found(&by, "x-version:"), None);
    }

    #[test]
    fn texts_are_generations_in_the_order_in_which_they_came() {
        let by = ByField::new("x-build");
        let generations = ["x-build: cafe", "x-build: beef", "X-Build: cafe"]
            .map(|line| found(&by, line).unwrap().generation);
        assert_eq!(generations, [1, 2, 1]);
    }

    #[test]
    fn a_pid_is_one_and_generations_are_counted() {
        let by = ByField::new("Server-Pid");
        assert_eq!(
            found(&by, "server-pid: 900"),
            Some(Responder { generation: 1, pid: Some(900) })
        );
        assert_eq!(found(&by, "server-pid: 12"), Some(Responder { generation: 2, pid: Some(12) }));
        assert_eq!(
            found(&by, "server-pid: 900"),
            Some(Responder { generation: 1, pid: Some(900) })
        );
    }
}
