//! The ways in: by HTTP, and from the process before this one. And the way out, to the next one.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::upgrade::OnUpgrade;
use rekindle::{Connection, MoveRefusal};
use rekindle_examples::Site;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tracing::{debug, warn};

use crate::hall::{Hall, Phase};
use crate::member::Member;
use crate::talk::{Departure, Talk};

/// The name by which connections are handed over.
pub(crate) const CHAT: &str = "chat";

/// The longest name of a member or of a room.
const NAME_LIMIT_BYTES: usize = 64;

/// What the ways in lead to.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) site: Site,
    pub(crate) hall: Hall,
}

#[derive(Debug, Deserialize)]
struct Who {
    name: String,
}

impl Door {
    /// The way in by HTTP.
    pub(crate) fn router(self) -> Router {
        let who = |State(door): State<Self>| async move { format!("{}\n", door.site) };
        Router::new().route("/", get(who)).route("/room/{room}", get(join)).with_state(self)
    }

    /// The way in from the process before this one.
    pub(crate) async fn take_over(self, connection: Connection<TcpStream>, state: Vec<u8>) {
        match Member::from_state(&state) {
            Ok((member, unread)) => {
                let unread = unread.to_vec().into();
                self.talk(Departure { member, connection, unread }).await;
            }
            Err(error) => warn!(%error, "a connection came with a state that is not known"),
        }
    }

    /// A talk with a client, until it goes or goes on in the next process.
    async fn talk(self, mut arrival: Departure) {
        loop {
            let talk = Talk::begin(self.hall.clone(), arrival).await;
            let Departure { member, connection, unread } = match talk.go_on().await {
                Ok(Some(departure)) => departure,
                Ok(None) => return,
                Err(error) => return debug!(%error, "a connection broke"),
            };
            let state = member.to_state(&unread);
            let Err(refused) = connection.hand_over(CHAT, state).await else { return };
            debug!(refusal = %refused.refusal, "a connection stays");
            // None comes back only while the runtime shuts down.
            let Some(connection) = refused.connection else { return };
            arrival = Departure { member, connection, unread };
            // If the next process died before it took it, this one may serve again.
            let stays = refused.refusal == MoveRefusal::NoSuccessor
                && self.hall.phase().wait_for(|phase| *phase != Phase::Frozen).await.is_ok();
            if !stays || *self.hall.phase().borrow() == Phase::Leaving {
                let talk = Talk::begin(self.hall.clone(), arrival).await;
                let told = talk.dismiss(CloseCode::Restart, "come again").await;
                return told.map_or_else(|error| debug!(%error, "a connection broke"), drop);
            }
        }
    }
}

/// Answers the handshake of a WebSocket, and lets the client in.
async fn join(
    State(door): State<Door>,
    Path(room): Path<String>,
    Query(Who { name }): Query<Who>,
    mut request: Request,
) -> Response {
    if name.len().max(room.len()) > NAME_LIMIT_BYTES {
        return (StatusCode::BAD_REQUEST, "a name has at most 64 bytes\n").into_response();
    }
    match create_response_with_body(&request, Body::empty) {
        Ok(answer) => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(enter(door, Member::new(room, name), upgrade));
            answer
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

async fn enter(door: Door, member: Member, upgrade: OnUpgrade) {
    match upgrade.await.map(rekindle::http::upgraded) {
        Ok(Ok((connection, unread))) => {
            door.talk(Departure { member, connection, unread }).await;
        }
        Ok(Err(_upgraded)) => warn!("a connection is none of this process's listener"),
        Err(error) => debug!(%error, "a connection broke"),
    }
}
