//! Asks a service over its control socket, whoever it is run by: prints the reply's line.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("name the control socket")?;
    let request = arguments.next().context("say what to ask")?;
    let mut stream = UnixStream::connect(&path).with_context(|| format!("connect to `{path}`"))?;
    // A service that refuses us may have closed its end before it reads.
    let _ = writeln!(stream, "{request}");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).context("read the reply")?;
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}
