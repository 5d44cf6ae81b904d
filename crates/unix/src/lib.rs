//! What the system does for `rekindle`: addresses, listeners, the passing of descriptors, peer
//! credentials and the cutting of connections. It refuses policy: nothing here decides when.

#![deny(unsafe_code)]

mod address;
mod bind;
mod channel;
mod directory_lock;
mod environment;
mod identity;
mod inspect;
mod kind;
pub mod listen_fds;
mod peer;
mod sever;
mod socket_path;
mod stale;

pub use address::{Address, AddressError, InternetAddress, NAME_LIMIT_BYTES, UnixName};
pub use bind::{BindError, BindOptions, bind, bind_group};
pub use channel::{
    AcceptError, Channel, ChannelError, ChannelListener, ConnectError, DESCRIPTOR_LIMIT,
    FRAME_LIMIT_BYTES, FrameBuffer, ReceiveError, Received, SendError,
};
pub use environment::take_variable;
pub use identity::Identity;
pub use inspect::{InspectError, Inspection, inspect, open_file_identity, verify};
pub use kind::SocketKind;
pub use peer::PeerCredentials;
pub use sever::{Registry, Severable};
pub use socket_path::{SocketPath, UnlinkError, unlink_if_same};
