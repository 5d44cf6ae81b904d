//! `show`: the command line for a known server, or which are known.

use clap::ValueEnum as _;
use serde::Serialize;

use crate::arguments::Example;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{Align, Table};

/// An example, for programs.
#[derive(Serialize)]
struct Object {
    name: String,
    about: String,
    command: &'static str,
}

pub(super) fn show(example: Option<Example>, output: Output) -> Result<ExitStatus, Failure> {
    match example {
        Some(example) => {
            output.text(script(example))?;
            output.object(&object(example))?;
        }
        None => {
            output.text(list())?;
            for example in Example::value_variants() {
                output.object(&object(*example))?;
            }
        }
    }
    Ok(ExitStatus::Done)
}

/// The line after its explanation, as a shell takes both.
fn script(example: Example) -> String {
    let comments: Vec<_> = example.meaning().lines().map(|line| format!("# {line}\n")).collect();
    format!("{}{}", comments.concat(), example.line())
}

fn list() -> String {
    let mut table = Table::new([Align::Left, Align::Left]);
    for example in Example::value_variants() {
        table.row([example.name().as_str(), example.line()]);
    }
    format!("{table}\n`rekindle prove --example NAME` says more of one.")
}

fn object(example: Example) -> Object {
    let about = example.meaning().replace('\n', " ");
    Object { name: example.name(), about, command: example.line() }
}
