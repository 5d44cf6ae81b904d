//! The server of lines with the face for tasks.

use std::future::pending;
use std::sync::Arc;

use rekindle::{Connection, Report, Running, Service};
use rekindle_e2e::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::conversation::Conversation;
use crate::{NAME, builder};

pub(crate) fn serve(settings: &Settings) -> anyhow::Result<Report> {
    let service = builder(settings).start()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(service, settings))
}

async fn run(mut service: Service, settings: &Settings) -> anyhow::Result<Report> {
    let listener = service.tcp("lines", "127.0.0.1:0")?;
    let handed_over = match settings.takes_connections {
        true => Some(service.handed_over::<TcpStream>(NAME)?),
        false => None,
    };
    let running = Arc::new(service.ready().await?);
    let arrivals = Arc::clone(&running);
    let arriving = tokio::spawn(async move {
        let Some(handed_over) = handed_over else { return };
        while let Some((connection, state)) = handed_over.next().await {
            match Conversation::from_state(&state) {
                Ok(began) => tokio::spawn(converse(connection, began, Arc::clone(&arrivals))),
                Err(error) => panic!("{error:#}"),
            };
        }
        eprintln!("no more connections are handed over");
    });
    while let Some(connection) = listener.accept().await {
        let began = Conversation::default();
        tokio::spawn(converse(connection, began, Arc::clone(&running)));
    }
    let report = running.drained().await;
    arriving.await?;
    Ok(report)
}

/// What a connection waits for beside its client.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// To be handed over.
    Serve,
    /// It was not taken: that the next process is rolled back.
    Stay,
    /// Nothing: this process is ending.
    End,
}

impl Course {
    async fn change(self, running: &Running) -> Self {
        match self {
            Self::Serve => running.draining().await,
            Self::Stay => match running.resumed().await {
                Ok(()) => return Self::Serve,
                Err(_) => return Self::End,
            },
            Self::End => pending().await,
        }
        Self::Stay
    }
}

/// Talks until the client leaves or the next process takes over.
async fn converse(
    mut connection: Connection<TcpStream>,
    mut conversation: Conversation,
    running: Arc<Running>,
) {
    let mut course = Course::Serve;
    let mut chunk = [0; 4096];
    loop {
        let next = tokio::select! {
            biased;
            next = course.change(&running) => next,
            count = connection.read(&mut chunk) => {
                let Ok(count @ 1..) = count else { return };
                let answers = conversation.hear(&chunk[..count], running.generation());
                if connection.write_all(&answers).await.is_err() {
                    return;
                }
                continue;
            }
        };
        if let Course::Serve = course {
            match connection.hand_over(NAME, conversation.to_state()).await {
                Ok(()) => return,
                Err(error) => {
                    eprintln!("a connection stays: {}", error.refusal);
                    assert_eq!(error.state, conversation.to_state());
                    let Some(back) = error.connection else { return };
                    connection = back;
                }
            }
        }
        course = next;
    }
}
