//! The smallest program: it greets every client, and is replaced on `SIGHUP`.

use std::error::Error;

use tokio::io::AsyncWriteExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut service =
        rekindle::Service::builder().pid_file("hello.pid").control("hello.sock").start()?;
    let listener = service.tcp("hello", "127.0.0.1:8888")?;
    let running = service.ready().await?;
    let greeting = format!("pid {} generation {}\n", std::process::id(), running.generation());
    while let Some(mut connection) = listener.accept().await {
        let greeting = greeting.clone();
        tokio::spawn(async move { connection.write_all(greeting.as_bytes()).await });
    }
    let report = running.drained().await;
    std::process::exit(i32::from(report.cut > 0));
}
