//! What a report says of itself. Refuses to know the load: a proof says what came of it.

use crate::proof::allowance::Allowance;

/// What stands at the head of a report: a title, and facts in the words of whoever ran the load.
///
/// No text is trusted: what a page or a table would take for its own is shown as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub(crate) title: String,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) allowances: Vec<Allowance>,
}

impl About {
    /// A report of this title.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), facts: Vec::new(), allowances: Vec::new() }
    }

    /// Adds a fact: what the target was, how it was restarted, with which seed. They stand in the
    /// order in which they are added.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.facts.push((name.into(), text.into()));
        self
    }

    /// What the verdict allows; see [`Proof::verdict`](crate::Proof::verdict).
    #[must_use]
    pub fn allow(mut self, allowances: impl IntoIterator<Item = Allowance>) -> Self {
        self.allowances.extend(allowances);
        self
    }
}
