//! The examples as processes: started, asked, replaced under strict load, stopped.

mod client;
mod example;
mod help;
mod http;
mod multi;
mod peer;
mod process;
mod seed;
