//! The edges of what a system has to give.
