//! The command as its users have it: real processes, real services, exit statuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_control;
mod by_control_failing;
mod by_pid_file;
mod demo;
mod fake_service;
mod prove;
mod secure_server;
mod server;
mod support;
mod usage;
mod web_server;
