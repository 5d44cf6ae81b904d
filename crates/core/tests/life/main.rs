//! The life of one process: every state and event as a table, and what the table cannot say.

mod drains;
mod elders;
mod requests;
mod states;
mod table;
