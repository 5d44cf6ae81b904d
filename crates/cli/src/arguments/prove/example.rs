//! `Example`: ready command lines for known servers.
//!
//! Owns what is known of how others are restarted. Refuses to find out whether they run here.

use clap::ValueEnum;

/// A known server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Example {
    Nginx,
    Haproxy,
    Caddy,
    Gunicorn,
    Puma,
    Pm2,
    Tableflip,
    Systemd,
    DockerCompose,
    RekindlePidFile,
    RekindleControl,
    ByHand,
}

impl Example {
    /// As it is asked for.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("no example is hidden");
        value.get_name().to_owned()
    }

    /// How that server is restarted, in a line or two.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Nginx => {
                "`nginx -s reload`: new workers start, old ones close their idle connections.\n\
                 As root: the master is root's, and so is what /proc says of its workers."
            }
            Self::Haproxy => {
                "USR2 to the master (-W or -Ws): new workers start, old ones drain.\n\
                 As root, for the signal and for /proc."
            }
            Self::Caddy => {
                "`caddy reload`: the process stays and its configuration changes, so that no\n\
                 restart shows a new process; --force since it does nothing for an unchanged one."
            }
            Self::Gunicorn => {
                "HUP to the master (--pid gunicorn.pid): workers are replaced one by one.\n\
                 Workers of the kind `sync` keep no connection: add --mode new, or use gthread."
            }
            Self::Puma => {
                "USR1 to a cluster: a phased restart, worker by worker. USR2 restarts all at once."
            }
            Self::Pm2 => {
                "`pm2 reload` of an application in cluster mode. The daemon holds the socket, so\n\
                 let the application name its process: setHeader('x-pid', process.pid)."
            }
            Self::Tableflip => {
                "A Go program on tableflip that upgrades on HUP and keeps a PIDFile."
            }
            Self::Systemd => {
                "A unit that is restarted, by a socket unit or not: /proc tells the processes\n\
                 apart, to root."
            }
            Self::DockerCompose => {
                "A container that is replaced. Its process cannot be seen through the published\n\
                 port: let it name itself, as by its HOSTNAME in a field `x-instance`."
            }
            Self::RekindlePidFile => "A program built with rekindle that keeps a pid file.",
            Self::RekindleControl => {
                "A program built with rekindle that has a control socket: an upgrade that came to\n\
                 nothing is told with its reason."
            }
            Self::ByHand => {
                "Any server, restarted by somebody else meanwhile: a deployment, or you in\n\
                 another terminal. Who answered, and when, is told all the same."
            }
        }
    }

    /// The command line.
    pub(crate) const fn line(self) -> &'static str {
        match self {
            Self::Nginx => "rekindle prove http://127.0.0.1:80/ --restart 'nginx -s reload'",
            Self::Haproxy => {
                "rekindle prove http://127.0.0.1:80/ --signal USR2 --pid-file /run/haproxy.pid"
            }
            Self::Caddy => {
                "rekindle prove http://127.0.0.1:80/ --restart \
                 'caddy reload --force --config /etc/caddy/Caddyfile' --recognise off"
            }
            Self::Gunicorn => {
                "rekindle prove http://127.0.0.1:8000/ --signal HUP --pid-file gunicorn.pid \
                 --every 3s"
            }
            Self::Puma => {
                "rekindle prove http://127.0.0.1:9292/ --signal USR1 \
                 --pid-file tmp/pids/server.pid --every 10s"
            }
            Self::Pm2 => {
                "rekindle prove http://127.0.0.1:3000/ --restart 'pm2 reload app' \
                 --recognise header:x-pid --every 5s"
            }
            Self::Tableflip => {
                "rekindle prove http://127.0.0.1:8080/ --signal HUP --pid-file app.pid"
            }
            Self::Systemd => {
                "rekindle prove http://127.0.0.1:8080/ --restart 'systemctl restart app' \
                 --every 3s"
            }
            Self::DockerCompose => {
                "rekindle prove http://127.0.0.1:8080/ --restart \
                 'docker compose up --detach --force-recreate --no-deps web' \
                 --recognise header:x-instance --every 15s --restarts 5"
            }
            Self::RekindlePidFile => {
                "rekindle prove http://127.0.0.1:8080/ --signal HUP --pid-file app.pid"
            }
            Self::RekindleControl => "rekindle prove http://127.0.0.1:8080/ --control app.sock",
            Self::ByHand => "rekindle prove http://127.0.0.1:8080/ --duration 5min",
        }
    }
}

/// The words of a line as a shell splits it, with single quotes and nothing else.
#[cfg(test)]
pub(in crate::arguments) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('\'').enumerate() {
        match place % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::arguments::Cli;

    #[test]
    fn every_example_is_a_command_line() {
        for example in Example::value_variants() {
            let matches = Cli::command().try_get_matches_from(words(example.line()));
            assert!(matches.is_ok(), "{example:?}: {matches:?}");
        }
    }

    #[test]
    fn a_line_is_split_as_a_shell_does() {
        assert_eq!(words("a 'b c' d"), ["a", "b c", "d"]);
    }
}
