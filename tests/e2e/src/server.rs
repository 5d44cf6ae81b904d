//! A server under test, from its first process to its last. Owns its process group, which it ends
//! when dropped; refuses to load it.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use rekindle::control::{Client, Replies, Reply, Request, Status, Wait};
use rekindle_prove::Target;
use rekindle_unix::{Process, Signal};
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::installation::{Installation, Programs};
use crate::launch::{Launch, command, spawn};
use crate::patience::{PATIENCE, eventually};
use crate::process_view::ProcessView;
use crate::report::FinalReport;
use crate::settings::Settings;
use crate::upgrade::{UpgradeUnderWay, Verdict};

/// A running service.
///
/// All its processes are in one group. The first of them is our child and is not reaped before
/// the group is killed: until then the group's number cannot be anybody else's.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    settings: Settings,
    first: Child,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Killed(i32),
}

impl Server {
    /// Installs and starts a server, and waits until it serves.
    #[must_use]
    pub fn new(programs: Programs, settings: &Settings) -> Self {
        Launch::new(programs, settings).start()
    }

    pub(crate) fn start(mut launch: Launch) -> Self {
        let first = launch.spawn();
        let Launch { installation, settings, .. } = launch;
        let server = Self { installation, settings, first };
        // It answers as soon as it serves.
        let _ = server.status();
        server
    }

    /// Where it is installed.
    #[must_use]
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// A path in its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.installation.path(name)
    }

    /// The id of its first process.
    #[must_use]
    pub fn first_pid(&self) -> u32 {
        self.first.id()
    }

    /// What the process says that serves now. Waits until there is one.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.ask(&Request::Status {}) {
            Reply::Status(status) => *status,
            other => panic!("no status: {other:?}"),
        }
    }

    /// The address of the listener of this name, as text.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        let listeners = self.status().listeners;
        let found = listeners.iter().find(|listener| listener.name == name);
        found.unwrap_or_else(|| panic!("no listener `{name}`: {listeners:?}")).address.clone()
    }

    /// The address of the internet listener of this name.
    #[must_use]
    pub fn socket_address(&self, name: &str) -> SocketAddr {
        let address = self.address(name);
        let (_, socket) = address.split_once(':').unwrap();
        // An IPv6 address without a scheme begins with a bracket.
        socket.parse().or_else(|_| address.parse()).unwrap()
    }

    /// The listener `http`, to be loaded.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::Tcp(self.socket_address("http"))
    }

    /// Sends a request, and waits for the last reply.
    #[must_use]
    pub fn ask(&self, request: &Request) -> Reply {
        self.replies(request).last().unwrap()
    }

    /// Sends a request. The replies come as they happen.
    #[must_use]
    pub fn replies(&self, request: &Request) -> Replies {
        self.client().reply_timeout(Some(PATIENCE)).unwrap().send(request).unwrap()
    }

    /// Asks for an upgrade and waits until the new process serves, or has failed.
    #[must_use]
    pub fn upgrade(&self) -> Verdict {
        self.begin_upgrade(Wait::Committed).verdict()
    }

    /// [`Server::upgrade`], with other settings for the new process.
    #[must_use]
    pub fn upgrade_with(&self, settings: &Settings) -> Verdict {
        self.begin_upgrade_with(Wait::Committed, settings).verdict()
    }

    /// Asks for an upgrade.
    #[must_use]
    pub fn begin_upgrade(&self, wait: Wait) -> UpgradeUnderWay {
        UpgradeUnderWay::ask(self.client(), &Request::Upgrade { wait, arguments: None })
    }

    /// Asks for an upgrade with other settings for the new process.
    #[must_use]
    pub fn begin_upgrade_with(&self, wait: Wait, settings: &Settings) -> UpgradeUnderWay {
        let arguments = Some(settings.to_arguments());
        UpgradeUnderWay::ask(self.client(), &Request::Upgrade { wait, arguments })
    }

    /// Sends a signal to the process `pid` of this service.
    pub fn signal(&self, pid: u32, signal: Signal) {
        Process::open(pid).and_then(|process| process.kill(signal)).unwrap();
    }

    /// Waits until the process `pid` of this service has ended.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn wait_for_end(&self, pid: u32) {
        match Process::open(pid) {
            Ok(process) => assert!(process.wait_for(PATIENCE).unwrap(), "process {pid} lives on"),
            // It has ended already.
            Err(error) => assert_eq!(error.raw_os_error(), Some(3), "{error}"),
        }
    }

    /// How the first process ended, if it has.
    #[must_use]
    pub fn first_ended(&self) -> Option<Ended> {
        let pid = i32::try_from(self.first.id()).ok().and_then(Pid::from_raw).unwrap();
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).unwrap()?;
        let exited = status.exit_status().map(Ended::Exited);
        exited.or_else(|| status.terminating_signal().map(Ended::Killed))
    }

    /// Waits until the first process has ended, and says how.
    #[must_use]
    pub fn first_end(&self) -> Ended {
        eventually("the first process ends", || self.first_ended())
    }

    /// The processes of the service that have not ended, other than children of its own making.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let group = ProcessView::of(self.first.id()).group().into_iter();
        group.filter(|member| member.state != 'Z').map(|member| member.pid).collect()
    }

    /// Starts another instance with these settings beside this one, which is expected to end by
    /// itself.
    #[must_use]
    pub fn run_beside(&self, settings: &Settings) -> Output {
        run(&mut self.beside(settings))
    }

    /// [`Server::run_beside`], as another user. Only root may.
    #[must_use]
    pub fn run_beside_as(&self, settings: &Settings, user: u32) -> Output {
        run(self.beside(settings).uid(user).gid(user))
    }

    /// Starts a next version that nobody asked for, which finds this one at the rendezvous.
    #[must_use]
    pub fn start_beside(&self, settings: &Settings) -> Child {
        let log = OpenOptions::new().append(true).open(self.path("log")).unwrap();
        spawn(self.beside(settings).stdout(Stdio::null()).stderr(log))
    }

    /// All that its processes have said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What its processes that have ended said at their end.
    #[must_use]
    pub fn reports(&self) -> Vec<FinalReport> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| line.strip_prefix(FinalReport::PREFIX));
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until the log has this in it.
    pub fn wait_for_log(&self, text: &str) {
        eventually(text, || self.log().contains(text).then_some(()));
    }

    /// The command for another instance, in this one's group.
    fn beside(&self, settings: &Settings) -> Command {
        let mut command = command(&[self.installation.current().into()], settings);
        command.current_dir(self.installation.directory()).process_group(self.group());
        command.stdin(Stdio::null());
        command
    }

    fn group(&self) -> i32 {
        i32::try_from(self.first.id()).unwrap()
    }

    /// Waits for the socket path to be there: at the start it is not yet.
    fn client(&self) -> Client {
        let name = self.settings.control.as_ref().expect("this test's server has a control socket");
        let path = self.installation.path(name);
        eventually("the control socket is there", || match Client::connect(&path) {
            Ok(client) => Some(client),
            Err(error) if self.processes().is_empty() => panic!("the server is gone: {error}"),
            Err(_) => None,
        })
    }
}

/// Runs a command that is expected to end by itself.
fn run(command: &mut Command) -> Output {
    let mut child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let ended = Process::open(child.id()).unwrap().wait_for(PATIENCE).unwrap();
    if !ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(ended, "{command:?} goes on: {}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.group()) {
            // All of them may have ended already.
            let _ = kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.first.wait();
        if thread::panicking() {
            println!("--- the server's log ---\n{}--- end of the log ---", self.log());
        }
    }
}
