//! Which clients were to be slow and are not: no restart meets their requests under way. Owns what
//! is slow; refuses to hinder a trial for it.

use std::io::Write as _;
use std::time::Duration;

use rekindle_prove::Checked;

use super::groups::GroupPlan;
use crate::text::{printable, short};

/// What takes less is mostly over before a restart is.
const SLOW: Duration = Duration::from_millis(100);

/// Warns of the groups that were to be slow, and took this long.
pub(super) fn warn(groups: &[GroupPlan], checked: &Checked) {
    for text in warnings(groups, &checked.took) {
        // Who does not read warnings may have closed it.
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

fn warnings(groups: &[GroupPlan], took: &[Duration]) -> Vec<String> {
    let each = groups.iter().zip(took);
    each.filter(|(group, took)| group.is_slow && **took < SLOW)
        .map(|(group, took)| {
            format!(
                "warning: `{}` is not slow: its answer took {}, so that few requests are under way \
                 when the server restarts; ask for one that takes longer (slow@/slow?ms=2000), or \
                 read it slower (--read-rate)",
                printable(&group.name),
                short(*took)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rekindle_prove::{Group, Mode, Request};

    use super::*;

    #[test]
    fn only_what_was_to_be_slow_and_is_not_is_told() {
        let plan = |name: &str, is_slow| GroupPlan {
            name: name.to_owned(),
            connections: 1,
            url: "http://127.0.0.1/".parse().unwrap(),
            is_elsewhere: false,
            is_slow,
            group: Group::new(Mode::Keep, Request::get("/")),
        };
        let plans = [plan("keep", false), plan("slow /a", true), plan("slow /b", true)];
        let took = [Duration::ZERO, Duration::from_millis(99), Duration::from_millis(100)];
        let told = warnings(&plans, &took);
        assert_eq!(told.len(), 1);
        assert!(
            told[0].starts_with("warning: `slow /a` is not slow: its answer took 99"),
            "{told:?}"
        );
    }
}
