//! The old side of one upgrade: every event and state as a table, and what the table cannot say.

mod states;
mod table;
mod times;
mod verdicts;
