//! What the words of the page mean on the wire.

use maud::{Markup, html as markup};

use crate::account::tally::Tally;
use crate::report::counters;

pub(crate) fn words() -> Markup {
    let none = Tally::default();
    let named = counters::noticed(&none).into_iter().chain(counters::beside(&none));
    markup! {
        details.glossary {
            summary { "What the words mean" }
            dl {
                dt { "answered" } dd { "a whole and right answer came" }
                @for named in named { dt { (named.name) } dd { (named.meaning) } }
                dt { "p50, p99, p99.9" }
                dd { "the latency that 50, 99 and 99.9 of 100 answers did not exceed" }
                dt { "longest silence" } dd { "the longest time without an answer to anyone" }
                dt { "took" } dd { "until the command had ended, or the signal was sent" }
            }
        }
    }
}
