//! A program that a step runs: said before it runs, and its output left as it is.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Says what is run, runs it with our own output, and returns whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<bool> {
    println!("$ {}", line(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("run `{}`", line(command)))?;
    Ok(status.success())
}

/// Runs a program and returns what it says on its standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run `{}`", line(command)))?;
    ensure!(output.status.success(), "run `{}`: {}", line(command), output.status);
    String::from_utf8(output.stdout)
        .with_context(|| format!("read what `{}` says: it is not UTF-8", line(command)))
}

/// Whether a program runs and succeeds; nothing is shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The command as one could type it. A program in some directory is called by its name.
fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", name.to_string_lossy(), quoted(&value)))
    });
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments = command.get_args().map(|argument| quoted(&argument.to_string_lossy()));
    variables.chain([program]).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_could_type_it() {
        let mut command = Command::new("/usr/lib/cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn success_and_failure_are_told_apart() {
        assert!(run(&mut Command::new("true")).unwrap());
        assert!(!run(&mut Command::new("false")).unwrap());
        assert!(succeeds(&mut Command::new("true")));
        assert!(!succeeds(&mut Command::new("false")));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_names_it() {
        let missing = || Command::new("rekindle-no-such-program");
        let error = format!("{:#}", run(&mut missing()).unwrap_err());
        assert!(error.contains("run `rekindle-no-such-program`"), "{error}");
        assert!(!succeeds(&mut missing()));
    }

    #[test]
    fn output_is_read_unless_the_program_fails() {
        assert_eq!(read(Command::new("echo").arg("hello")).unwrap(), "hello\n");
        assert!(read(&mut Command::new("false")).is_err());
    }
}
