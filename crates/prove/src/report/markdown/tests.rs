//! What a summary says, and that no text in it is taken for Markdown.

use super::*;
use crate::account::failure::FailureKind;
use crate::proof::restart_outcome::SeenBy;
use crate::report::fixture::{self, HOSTILE};

fn about() -> About {
    About::new("A server").fact("target", "http://127.0.0.1:8080/")
}

/// The rows of the table under a title, without its head.
fn rows<'a>(text: &'a str, title: &str) -> Vec<&'a str> {
    let table = text.split_once(&format!("### {title}\n\n")).expect(title).1;
    table.lines().take_while(|line| line.starts_with('|')).skip(2).collect()
}

/// How many cells each row of a table has, its head included: bars as entities are none.
fn cells(text: &str) -> Vec<usize> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| row.matches('|').count() - 1).collect()
}

#[test]
fn it_begins_with_what_clients_noticed() {
    let proof = fixture::quiet();
    let about = about().allow(["lost=1".parse().unwrap()]);
    let begin = "## A server\n\n✅ **Clients noticed nothing in 5 restarts.**\n\n\
                 - target: `http://127.0.0.1:8080/`\n\
                 - allowed: `lost=1`\n\n### Groups\n\n";
    let text = markdown(&proof, &about);
    assert!(text.starts_with(begin), "{text}");
    assert!(!text.contains("### Failures"));
    assert!(markdown(&fixture::rich(), &about).contains("\n❌ **Clients noticed "));
    assert!(markdown(&fixture::empty(), &about).contains("\n⚠️ **This proves nothing"));
}

#[test]
fn each_group_has_a_row_and_all_have_one_together() {
    let proof = fixture::rich();
    let text = markdown(&proof, &about());
    let rows = rows(&text, "Groups");
    assert_eq!(rows.len(), 4 + 1);
    let refused = proof.outcome.tally.refused;
    assert!(rows[1].starts_with("| new `GET /` | 8 |"), "{}", rows[1]);
    assert!(rows[1].contains(&format!("| **{refused}** |")), "{}", rows[1]);
    assert!(rows[0].contains("| 0 |"), "{}", rows[0]);
    assert!(rows[4].starts_with("| **all** | 64 |"), "{}", rows[4]);
    assert!(!text.contains("unsolicited"), "what is zero everywhere has no column");
}

#[test]
fn each_restart_has_a_row() {
    let proof = fixture::rich();
    let text = markdown(&proof, &about());
    let rows = rows(&text, "Restarts");
    assert_eq!(rows.len(), 10);
    let first = "| 1 | 5.451 s | 8.53 ms | generation 2, pid 4013 | 97.0 ms | ";
    assert!(rows[0].starts_with(first), "{}", rows[0]);
    assert!(rows[6].contains("| **no new process in time**"), "{}", rows[6]);
    assert!(text.contains("| new process | answers after |"), "{text}");
    // What is told of each window is all that there was.
    let refused = |row: &&str| {
        let (before, _) = row.split_once(" refused")?;
        before.rsplit([' ', '|']).next()?.parse::<u64>().ok()
    };
    let sum: u64 = rows.iter().filter_map(refused).sum();
    assert_eq!(sum, proof.outcome.tally.refused);
}

#[test]
fn who_was_seen_by_its_listener_is_not_said_to_answer() {
    let mut proof = fixture::rich();
    let change = proof.restarts[0].change.as_mut().unwrap();
    change.seen_by = SeenBy::Listener;
    let text = markdown(&proof, &about());
    assert!(text.contains("| new process | holds the listener after |"), "{text}");
    assert!(!text.contains("answers after"), "{text}");
}

#[test]
fn the_first_failures_are_told_and_the_rest_is_counted() {
    let proof = fixture::rich();
    let text = markdown(&proof, &about());
    assert_eq!(rows(&text, "Failures").len(), FAILURES);
    let left = proof.outcome.failures.len() as u64 - 20 + proof.outcome.failures_not_kept;
    assert!(text.ends_with(&format!("\n… and {left} more failures.\n")), "{text}");
    let told = rows(&text, "Failures").join("\n");
    for kind in FailureKind::ALL {
        let is_there = proof.outcome.failures.iter().any(|failure| failure.kind == kind);
        assert_eq!(told.contains(&format!("| {kind}")), is_there, "{kind}: {told}");
    }
    let huge = markdown(&fixture::huge(), &about());
    assert!(huge.contains("\n… and 950 restarts more.\n"));
    assert!(huge.len() < 60_000, "{}: a summary is short", huge.len());
}

#[test]
fn no_text_is_taken_for_markdown() {
    let text = markdown(&fixture::hostile(), &About::new(HOSTILE).fact(HOSTILE, HOSTILE));
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    assert!(!text.contains('\u{202e}') && !text.contains('\0'));
    let lines = text.lines().filter(|line| line.starts_with("##")).count();
    assert_eq!(lines, 4, "the title and those of three tables: {text}");
    let same = |cells: Vec<usize>, kinds: &[usize]| {
        assert!(cells.iter().all(|count| kinds.contains(count)), "{cells:?}: {text}");
    };
    let clean = markdown(&fixture::proof(&fixture::SMALL), &about());
    let mut kinds = cells(&clean);
    kinds.dedup();
    assert_eq!(kinds.len(), 3, "three tables: {clean}");
    same(cells(&text), &kinds);
}
