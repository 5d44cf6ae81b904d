//! Refused connections, which a server knows nothing of: they are compared with what the kernel
//! counted in a network namespace that only the trial is in.

use std::process::Command;

use rekindle_e2e::installed;
use serde_json::Value;

/// Runs this program alone in a network namespace, with its loopback interface up.
const ALONE: &str = "ip link set lo up && exec \"$0\"";

#[test]
fn each_refused_connection_is_counted_as_the_kernel_counts_it() {
    let Some(unshare) = installed("unshare", "util-linux") else { return };
    let Some(_) = installed("ip", "iproute2") else { return };
    // As root of a user namespace, so that everybody may.
    let alone = ["--net", "--map-root-user", "sh", "-c", ALONE];
    let mut command = Command::new(unshare);
    let output = command.args(alone).arg(env!("CARGO_BIN_EXE_refusals")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("unshare failed") {
        println!("skipped: no namespaces here: {said}");
        return;
    }
    assert!(output.status.success(), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counted = |restart: usize, name: &str| {
        let window = &found["windows"][restart];
        assert_eq!(window["restart"], restart);
        window["tally"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {window}"))
    };
    let refused: Vec<_> = (0..=4).map(|restart| counted(restart, "refused")).collect();
    assert_eq!((refused[0], refused[1], refused[3]), (0, 0, 0), "{refused:?}");
    assert!(refused[2] > 0 && refused[4] > refused[2], "{refused:?}");
    assert_eq!(refused.iter().sum::<u64>(), found["kernel_refused"], "{refused:?}");
    for restart in 0..=4 {
        let waited = if restart > 0 && restart % 2 == 0 { &found["clients"] } else { &0.into() };
        assert_eq!(counted(restart, "reset"), *waited, "those in the queue at restart {restart}");
        for name in ["lost", "timed_out", "wrong", "could_not_measure", "announced_close"] {
            assert_eq!(counted(restart, name), 0, "{name} at restart {restart}");
        }
    }
}
