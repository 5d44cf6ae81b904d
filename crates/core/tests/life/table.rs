//! The life of a process as one table of states × events.

use rekindle_core::{Action, Ending, OldAction};

use crate::states::{EVENTS, STATES, actions, happen, in_state};

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
    stop         →leaving say:Heard open-moves committed release end:upgraded
    hammer       cut
    serving      say:Heard open-moves enter:probation
    confirmed    →leaving say:Heard open-moves committed release end:upgraded
    hammered     cut
    end-of-file  →upgrading close-moves read-4 resume
    exited       →serving close-moves read-4 resume rolled-back
    drained      say:InFlight
probation
    upgrade      replaced
    meet         replaced
    stop         →leaving committed release end:upgraded
    hammer       cut
    confirmed    →leaving committed release end:upgraded
    hammered     cut
    end-of-file  →upgrading close-moves read-4 resume
    exited       →serving close-moves read-4 resume rolled-back
    drained      say:InFlight
replaced
    upgrade      replaced
    meet         replaced
    hammer       →ended cut say:Farewell finish
    hammered     →ended cut say:Farewell finish
    end-of-file  close-moves
    drained      →ended say:InFlight say:Farewell finish
gone
    upgrade      replaced
    meet         replaced
    stop         die
    hammer       nothing-drains
    end-of-file  close-moves
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
        Action::Upgrade(OldAction::OpenMoves { .. }) => "open-moves",
        Action::Upgrade(OldAction::CloseMoves) => "close-moves",
        Action::ReadElder(elder) => return format!("read-{elder}"),
        Action::LeaveElders => "leave-elders",
        Action::ReleaseElders => "release",
        Action::GiveBackListeners => "give-back",
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
