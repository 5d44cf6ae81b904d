//! What the command line may say, and the help that teaches it. A table of contents.

mod cli;
mod demo;
mod demo_server;
mod prove;
mod service;

pub use cli::command;
pub(crate) use cli::{Cli, Verb};
pub(crate) use demo::DemoArguments;
pub(crate) use demo_server::DemoServerArguments;
pub(crate) use prove::{
    Example, FieldArgument, LoadArguments, ModeArgument, ModeName, Place, ProveArguments,
    RecogniseArgument, ReportArguments, RequestArguments, RestartArguments, Scheme, Url,
};
pub(crate) use service::{
    HammerArguments, StatusArguments, StopArguments, UntilArgument, UpgradeArguments, WhomArguments,
};
