//! What a process and its elders tell each other.

use rekindle_core::{
    Action, Ending, Event, Life, LifePhase, Message, OldAction, OldEvent, Reason, Refusal,
    Settings, Turn,
};

use crate::states::{
    START, actions, began, feed, generation, hello, in_state, newborn, ready, serving,
};

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
    let position = |wanted: &Action| seen.iter().position(|action| action == wanted);
    let ended = position(&Action::EndListeners(Ending::Stopped)).expect("it accepts no more");
    let given_back = position(&Action::GiveBackListeners).expect("they are the old one's again");
    assert!(given_back < ended, "{seen:?}");
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

/// Those that it begins to read.
fn begins_to_read(life: &mut Life) -> Vec<u64> {
    let read = |action| match action {
        Action::ReadElder(elder) => Some(elder.number()),
        _ => None,
    };
    actions(life).into_iter().filter_map(read).collect()
}

fn reads(life: &Life) -> Vec<u64> {
    [3, 4].into_iter().filter(|&number| life.reads(generation(number))).collect()
}

#[test]
fn what_older_ones_send_is_read_once_the_predecessor_cannot_read_it_any_more() {
    let heard = Event::Elder(generation(4), Message::Heard);
    let turn = Turn { reader: generation(5), number: 1 };
    let answered = Event::Elder(generation(4), Message::Recalled { turn });
    let gone = Event::ElderGone(generation(4));
    for (event, after) in [(heard, vec![3, 4]), (answered, vec![3, 4]), (gone, vec![3, 4])] {
        let mut life = serving();
        assert_eq!(reads(&life), [4], "its own words are for nobody else");
        assert_eq!(begins_to_read(&mut life), [], "and were never for anybody else");
        feed(&mut life, [event.clone()]);
        assert_eq!(begins_to_read(&mut life), [3], "after {event:?}");
        assert_eq!(reads(&life), after);
        feed(&mut life, [event]);
        assert_eq!(begins_to_read(&mut life), [], "once is enough");
    }
    let mut life = serving();
    feed(&mut life, [Event::Elder(generation(3), Message::Heard)]);
    assert_eq!(reads(&life), [4], "it is the predecessor that has to have heard");
}

#[test]
fn whoever_serves_alone_reads_what_all_send() {
    let mut life = newborn(Settings::default());
    feed(&mut life, [began(5, None, &[4, 3])]);
    assert_eq!(begins_to_read(&mut life), [3, 4]);
    assert_eq!(reads(&life), [3, 4]);
}

#[test]
fn whoever_is_replaced_reads_nothing_until_it_resumes() {
    let mut life = serving();
    feed(&mut life, [Event::Elder(generation(4), Message::Heard)]);
    life.upgrade(START).expect("it serves");
    feed(&mut life, [Event::Upgrade(OldEvent::Spawned), hello()]);
    actions(&mut life);
    assert_eq!(reads(&life), [3, 4]);
    feed(&mut life, [ready()]);
    let seen = actions(&mut life);
    let position = |wanted: &Action| seen.iter().position(|action| action == wanted);
    let left = position(&Action::LeaveElders).expect("the new one is to read them");
    let told = Action::Upgrade(OldAction::Send(Message::Commit));
    assert!(left < position(&told).expect("a commit"), "{seen:?}");
    assert_eq!(reads(&life), []);
    feed(&mut life, [Event::Upgrade(OldEvent::EndOfFile)]);
    assert_eq!(begins_to_read(&mut life), [3, 4]);
    assert_eq!(reads(&life), [3, 4]);
}
