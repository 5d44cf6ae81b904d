//! What clients saw of a real server stands in its reports, to the last request.

use std::sync::Arc;
use std::time::Duration;

use rekindle_prove::report::{self, About};
use rekindle_prove::{Group, Mode, Plan, Proof, Request, RestartError, Trial};

use crate::server::{Act, Server, faulty};

const LOST: usize = 7;
const RESTARTS: u32 = 3;

/// Three restarts of a server that loses seven requests; the second restart changes nothing.
async fn proof() -> Proof {
    let server = Arc::new(Server::tcp(faulty(Act::CloseUnanswered, LOST, 20)).await);
    let plan = Plan::new(server.target.clone())
        .group(Group::new(Mode::Keep, Request::get("/")).connections(4).name("kept | <b>"))
        .group(Group::new(Mode::New, Request::post("/echo", 100)).connections(2).name("posts"));
    let restart = move |number: u32| {
        if number != 2 {
            server.set_generation(u64::from(number) + 1);
        }
        async { Ok::<_, RestartError>(()) }
    };
    let every = Duration::from_millis(250);
    let trial = Trial::new(plan).restart(restart).times(RESTARTS).every(every).settle(every / 2);
    trial.start().unwrap().finished().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_told_to_the_last_request() {
    let proof = proof().await;
    assert_eq!(proof.outcome.tally.lost, LOST as u64, "{:?}", proof.outcome.tally);
    let about = About::new("A server").fact("restarted by", "a closure");
    let sentence = "Clients noticed 7 lost in 3 restarts.";
    let unchanged = "1 of 3 restarts brought no new process in time.";

    let page = report::html(&proof, &about);
    assert!(page.contains(sentence) && page.contains(unchanged), "{page}");
    assert!(page.contains("kept | &lt;b&gt;") && !page.contains("<b>"), "{page}");
    let failures = page.split_once("<section id=\"failures\">").unwrap().1;
    let failures = failures.split_once("</section>").unwrap().0;
    assert_eq!(failures.matches("<td>lost").count(), LOST);
    // Three processes would have been there; the second restart brought none.
    assert_eq!(page.matches("class=\"band tone").count(), 3);
    let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    for (group, answered) in data["answered"].as_array().unwrap().iter().enumerate() {
        let sum: u64 = answered.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).sum();
        assert_eq!(sum, proof.outcome.groups[group].tally.answered, "each answer is drawn once");
    }

    let summary = report::markdown(&proof, &about);
    assert!(summary.contains(&format!("❌ **{sentence}**")), "{summary}");
    assert!(summary.contains("| kept &#124; &#60;b&#62; `GET /` | 4 |"), "{summary}");
    let rows = summary.lines().filter(|line| line.contains("| lost")).count();
    assert!(rows >= LOST, "each failure has a row: {summary}");
}
