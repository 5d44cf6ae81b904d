//! The life of a process as one table of states × events, and what the table cannot say: what
//! each stop does, who is refused and why, which numbers are used up, who is hammered.

use std::time::Duration;

use rekindle_core::{
    Action, Confirmation, DrainEnd, DrainReport, ElderEntry, Ending, Event, Generation,
    HammerCause, Instant, Life, LifePhase, Message, OldAction, OldEvent, Phase, Reason, Refusal,
    Settings, SpawnFailure, Text, Verdict, VersionRange,
};

const START: Instant = Instant::EPOCH;

fn at(millis: u64) -> Instant {
    Instant::after_epoch(Duration::from_millis(millis))
}

fn generation(number: u64) -> Generation {
    Generation::new(number)
}

fn elder(number: u64) -> ElderEntry {
    ElderEntry { generation: generation(number), pid: 100, in_flight: 2 }
}

fn began(number: u64, predecessor: Option<u64>, elders: &[u64]) -> Event {
    Event::Began {
        generation: generation(number),
        predecessor: predecessor.map(elder),
        elders: elders.iter().copied().map(elder).collect(),
        listeners: 3,
    }
}

fn message(message: Message) -> Event {
    Event::Upgrade(OldEvent::Message(message))
}

fn hello() -> Event {
    message(Message::Hello {
        versions: VersionRange::new(1, 1),
        pid: 200,
        build: Text::from("two"),
    })
}

fn ready() -> Event {
    message(Message::Ready { claimed: vec![0] })
}

fn exited() -> Event {
    Event::Upgrade(OldEvent::Exited(Text::from("exited with status 3")))
}

fn newborn(settings: Settings) -> Life {
    Life::new(settings, VersionRange::new(1, 1), 100)
}

fn actions(life: &mut Life) -> Vec<Action> {
    std::iter::from_fn(|| life.poll_action()).collect()
}

fn feed(life: &mut Life, events: impl IntoIterator<Item = Event>) {
    for event in events {
        life.handle(START, event);
    }
}

/// Generation 5, which took over from 4 and knows of 3.
fn serving() -> Life {
    let mut life = newborn(Settings::default());
    feed(&mut life, [began(5, Some(4), &[3])]);
    life
}

fn upgrading(events: impl IntoIterator<Item = Event>) -> Life {
    let mut life = serving();
    life.upgrade(START).expect("it serves");
    feed(&mut life, events);
    life
}

const STATES: [&str; 14] = [
    "starting",
    "serving",
    "spawning",
    "greeting",
    "waiting",
    "cleaning",
    "committing",
    "probation",
    "replaced",
    "gone",
    "stopping",
    "stopping-upgrade",
    "stopped",
    "hurried",
];

/// What each event does in each state, in the words of [`observe`]. What is not listed does
/// nothing at all.
const TABLE: &str = "
starting
    upgrade      not-ready
    meet         not-ready
    stop         die
    hammer       nothing-drains
    began        →serving
serving
    upgrade      →upgrading enter:spawning spawn
    meet         →upgrading enter:greeting
    stop         →stopping elder-4:Confirmed release end:stopped
    hammer       elder-3:Hammer elder-4:Hammer
spawning
    upgrade      upgrade-in-progress
    meet         upgrade-in-progress
    stop         →stopping elder-4:Confirmed release end:stopped aborted
    hammer       elder-3:Hammer elder-4:Hammer
    end-of-file  →serving aborted
    exited       →serving aborted
    time         →serving aborted
greeting
    upgrade      upgrade-in-progress
    meet         upgrade-in-progress
    stop         →stopping elder-4:Confirmed release end:stopped say:Refused
    hammer       elder-3:Hammer elder-4:Hammer
    serving      →upgrading say:Refused kill
    confirmed    →upgrading say:Refused kill
    hammered     →upgrading say:Refused kill
    garbage      →upgrading say:Refused kill
    end-of-file  →upgrading
    exited       →serving aborted
    time         →upgrading say:Refused kill
waiting
    upgrade      upgrade-in-progress
    meet         upgrade-in-progress
    stop         →stopping release end:stopped say:Refused
    hammer       elder-3:Hammer elder-4:Hammer
    serving      →upgrading say:Refused kill
    confirmed    →upgrading say:Refused kill
    hammered     →upgrading say:Refused kill
    garbage      →upgrading say:Refused kill
    end-of-file  →upgrading
    exited       →serving aborted
    time         →upgrading say:Refused kill
cleaning
    upgrade      upgrade-ending
    meet         upgrade-ending
    stop         →stopping elder-4:Confirmed release end:stopped
    hammer       elder-3:Hammer elder-4:Hammer
    exited       →serving aborted
committing
    upgrade      replaced
    meet         replaced
    stop         →leaving committed release end:upgraded
    hammer       cut
    serving      enter:probation
    confirmed    →leaving committed release end:upgraded
    hammered     cut
    end-of-file  →upgrading resume
    exited       →serving resume rolled-back
    drained      say:InFlight
probation
    upgrade      replaced
    meet         replaced
    stop         →leaving committed release end:upgraded
    hammer       cut
    confirmed    →leaving committed release end:upgraded
    hammered     cut
    end-of-file  →upgrading resume
    exited       →serving resume rolled-back
    drained      say:InFlight
replaced
    upgrade      replaced
    meet         replaced
    hammer       →ended cut say:Farewell finish
    hammered     →ended cut say:Farewell finish
    drained      →ended say:InFlight say:Farewell finish
gone
    upgrade      replaced
    meet         replaced
    stop         die
    hammer       nothing-drains
stopping
    upgrade      stopping
    meet         stopping
    stop         →ended cut finish
    hammer       →ended cut finish
    drained      →ended finish
    time         →ended cut finish
stopping-upgrade
    upgrade      stopping
    meet         stopping
    stop         →ended cut kill aborted finish
    hammer       cut
    exited       aborted
    time         kill
stopped
    upgrade      stopping
    meet         stopping
    stop         die
    hammer       nothing-drains
hurried
    upgrade      stopping
    meet         stopping
    stop         die
    hammer       nothing-drains
    time         die
";

/// A life in that state, with two connections in flight wherever it drains.
fn in_state(state: &str) -> Life {
    let spawned = || Event::Upgrade(OldEvent::Spawned);
    let garbage = || Event::Upgrade(OldEvent::Garbage(Text::from("?")));
    let flight = |count| Event::InFlight(count);
    let says = |word: Message| message(word);
    let stop = |mut life: Life| {
        life.stop(START);
        life.handle(START, flight(2));
        life
    };
    let mut life = match state {
        "starting" => newborn(Settings::default()),
        "serving" => serving(),
        "spawning" => upgrading([]),
        "greeting" => upgrading([spawned()]),
        "waiting" => upgrading([spawned(), hello()]),
        "cleaning" => upgrading([spawned(), garbage()]),
        "committing" => upgrading([spawned(), hello(), ready(), flight(2)]),
        "probation" => upgrading([spawned(), hello(), ready(), flight(2), says(Message::Serving)]),
        "replaced" => upgrading([spawned(), hello(), ready(), flight(2), says(Message::Confirmed)]),
        "gone" => upgrading([spawned(), hello(), ready(), flight(0), says(Message::Confirmed)]),
        "stopping" => stop(serving()),
        "stopping-upgrade" => stop(upgrading([spawned(), hello()])),
        "stopped" => {
            let mut life = stop(serving());
            life.handle(START, flight(0));
            life
        }
        "hurried" => {
            let mut life = stop(serving());
            life.stop(START);
            life
        }
        other => panic!("no state `{other}`"),
    };
    actions(&mut life);
    life
}

const EVENTS: [&str; 15] = [
    "upgrade",
    "meet",
    "stop",
    "hammer",
    "began",
    "serving",
    "confirmed",
    "hammered",
    "garbage",
    "end-of-file",
    "exited",
    "elder",
    "elder-gone",
    "drained",
    "time",
];

/// What happens: the refusal, if the event is a request that is refused.
fn happen(life: &mut Life, event: &str) -> Result<(), Refusal> {
    let event = match event {
        "upgrade" => return life.upgrade(START),
        "meet" => return life.meet(START),
        "stop" => {
            life.stop(START);
            return Ok(());
        }
        "hammer" => return life.hammer(START).map(|told| assert!(told > 0)),
        "began" => began(9, None, &[]),
        "serving" => message(Message::Serving),
        "confirmed" => message(Message::Confirmed),
        "hammered" => message(Message::Hammer),
        "garbage" => Event::Upgrade(OldEvent::Garbage(Text::from("?"))),
        "end-of-file" => Event::Upgrade(OldEvent::EndOfFile),
        "exited" => exited(),
        "elder" => Event::Elder(generation(3), Message::InFlight { count: 9 }),
        "elder-gone" => Event::ElderGone(generation(3)),
        "drained" => Event::InFlight(0),
        "time" => {
            life.tick(life.poll_timeout().unwrap_or(START + Duration::MAX));
            return Ok(());
        }
        other => panic!("no event `{other}`"),
    };
    life.handle(START, event);
    Ok(())
}

/// An action in one word.
fn word(action: &Action) -> String {
    let text = match action {
        Action::Upgrade(OldAction::Spawn) => "spawn",
        Action::Upgrade(OldAction::Send(message)) => return format!("say:{}", message.name()),
        Action::Upgrade(OldAction::SendOffer) => "offer",
        Action::Upgrade(OldAction::StopAccepting { .. }) => "stop-accepting",
        Action::Upgrade(OldAction::Resume) => "resume",
        Action::Upgrade(OldAction::Kill) => "kill",
        Action::Upgrade(OldAction::Enter(phase)) => return format!("enter:{phase}"),
        Action::Verdict(verdict) => verdict.as_str(),
        Action::Elder(elder, message) => return format!("elder-{elder}:{}", message.name()),
        Action::ReleaseElders => "release",
        Action::EndListeners(Ending::Upgraded(_)) => "end:upgraded",
        Action::EndListeners(Ending::Stopped) => "end:stopped",
        Action::Cut => "cut",
        Action::Finish(_) => "finish",
        Action::Die => "die",
    };
    text.to_owned()
}

/// What an event did, in words: the refusal or the phase if it is another one, and the actions.
fn observe(state: &str, event: &str) -> String {
    let mut life = in_state(state);
    let before = life.phase();
    let mut words = Vec::new();
    if let Err(refusal) = happen(&mut life, event) {
        assert_eq!(life.phase(), before, "`{event}` in `{state}`: a refusal changes nothing");
        words.push(refusal.code().to_owned());
    }
    if life.phase() != before {
        words.push(format!("→{}", life.phase()));
    }
    words.extend(actions(&mut life).iter().map(word));
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

fn expected(state: &str, event: &str) -> &'static str {
    TABLE
        .lines()
        .skip_while(|line| *line != state)
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .filter_map(|line| line.trim_start().split_once(' '))
        .find_map(|(name, words)| (name == event).then(|| words.trim_start()))
        .unwrap_or("-")
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    for state in STATES {
        assert!(TABLE.lines().any(|line| line == state), "no rows for `{state}`");
        for event in EVENTS {
            assert_eq!(observe(state, event), expected(state, event), "`{event}` in `{state}`");
        }
    }
    let cells = TABLE.lines().filter(|line| line.starts_with(' '));
    for name in cells.filter_map(|line| line.split_whitespace().next()) {
        assert!(EVENTS.contains(&name), "a row for an unknown event `{name}`");
    }
}

#[test]
fn a_refusal_says_what_is_in_the_way() {
    let table = [
        ("starting", Refusal::NotReady),
        ("spawning", Refusal::UpgradeInProgress(Phase::Spawning)),
        ("greeting", Refusal::UpgradeInProgress(Phase::Greeting)),
        ("waiting", Refusal::UpgradeInProgress(Phase::Starting)),
        ("cleaning", Refusal::UpgradeEnding),
        ("committing", Refusal::Replaced(generation(6))),
        ("probation", Refusal::Replaced(generation(6))),
        ("replaced", Refusal::Replaced(generation(6))),
        ("gone", Refusal::Replaced(generation(6))),
        ("stopping", Refusal::Stopping),
        ("stopping-upgrade", Refusal::Stopping),
        ("stopped", Refusal::Stopping),
    ];
    for (state, refusal) in table {
        assert_eq!(in_state(state).upgrade(START), Err(refusal), "in `{state}`");
        assert_eq!(in_state(state).meet(START), Err(refusal), "in `{state}`");
    }
}

#[test]
fn a_status_says_what_the_process_does() {
    let upgraded = Ending::Upgraded(generation(6));
    let table = [
        ("starting", LifePhase::Starting, None),
        ("serving", LifePhase::Serving, None),
        ("spawning", LifePhase::Upgrading(Some(Phase::Spawning)), Some(6)),
        ("waiting", LifePhase::Upgrading(Some(Phase::Starting)), Some(6)),
        ("cleaning", LifePhase::Upgrading(None), Some(6)),
        ("committing", LifePhase::Draining, Some(6)),
        ("replaced", LifePhase::Leaving(upgraded), Some(6)),
        ("gone", LifePhase::Ended, None),
        ("stopping", LifePhase::Leaving(Ending::Stopped), None),
    ];
    for (state, phase, successor) in table {
        let life = in_state(state);
        assert_eq!(life.phase(), phase, "in `{state}`");
        assert_eq!(life.successor().map(Generation::number), successor, "in `{state}`");
    }
}

#[test]
fn a_stop_calls_the_upgrade_off_and_waits_for_its_child() {
    let mut life = in_state("waiting");
    life.stop(START);
    life.handle(START, Event::InFlight(0));
    assert_eq!(life.phase(), LifePhase::Leaving(Ending::Stopped), "the child is not reaped yet");
    actions(&mut life);
    assert_eq!(life.poll_timeout(), Some(at(1_000)));
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Upgrade(OldAction::Kill)]);
    life.handle(at(1_001), exited());
    let (phase, reason) = (Phase::Starting, Reason::Stopping);
    let seen = actions(&mut life);
    assert_eq!(seen[0], Action::Verdict(Verdict::Aborted { phase, reason }));
    assert!(matches!(seen[1], Action::Finish(_)));
    assert_eq!(life.phase(), LifePhase::Ended);
}

#[test]
fn a_second_stop_leaves_no_child_and_no_question_behind() {
    for (kills, before) in [(1, "waiting"), (0, "cleaning")] {
        let mut life = in_state(before);
        life.stop(START);
        actions(&mut life);
        life.stop(START);
        let seen = actions(&mut life);
        let killed = seen.iter().filter(|&action| *action == Action::Upgrade(OldAction::Kill));
        assert_eq!(killed.count(), kills, "a child is killed once: {seen:?}");
        let verdicts = seen.iter().filter(|action| matches!(action, Action::Verdict(_)));
        assert_eq!(verdicts.count(), 1, "{seen:?}");
        assert!(matches!(seen.last(), Some(Action::Finish(_))));
    }
}

#[test]
fn a_second_stop_ends_the_process_within_a_second_one_way_or_the_other() {
    let mut life = in_state("hurried");
    assert_eq!(life.poll_timeout(), Some(at(1_000)));
    life.tick(at(999));
    assert_eq!(actions(&mut life), []);
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Die]);
    assert_eq!(life.poll_timeout(), None);
}

#[test]
fn one_that_was_stopped_once_takes_the_time_it_needs_to_end() {
    assert_eq!(in_state("stopped").poll_timeout(), None, "its main may run as long as it likes");
}

#[test]
fn the_report_says_how_the_drain_ended() {
    let report = |life: &mut Life| {
        actions(life).into_iter().find_map(|action| match action {
            Action::Finish(report) => Some(report),
            _ => None,
        })
    };
    let hammered = |cause| DrainEnd::Hammered(cause);
    for (event, end, cut) in [
        ("drained", DrainEnd::Drained, 0),
        ("hammer", hammered(HammerCause::Operator), 2),
        ("hammered", hammered(HammerCause::Newer), 2),
    ] {
        let mut life = in_state("replaced");
        happen(&mut life, event).expect("it drains");
        let took = Duration::ZERO;
        let expected = DrainReport { end, at_start: 2, cut, took };
        assert_eq!(report(&mut life), Some(expected), "after `{event}`");
    }
    let mut life = in_state("stopping");
    life.tick(at(59_999));
    assert_eq!(report(&mut life), None);
    life.tick(at(60_000));
    let deadline = report(&mut life).expect("its time is over");
    assert_eq!(deadline.end, hammered(HammerCause::Deadline));
    assert_eq!(deadline.took, Duration::from_secs(60));
}

#[test]
fn what_drains_in_probation_is_cut_at_its_deadline_and_the_process_stays_able_to_resume() {
    let settings = Settings { drain_timeout: Duration::from_secs(1), ..Settings::default() };
    let mut life = newborn(settings);
    let spawned = Event::Upgrade(OldEvent::Spawned);
    feed(&mut life, [began(1, None, &[])]);
    life.upgrade(START).expect("it serves");
    feed(&mut life, [spawned, hello(), ready(), Event::InFlight(2), message(Message::Serving)]);
    actions(&mut life);
    life.tick(at(1_000));
    assert_eq!(actions(&mut life), [Action::Cut]);
    assert_eq!(life.phase(), LifePhase::Draining);
    assert_eq!(life.hammer(at(1_000)), Err(Refusal::NothingDrains), "it was hammered already");
    life.handle(at(2_000), exited());
    assert_eq!(life.phase(), LifePhase::Serving);
    assert!(actions(&mut life).contains(&Action::Upgrade(OldAction::Resume)));
}

/// The generation that the next new process is welcomed as.
fn next_number(life: &mut Life) -> u64 {
    life.meet(START).expect("it serves");
    life.handle(START, hello());
    let welcomed = actions(life).into_iter().find_map(|action| match action {
        Action::Upgrade(OldAction::Send(Message::Welcome { generation, .. })) => Some(generation),
        _ => None,
    });
    welcomed.expect("a welcome").number()
}

#[test]
fn an_aborted_attempt_uses_up_no_number_and_a_rolled_back_one_does() {
    let mut life = serving();
    let closed = || Event::Upgrade(OldEvent::EndOfFile);
    assert_eq!(next_number(&mut life), 6);
    life.handle(START, closed());
    assert_eq!(next_number(&mut life), 6, "6 never took over");
    feed(&mut life, [ready(), closed()]);
    assert_eq!(next_number(&mut life), 7, "6 had taken over");
    feed(&mut life, [ready(), message(Message::Serving), closed()]);
    assert_eq!(next_number(&mut life), 8, "7 had taken over");
}

#[test]
fn an_attempt_that_could_not_be_started_is_over_at_once() {
    let failure = SpawnFailure::Final(Text::from("no such file"));
    let mut life = upgrading([Event::Upgrade(OldEvent::SpawnFailed(failure))]);
    assert_eq!(life.phase(), LifePhase::Serving);
    let verdicts =
        actions(&mut life).iter().filter(|action| matches!(action, Action::Verdict(_))).count();
    assert_eq!(verdicts, 1);
    assert_eq!(life.upgrade(START), Ok(()), "the next one can be tried at once");
}

fn hammered(life: &mut Life) -> Vec<u64> {
    let to_elder = |action| match action {
        Action::Elder(elder, Message::Hammer) => Some(elder.number()),
        _ => None,
    };
    actions(life).into_iter().filter_map(to_elder).collect()
}

#[test]
fn too_many_elders_are_hammered_the_oldest_first() {
    let limit = |draining_limit| Settings { draining_limit, ..Settings::default() };
    for (draining_limit, expected) in
        [(4, vec![]), (3, vec![]), (2, vec![5]), (1, vec![5, 7]), (0, vec![5, 7, 8])]
    {
        let mut life = newborn(limit(draining_limit));
        feed(&mut life, [began(9, Some(8), &[7, 5])]);
        assert_eq!(hammered(&mut life), expected, "with {draining_limit} at most");
    }
}

#[test]
fn the_hammer_falls_on_every_elder_once() {
    let mut life = serving();
    assert_eq!(life.hammer(START), Ok(2));
    assert_eq!(hammered(&mut life), [3, 4]);
    assert_eq!(life.hammer(START), Err(Refusal::NothingDrains));
}

#[test]
fn the_newest_knows_what_its_elders_have_in_flight_until_they_are_gone() {
    let mut life = serving();
    let known = |life: &Life| -> Vec<(u64, u64)> {
        let elders = life.elders().expect("it is the newest");
        elders.iter().map(|elder| (elder.generation.number(), elder.in_flight)).collect()
    };
    assert_eq!(known(&life), [(3, 2), (4, 2)]);
    feed(&mut life, [Event::Elder(generation(4), Message::InFlight { count: 1 })]);
    assert_eq!(known(&life), [(3, 2), (4, 1)]);
    feed(&mut life, [Event::ElderGone(generation(3))]);
    assert_eq!(known(&life), [(4, 1)]);
    assert_eq!(in_state("committing").elders(), None, "the newest one reads them now");
}

/// Whether it tells its predecessor that there will be no way back.
fn confirms(life: &mut Life) -> bool {
    actions(life).contains(&Action::Elder(generation(4), Message::Confirmed))
}

#[test]
fn a_predecessor_is_confirmed_before_a_successor_could_go_on_alone() {
    let mut life = serving();
    life.upgrade(START).expect("it serves");
    feed(&mut life, [Event::Upgrade(OldEvent::Spawned)]);
    assert!(!confirms(&mut life), "an upgrade that was only asked for decides nothing");
    feed(&mut life, [hello()]);
    let seen = actions(&mut life);
    let confirmed = Action::Elder(generation(4), Message::Confirmed);
    let position = |wanted: &Action| seen.iter().position(|action| action == wanted);
    let offered = position(&Action::Upgrade(OldAction::SendOffer)).expect("an offer");
    assert!(position(&confirmed).expect("a confirmation") < offered, "{seen:?}");
    feed(&mut life, [ready()]);
    assert!(!confirms(&mut life), "once is enough");
}

#[test]
fn a_predecessor_that_is_gone_is_told_nothing() {
    let mut life = serving();
    feed(&mut life, [Event::ElderGone(generation(4))]);
    life.stop(START);
    assert!(!confirms(&mut life));
}

#[test]
fn whoever_was_rolled_back_and_lives_leaves() {
    let refused = |number| {
        let reason = Reason::TakeOverTimeout { timeout_ms: 5_000 };
        Event::Elder(generation(number), Message::Refused { reason })
    };
    let mut life = serving();
    feed(&mut life, [refused(4)]);
    assert_eq!(life.phase(), LifePhase::Leaving(Ending::Stopped), "two must not serve");
    let seen = actions(&mut life);
    assert!(seen.contains(&Action::EndListeners(Ending::Stopped)));
    assert!(!seen.contains(&Action::Elder(generation(4), Message::Confirmed)), "{seen:?}");
    let mut life = in_state("waiting");
    feed(&mut life, [refused(4)]);
    assert_eq!(life.phase(), LifePhase::Leaving(Ending::Stopped), "confirmed, but too late");
    let seen = actions(&mut life);
    let called_off = |action: &Action| {
        matches!(action, Action::Upgrade(OldAction::Send(Message::Refused { .. })))
    };
    assert!(seen.iter().any(called_off), "its own successor must not serve either: {seen:?}");
}

#[test]
fn the_newest_is_told_of_the_drain_now_and_then_and_of_its_end_at_once() {
    let mut life = in_state("probation");
    let told = |life: &mut Life, millis, count| {
        life.tick(at(millis));
        life.handle(at(millis), Event::InFlight(count));
        actions(life)
    };
    let says = |count| vec![Action::Upgrade(OldAction::Send(Message::InFlight { count }))];
    assert_eq!(told(&mut life, 100, 4), []);
    assert_eq!(life.poll_timeout(), Some(at(500)));
    assert_eq!(told(&mut life, 500, 4), says(4));
    assert_eq!(told(&mut life, 1_000, 4), says(4), "the newest may be another one by now");
    assert_eq!(told(&mut life, 1_100, 3), [], "too early");
    assert_eq!(told(&mut life, 1_500, 3), says(3));
    assert_eq!(told(&mut life, 1_501, 0), says(0), "the end is said at once");
    assert_eq!(told(&mut life, 2_500, 0), [], "and once");
    assert_eq!(life.poll_timeout(), Some(at(10_000)), "and nothing is counted any more");
}

#[test]
fn an_upgrade_is_committed_with_the_word_that_confirmed_it() {
    let committed = |confirmation| Action::Verdict(Verdict::Committed(confirmation));
    let mut life = in_state("probation");
    life.tick(at(10_000));
    assert!(actions(&mut life).contains(&committed(Confirmation::Probation)));
    for (event, confirmation) in
        [("confirmed", Confirmation::Successor), ("stop", Confirmation::OldStopped)]
    {
        let mut life = in_state("probation");
        happen(&mut life, event).expect("never refused");
        assert!(actions(&mut life).contains(&committed(confirmation)), "after `{event}`");
    }
}

#[test]
fn a_stop_wakes_nobody_before_its_deadline() {
    let mut life = in_state("stopping");
    assert_eq!(life.poll_timeout(), Some(at(60_000)), "there is nobody to tell of its drain");
    life.tick(at(1_000));
    life.handle(at(1_000), Event::InFlight(1));
    assert_eq!(actions(&mut life), []);
    assert_eq!(life.poll_timeout(), Some(at(60_000)));
}
