//! Descriptors are counted and their limit is raised, in processes of their own.

use std::process::Command;

use crate::support::{HELPER, output_of, value};

#[test]
fn the_soft_limit_is_raised_to_the_hard_one() {
    let script = r#"ulimit -S -n 50; ulimit -H -n 70; exec "$1" limits"#;
    let output = output_of(Command::new("/bin/sh").args(["-c", script, "sh", HELPER]));
    assert_eq!(
        value(&output, "before"),
        "DescriptorLimit { soft: Some(50), hard: Some(70) }"
    );
    assert_eq!(
        value(&output, "after"),
        "DescriptorLimit { soft: Some(70), hard: Some(70) }"
    );
    assert_eq!(value(&output, "now"), value(&output, "after"));
}

#[test]
fn open_descriptors_are_counted_without_the_one_that_counts() {
    let output = output_of(Command::new(HELPER).arg("limits"));
    assert_eq!(value(&output, "open"), value(&output, "tried"));
    let count = |key| value(&output, key).parse::<usize>().unwrap();
    assert_eq!(count("more"), count("open") + 1);
}
