//! Groups, kept descriptors, hooks, bound signals, and upgrades from code.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::program::{Program, exchange};

#[test]
fn a_program_upgrades_itself_and_learns_the_verdict() {
    let program = Program::start();
    assert_eq!(program.ask("upgrade"), "committed of 5 phases");
    let (new, _) = program.line("generation 2");
    assert_ne!(new, program.first_pid());
    assert_eq!(program.line("ending").0, program.first_pid());
}

#[test]
fn a_hook_that_refuses_aborts_with_its_words_and_the_next_upgrade_commits() {
    let program = Program::start();
    let verdict = program.ask("refuse");
    let words = "aborted while spawning: the program's hook refused: not on a Sunday";
    assert_eq!(verdict, format!("{words} of 1 phases"));
    program.line(&format!("abort: {words}"));
    assert_eq!(program.ask("upgrade"), "committed of 5 phases");
}

#[test]
fn hooks_are_called_in_order_around_a_signal() {
    let program = Program::start();
    program.line("serving");
    Program::signal(program.first_pid(), Signal::HUP);
    program.line("generation 2");
    program.line("ending");
    let first = program.first_pid();
    let lines = program.lines().into_iter().filter(|(pid, _)| *pid == first);
    let lines: Vec<_> = lines.map(|(_, line)| line).skip(1).collect();
    let hooks = ["before HUP", "before spawn", "after HUP", "after commit", "ending with 0 cut"];
    assert_eq!(lines, hooks);
}

#[test]
fn signals_can_be_bound_anew_and_left_alone() {
    let program = Program::start();
    program.line("serving");
    // Left alone, a change of the window's size is ignored, as by default.
    Program::signal(program.first_pid(), Signal::WINCH);
    Program::signal(program.first_pid(), Signal::USR1);
    program.line("generation 2");
}

#[test]
fn a_new_process_that_dies_in_its_probation_is_rolled_back_and_the_hook_is_told() {
    let program = Program::start();
    program.line("serving");
    Program::signal(program.first_pid(), Signal::HUP);
    let (new, _) = program.line("generation 2");
    Program::signal(new, Signal::KILL);
    let (told, line) = program.line("roll back");
    assert_eq!(told, program.first_pid());
    assert!(line.contains("SIGKILL"), "{line}");
    assert_eq!(program.ask("upgrade"), "committed of 5 phases");
}

#[test]
fn a_kept_descriptor_leads_to_the_same_file_in_every_generation() {
    let program = Program::start();
    let kept = format!("kept from-{} ", program.first_pid());
    assert!(program.line("generation 1").1.contains(&kept));
    for generation in 2..=4 {
        program.ask("upgrade");
        let (_, line) = program.line(&format!("generation {generation}"));
        assert!(line.contains(&kept), "{line}");
    }
}

#[test]
fn a_group_shares_one_address_and_all_its_queues_are_inherited() {
    let program = Program::start();
    let group = |line: &str| line.split_once("group ").unwrap().1.to_owned();
    let before = group(&program.line("generation 1").1);
    program.ask("upgrade");
    assert_eq!(group(&program.line("generation 2").1), before);
    let ports: Vec<SocketAddr> = before
        .trim_matches(['[', ']'])
        .split(", ")
        .map(|address| address.parse().unwrap())
        .collect();
    assert_eq!(ports.len(), 3);
    assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 1, "one address");
    // The kernel spreads connections over the queues by a hash of their addresses.
    let names: BTreeSet<_> = (0..200).map(|_| exchange(ports[0], "")).collect();
    let expected = ["group/0", "group/1", "group/2"].map(str::to_owned);
    assert_eq!(names, BTreeSet::from(expected));
}
