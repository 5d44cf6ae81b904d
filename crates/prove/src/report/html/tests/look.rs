//! The page in a browser: that it is drawn, that its script runs without a complaint, that it asks
//! nobody for anything, and pictures of it for people.
//!
//! The pictures are in `report` in the target directory, as output of CI.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use super::browser::{Browser, DEADLINE, Look, Seen};
use crate::proof::Proof;
use crate::report::about::About;
use crate::report::fixture;
use crate::report::html::html;
use crate::report::words::count;

const LOOKS: [Look; 3] = [
    Look { name: "light", width: 1_280, height: 5_080, is_dark: false },
    Look { name: "dark", width: 1_280, height: 5_080, is_dark: true },
    Look { name: "phone", width: 360, height: 6_360, is_dark: false },
];

/// `report` in the target directory: this test runs from `<target>/<profile>/deps/`.
fn pictures() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let directory = program.ancestors().nth(3).unwrap().join("report");
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn about() -> About {
    About::new("A server that loses some, restarted ten times")
        .fact("target", "http://127.0.0.1:8080/")
        .fact("restarted by", "kill -HUP $(cat /run/server.pid)")
        .fact("seed", "1")
}

/// A page that has one more script, and nothing that forbids it.
fn probed(proof: &Proof, probe: &str) -> String {
    let page = html(proof, &about());
    let (before, rest) = page.split_once("<meta http-equiv=").unwrap();
    let (_policy, after) = rest.split_once('>').unwrap();
    format!("{before}{after}<script>{probe}</script>")
}

/// What a probe left on the page.
fn found(seen: &Seen) -> serde_json::Value {
    assert_eq!(seen.complaints(), [""; 0]);
    let rest = seen.dom.split_once("<pre id=\"found\">").expect("the probe ran").1;
    let text = rest.split_once("</pre>").unwrap().0;
    serde_json::from_str(&text.replace("&lt;", "<").replace("&amp;", "&")).unwrap()
}

/// What a probe ends with.
const LEAVE: &str = "
  const pre = document.createElement('pre');
  pre.id = 'found';
  pre.textContent = JSON.stringify(found);
  document.body.append(pre);";

#[test]
fn the_page_is_drawn_without_a_complaint() {
    let Some(browser) = Browser::find() else { return };
    let pages = [
        ("rich", fixture::rich(), 16),
        ("quiet", fixture::quiet(), 5),
        ("huge", fixture::huge(), 28),
        ("empty", fixture::empty(), 0),
    ];
    for (name, proof, plots) in pages {
        let seen = browser.dump(&html(&proof, &about()), LOOKS[0]);
        assert_eq!(seen.complaints(), [""; 0], "{name}");
        assert!(seen.dom.contains(&format!("data-ready=\"{plots}\"")), "{name}: its script ran");
    }
}

#[test]
fn what_a_script_complains_of_is_seen() {
    let Some(browser) = Browser::find() else { return };
    let warns = probed(&fixture::quiet(), "console.warn('so it is')");
    assert_eq!(browser.dump(&warns, LOOKS[0]).complaints().len(), 1);
    let throws = probed(&fixture::quiet(), "nobody()");
    assert_eq!(browser.dump(&throws, LOOKS[0]).complaints().len(), 1);
    // And what the policy forbids, the page does not run.
    let page = html(&fixture::quiet(), &about());
    let smuggled = page.replace("</main>", "<script>document.title = 'smuggled'</script></main>");
    let seen = browser.dump(&smuggled, LOOKS[0]);
    assert_eq!(seen.complaints().len(), 1, "{:?}", seen.complaints());
    assert!(!seen.dom.contains("<title>smuggled</title>"));
}

#[test]
fn pictures_of_it_are_kept() {
    let Some(browser) = Browser::find() else { return };
    let directory = pictures();
    for look in LOOKS {
        let quiet = Look { height: look.height * 11 / 20, ..look };
        let pages = [("rich", fixture::rich(), look), ("quiet", fixture::quiet(), quiet)];
        for (name, proof, look) in pages {
            let picture = directory.join(format!("{name}-{}.png", look.name));
            let _ = fs::remove_file(&picture);
            let seen = browser.shoot(&html(&proof, &about()), look, &picture);
            assert_eq!(seen.complaints(), [""; 0]);
            let bytes = fs::metadata(&picture).unwrap().len();
            assert!(bytes > 50_000, "{}: {bytes} bytes are no picture", picture.display());
        }
    }
    eprintln!("pictures of the report are in {}", directory.display());
}

/// Sees to it that nothing is empty, too wide, or over something else.
const LAYOUT: &str = "
  const found = { wide: document.documentElement.scrollWidth, empty: [], over: [], plots: 0 };
  for (const plot of document.querySelectorAll('.plot')) {
    found.plots += 1;
    const box = plot.querySelector('.area').getBoundingClientRect();
    const shapes = [...plot.querySelectorAll('.area path, .area .band')];
    const drawn = shapes.filter((shape) => shape.getBBox().width > 0);
    if (box.width < 180 || box.height < 20 || drawn.length === 0) found.empty.push(plot.ariaLabel);
  }
  for (const strip of document.querySelectorAll('.strip')) {
    const texts = [...strip.querySelectorAll('text')]
      .map((text) => [text.textContent, text.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0);
    for (const [index, [one, a]] of texts.entries()) {
      for (const [other, b] of texts.slice(index + 1)) {
        const beside = a.right <= b.left || b.right <= a.left;
        const below = a.bottom <= b.top || b.bottom <= a.top;
        if (!beside && !below) found.over.push(`${one} and ${other}`);
      }
    }
  }
  const small = [...document.querySelectorAll('.strip text')]
    .filter((text) => parseFloat(getComputedStyle(text).fontSize) < 11);
  found.small = small.length;";

#[test]
fn nothing_is_empty_or_too_wide_or_over_something_else() {
    let Some(browser) = Browser::find() else { return };
    for look in LOOKS {
        for proof in [fixture::rich(), fixture::quiet(), fixture::huge()] {
            let page = probed(&proof, &format!("{{{LAYOUT}{LEAVE}}}"));
            let found = found(&browser.dump(&page, look));
            assert!(found["plots"].as_u64().unwrap() >= 5);
            assert_eq!(found["wide"], look.width, "{look:?}");
            assert_eq!(found["empty"], serde_json::json!([]), "{look:?}");
            assert_eq!(found["over"], serde_json::json!([]), "{look:?}");
            assert_eq!(found["small"], 0, "{look:?}");
        }
    }
}

/// Goes to the first chart of the throughput by keyboard and to its columns by keys and by mouse.
const POINTING: &str = "
  const found = [];
  const plot = document.querySelector('.plot[data-kind=rate]');
  const tip = document.getElementById('tip');
  const say = () => found.push(tip.hidden ? null : tip.innerText.split(/\\s*\\n\\s*/));
  const press = (key) => plot.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  say();
  press('Home');
  say();
  press('ArrowRight');
  say();
  press('PageDown');
  say();
  press('Escape');
  say();
  const box = plot.querySelector('.area').getBoundingClientRect();
  const at = { clientX: box.right, clientY: box.top + 5, pointerType: 'touch', bubbles: true };
  plot.dispatchEvent(new PointerEvent('pointerdown', at));
  say();";

#[test]
fn exact_values_are_shown_by_key_and_by_finger() {
    let Some(browser) = Browser::find() else { return };
    let proof = fixture::rich();
    let page = probed(&proof, &format!("{{{POINTING}{LEAVE}}}"));
    for look in [LOOKS[0], LOOKS[2]] {
        let found = found(&browser.dump(&page, look));
        let answered = |column: usize| proof.timeline.groups[0][column].tally.answered;
        let holds = |place: usize, text: &str| {
            let said = found[place].as_array().unwrap_or_else(|| panic!("{place}: {found}"));
            assert!(said.iter().any(|line| line == text), "{place}: {text}: {said:?}");
        };
        assert!(found[0].is_null() && found[4].is_null(), "nothing is shown unasked: {found}");
        holds(1, "0.00 to 0.10 s");
        holds(1, &count(answered(0)));
        holds(2, "0.10 to 0.20 s");
        holds(2, &count(answered(1)));
        // The first restart is at 5.451 s.
        holds(3, "restart 1: under way");
        holds(3, &count(answered(54)));
        holds(5, "59.90 to 59.96 s");
        holds(5, &count(answered(599)));
    }
}

#[test]
fn nobody_is_asked_for_anything() {
    let Some(browser) = Browser::find() else { return };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let hostile = format!("</title></script><img src={url}><script src={url}></script>");
    let mut proof = fixture::hostile();
    for group in &mut proof.outcome.groups {
        group.name.clone_from(&hostile);
    }
    let about = About::new(hostile.clone()).fact(hostile.clone(), hostile);
    let seen = browser.dump(&html(&proof, &about), LOOKS[0]);
    assert_eq!(seen.complaints(), [""; 0]);
    assert!(listener.accept().is_err(), "somebody came");
    // A page that does ask is found out: here the text is markup, and nothing forbids it.
    let (met, meeting) = mpsc::channel();
    listener.set_nonblocking(false).unwrap();
    thread::spawn(move || {
        // The visitor gets no answer, and those who come later no connection.
        let visitor = listener.accept();
        drop(listener);
        let _ = met.send(visitor.is_ok());
    });
    browser.dump(&format!("<!doctype html><img src={url}>"), LOOKS[0]);
    assert_eq!(meeting.recv_timeout(DEADLINE), Ok(true), "the listener would have been met");
}
