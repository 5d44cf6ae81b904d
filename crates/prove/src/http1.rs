//! HTTP/1.1 from the client's side: one request and its answer, judged to the last byte.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod draft;
pub(crate) mod exchange;
pub(crate) mod head;
pub(crate) mod talk;
