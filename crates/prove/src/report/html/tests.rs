//! What a page says and what it does not let through. How it looks is for `look`.

mod browser;
mod colour;
mod look;

use super::*;
use crate::report::fixture::{self, HOSTILE, Shape};
use crate::report::words;

/// The most bytes of a page, whatever it is of.
const MOST_BYTES: usize = 2_000_000;

fn about() -> About {
    About::new("A server").fact("target", "http://127.0.0.1:8080/")
}

/// How often a text is in a page.
fn times(page: &str, text: &str) -> usize {
    page.matches(text).count()
}

/// The part of a page between two texts.
fn part<'a>(page: &'a str, from: &str, until: &str) -> &'a str {
    let rest = page.split_once(from).expect(from).1;
    rest.split_once(until).expect(until).0
}

#[test]
fn each_group_has_its_lines_and_each_kind_its_bars() {
    let proof = fixture::rich();
    let page = html(&proof, &about());
    for (kind, plots) in [("bands", 1), ("rate", 4), ("latency", 4), ("noticed", 7)] {
        assert_eq!(times(&page, &format!("data-kind=\"{kind}\"")), plots, "{kind}");
    }
    for class in ["rate", "p50", "p99", "p999", "longest", "bars"] {
        let begin = format!("<path class=\"{class}\" d=\"");
        let paths: Vec<_> = page.split(&begin).skip(1).collect();
        assert!(paths.len() >= 4, "{class}");
        assert!(paths.iter().all(|path| path.starts_with('M')), "{class}");
    }
    // One axis: every plot refers to the same marks, and each restart is in them once.
    assert_eq!(times(&page, "href=\"#marks\""), 16);
    assert_eq!(times(part(&page, "<symbol", "</symbol>"), "class=\"restart\""), 9);
    assert_eq!(times(part(&page, "<symbol", "</symbol>"), "class=\"restart unchanged\""), 1);
}

#[test]
fn tables_tell_what_was_counted() {
    let proof = fixture::rich();
    let page = html(&proof, &about());
    let restarts = part(&page, "<section id=\"restarts\">", "</section>");
    assert_eq!(times(restarts, "<tr"), 1 + 1 + 10, "a head, the time before, each restart");
    assert!(restarts.contains("none: the same process, or one of the same name, answered on"));
    let failures = part(&page, "<section id=\"failures\">", "</section>");
    assert_eq!(times(failures, "<tr"), 1 + 200);
    let left = proof.outcome.failures.len() as u64 - 200 + proof.outcome.failures_not_kept;
    assert!(failures.contains(&format!("… and {left} failures more.")), "{left}");
    let groups = part(&page, "<section id=\"groups\">", "</section>");
    assert!(groups.contains(&words::count(proof.outcome.tally.answered)));
    assert!(!groups.contains("unsolicited"), "none of them anywhere");
    assert_eq!(times(&page, "<details>"), 4, "each chart is there as a table too");
}

#[test]
fn where_nothing_was_noticed_there_are_no_bars_and_no_failures() {
    let page = html(&fixture::quiet(), &about());
    assert!(page.contains("Clients noticed nothing in 5 restarts."));
    assert!(page.contains("Nothing: no failure of any kind, at no time."));
    assert!(!page.contains("data-kind=\"noticed\"") && !page.contains("id=\"failures\""));
}

#[test]
fn a_proof_of_nothing_is_a_page_too() {
    let page = html(&fixture::empty(), &about());
    assert!(page.contains("This proves nothing: no request was answered."));
    assert!(page.contains("No answer said which process gave it."));
    assert!(page.contains("The server was not restarted."));
    for number in ["NaN", "inf"] {
        assert!(!page.contains(&format!("\"{number}")), "{number}");
    }
}

#[test]
fn answers_of_more_processes_than_have_an_account_are_told() {
    let mut proof = fixture::rich();
    assert!(!html(&proof, &about()).contains("named more processes"));
    proof.outcome.answered_by_others = 1_234;
    assert!(html(&proof, &about()).contains("1,234 answers named more processes than these."));
}

#[test]
fn processes_that_only_proc_told_of_are_drawn_and_said_to_be() {
    let mut proof = fixture::rich();
    proof.outcome.generations.clear();
    let page = html(&proof, &about());
    let responders = part(&page, "<section id=\"responders\">", "</section>");
    assert_eq!(times(responders, "data-kind=\"bands\""), 1);
    assert_eq!(times(responders, "class=\"band tone"), 1 + 9, "the first, and one of ten is none");
    assert!(responders.contains("seen by /proc to hold the listener"), "{responders}");
    assert_eq!(times(responders, "<tr"), 1 + 1 + 9);
    let named = proof.restarts[0].change.as_ref().unwrap().responder.pid.unwrap();
    assert!(responders.contains(&format!("generation 2, pid {named}")), "{responders}");
    proof.restarts.iter_mut().for_each(|restart| restart.change = None);
    let page = html(&proof, &about());
    assert!(page.contains("No answer said which process gave it."));
    assert_eq!(times(&page, "data-kind=\"bands\""), 0);
}

#[test]
fn no_text_is_taken_for_markup() {
    let about = About::new(HOSTILE).fact(HOSTILE, HOSTILE);
    let page = html(&fixture::hostile(), &about);
    assert_eq!(times(&page, "<script"), 2, "the numbers and the one script");
    assert_eq!(times(&page, "</script>"), 2);
    assert_eq!(times(&page, "</style>"), 1);
    assert_eq!(times(&page, "</title>"), 1);
    assert!(!page.contains("<img") && !page.contains("onerror=x>"), "no element, no attribute");
    assert!(!page.contains('\u{202e}') && !page.contains('\0'), "nothing hides");
    let shown = "&lt;img src=http://127.0.0.1:9/ onerror=x&gt;&quot;'`&amp;amp;|\\u{202e}\\u{0}";
    // Title, heading, name and text of a fact, and each place of a group and of an error.
    assert!(times(&page, shown) > 4 + 2 * 4, "{}", times(&page, shown));
}

#[test]
fn a_page_is_small_whatever_it_is_of() {
    let most = [
        Shape { samples: 1_200, restarts: 1_000, groups: 10, loses: true },
        Shape { samples: 1_200, restarts: 50, groups: 60, loses: true },
        Shape { samples: 9_000, restarts: 10, groups: 3, loses: true },
        Shape { samples: 300, restarts: 40_000, groups: 2, loses: false },
    ];
    for shape in most {
        let mut proof = fixture::proof(&shape);
        // A command that fails at length, each time.
        for restart in proof.restarts.iter_mut().take(1_000) {
            restart.error = Some("what it wrote ".repeat(1_000));
        }
        let page = html(&proof, &about());
        assert!(page.len() < MOST_BYTES, "{shape:?}: {}", page.len());
    }
}

#[test]
fn what_is_left_out_is_said() {
    let page = html(&fixture::huge(), &about());
    assert!(page.contains("Right answers a second in each 200 ms."));
    assert!(page.contains("the highest of the intervals that are joined in it"));
    assert!(page.contains("Not all restarts are marked"));
    let restarts = part(&page, "<section id=\"restarts\">", "</section>");
    assert!(restarts.contains("… and 700 restarts more."), "of 1,000");
    let many = Shape { samples: 20, restarts: 1, groups: 60, loses: false };
    let page = html(&fixture::proof(&many), &about());
    assert_eq!(times(&page, "data-kind=\"rate\""), GROUPS_DRAWN);
    let throughput = part(&page, "<section id=\"throughput\">", "</section>");
    assert!(throughput.contains("… and 36 groups more."));
    let groups = part(&page, "<section id=\"groups\">", "</section>");
    assert_eq!(times(groups, "<tr"), 1 + 60 + 1, "their table has them all");
}

#[test]
fn the_page_names_no_place_to_ask() {
    let page = html(&fixture::rich(), &About::new("A server"));
    for asking in ["src=", "url(", "@import", "fetch(", "http://", "https://"] {
        let allowed =
            if asking == "http://" { times(SCRIPT, "http://www.w3.org/2000/svg") } else { 0 };
        assert_eq!(times(&page, asking), allowed, "{asking}");
    }
    assert_eq!(times(&page, "http-equiv=\"Content-Security-Policy\""), 1);
    // An attribute `style` would need a policy that allows it, and so would one of an event.
    assert!(!page.contains(" style=") && !page.contains(" onclick="));
}
