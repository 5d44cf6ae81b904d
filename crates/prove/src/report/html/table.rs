//! The frame of a table. Refuses to know what is in it.

use maud::{Markup, html as markup};

/// A table that scrolls by itself where it is wider than the page.
pub(crate) fn scrolling(label: &str, head: &Markup, body: &Markup) -> Markup {
    markup! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table { thead { (head) } tbody { (body) } }
        }
    }
}

/// A table that is there for who cannot see the chart above it, and for who wants its numbers.
pub(crate) fn folded(label: &str, head: &Markup, body: &Markup) -> Markup {
    markup! {
        details {
            summary { (label) " as a table" }
            (scrolling(label, head, body))
        }
    }
}

/// How many rows were left out.
pub(crate) fn more(left: u64, one: &str, many: &str) -> Markup {
    markup! {
        @if left > 0 {
            p.note { "… and " (crate::report::words::counted(left, one, many)) " more." }
        }
    }
}
