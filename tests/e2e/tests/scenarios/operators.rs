//! Who may ask, and who may take over: the owner, and nobody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rekindle::control::{Reply, Request};
use rekindle_e2e::{
    Ended, Face, Server, Settings, assert_nothing_noticed, eventually, new_connections, serves_on,
};

use crate::{PROGRAMS, each_face, server};

each_face!(
    a_process_that_somebody_else_started_takes_over,
    s08_a_next_version_of_another_user_is_refused,
    the_control_socket_refuses_another_user,
);

/// A user that owns nothing: `nobody`, as most systems number it.
const NOBODY: u32 = 65_534;

/// Whether this test may start processes of other users. It says so if not.
fn may_be_others() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can be somebody else");
    }
    root
}

/// Lets everybody come as far as the socket itself, so that the service has to refuse them.
fn open_to_all(server: &Server, socket: &str) {
    fs::set_permissions(server.installation().directory(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(server.path(socket), Permissions::from_mode(0o666)).unwrap();
}

/// A copy of a program where everybody can run it.
fn copy_for_all(server: &Server, program: &str) -> std::path::PathBuf {
    let copy = server.path("copy");
    fs::copy(Path::new(program), &copy).unwrap();
    fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
    copy
}

fn settings(face: Face) -> Settings {
    let rendezvous = Some("meet.sock".into());
    Settings { rendezvous, pid_file: Some("app.pid".into()), ..Settings::new(face) }
}

async fn a_process_that_somebody_else_started_takes_over(face: Face) {
    let server = server(&settings(face));
    let load = new_connections(server.target());
    let mut pids = vec![server.first_pid()];
    let mut children = Vec::new();
    serves_on(&load);
    for generation in 2..=4 {
        let child = server.start_beside(&settings(face));
        let status = eventually("it has taken over", || {
            let status = server.status();
            (status.pid == child.id()).then_some(status)
        });
        assert_eq!(status.generation, generation);
        pids.push(child.id());
        children.push(child);
        serves_on(&load);
    }
    assert_eq!(server.first_end(), Ended::Exited(0));
    let outcome = load.stop().await;
    assert_nothing_noticed(&outcome);
    let answered: Vec<_> = outcome.generations.iter().filter_map(|one| one.responder.pid).collect();
    assert_eq!(answered, pids);
    let _ = server.ask(&Request::Stop {});
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
}

async fn s08_a_next_version_of_another_user_is_refused(face: Face) {
    if !may_be_others() {
        return;
    }
    let server = server(&settings(face));
    let load = new_connections(server.target());
    open_to_all(&server, "meet.sock");
    server.installation().switch(copy_for_all(&server, PROGRAMS.server));
    let output = server.run_beside_as(&settings(face), NOBODY);
    assert_eq!(output.status.code(), Some(1));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("the new process belongs to user 65534"), "{words}");
    let status = server.status();
    assert_eq!((status.pid, status.phase.as_str()), (server.first_pid(), "serving"));
    server.wait_for_log("another user's process came; it is refused uid=65534");
    assert_eq!(server.upgrade().committed().generation, 2);
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);
}

async fn the_control_socket_refuses_another_user(face: Face) {
    if !may_be_others() {
        return;
    }
    let server = server(&settings(face));
    let socket = server.path("control.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others cannot even connect");
    open_to_all(&server, "control.sock");
    let ask = copy_for_all(&server, PROGRAMS.ask);
    for request in [Request::Status {}, Request::Stop {}] {
        let mut command = Command::new(&ask);
        command.arg(&socket).arg(request.to_line()).uid(NOBODY).gid(NOBODY);
        let output =
            eventually("the copy is not being written any more", || match command.output() {
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => None,
                output => Some(output.unwrap()),
            });
        match Reply::from_line(&output.stdout) {
            Ok(Reply::Refused { reason, .. }) => assert_eq!(reason, "other-user"),
            other => panic!("{other:?} {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    assert_eq!(server.status().pid, server.first_pid(), "nobody was obeyed");
}
