//! `BindError`: why an address could not be bound, and what to do about it. It refuses to advise
//! what it cannot know.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use crate::Address;
use crate::directory_lock::{LOCK_WAIT_MS, LockFault, directory_of};
use crate::stale::Occupied;

/// Why an address could not be bound. No descriptor and no path is left over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another socket has the address.
    #[error(
        "bind `{address}`: another process has it (`ss -alp` names it); stop that process, or \
         start this one as its upgrade"
    )]
    InUse {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The port is one of those that the system keeps for its own services.
    #[error(
        "bind `{address}`: its port is reserved for privileged processes; give this one \
         `CAP_NET_BIND_SERVICE`, let a socket unit pass the listener, or take a port above 1023"
    )]
    PrivilegedPort {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// This user may not bind there, or not read the directory of the path.
    #[error("bind `{address}`: this user may not")]
    PermissionDenied {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// No interface of this machine has the IP address.
    #[error(
        "bind `{address}`: no interface of this machine has that IP address (`ip address` lists \
         them); is the network up yet?"
    )]
    NotAvailable {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The machine does not speak that protocol, most often IPv6.
    #[error("bind `{address}`: this machine has that protocol switched off")]
    FamilyNotSupported {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The directory of the path does not exist.
    #[error(
        "bind `{address}`: the directory `{}` does not exist; create it first",
        .directory.display()
    )]
    DirectoryMissing {
        /// The address.
        address: Address,
        /// The directory.
        directory: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else has locked the directory of the path for too long.
    #[error(
        "bind `{address}`: the directory `{}` is locked by another process (`lslocks` names it) \
         since {LOCK_WAIT_MS} ms",
        .directory.display()
    )]
    DirectoryBusy {
        /// The address.
        address: Address,
        /// The directory.
        directory: PathBuf,
    },
    /// Something else than a socket stands at the path.
    #[error("bind `{address}`: what stands there is no socket and is left alone; move it away")]
    NotASocket {
        /// The address.
        address: Address,
    },
    /// The Unix name is empty, too long, or a path with a NUL byte.
    #[error(
        "bind `{address}`: a Unix name has 1 to {} bytes, a path none that is NUL",
        crate::NAME_LIMIT_BYTES
    )]
    Name {
        /// The address.
        address: Address,
    },
    /// A group was asked for on a Unix address.
    #[error("bind `{address}` several times: only TCP and UDP addresses can be shared so")]
    NotShareable {
        /// The address.
        address: Address,
    },
    /// The process or the machine has no descriptor left.
    #[error("bind `{address}`: no descriptor is free; raise the limit (`ulimit -n`)")]
    DescriptorLimit {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses for a reason of its own.
    #[error("bind `{address}`")]
    Other {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
}

impl BindError {
    pub(super) fn from_errno(address: &Address, errno: Errno) -> Self {
        let (address, source) = (address.clone(), io::Error::from(errno));
        match errno {
            Errno::ADDRINUSE => Self::InUse { address, source },
            Errno::ACCESS if address.internet().is_some() => {
                Self::PrivilegedPort { address, source }
            }
            Errno::ACCESS | Errno::PERM => Self::PermissionDenied { address, source },
            Errno::ADDRNOTAVAIL => Self::NotAvailable { address, source },
            Errno::AFNOSUPPORT => Self::FamilyNotSupported { address, source },
            Errno::MFILE | Errno::NFILE => Self::DescriptorLimit { address, source },
            Errno::NOENT | Errno::NOTDIR => Self::directory_missing(address, source),
            _ => Self::Other { address, source },
        }
    }

    pub(super) fn from_lock(address: &Address, fault: LockFault) -> Self {
        match fault {
            LockFault::Missing(source) => Self::directory_missing(address.clone(), source),
            LockFault::Busy => {
                Self::DirectoryBusy { address: address.clone(), directory: directory(address) }
            }
            LockFault::Other(source) => Self::from_io(address, source),
        }
    }

    pub(super) fn from_occupied(address: &Address, occupied: Occupied) -> Self {
        match occupied {
            Occupied::Live => Self::from_errno(address, Errno::ADDRINUSE),
            Occupied::NotASocket => Self::NotASocket { address: address.clone() },
            Occupied::Unknown(source) => Self::from_io(address, source),
        }
    }

    pub(super) fn from_io(address: &Address, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(errno) => Self::from_errno(address, errno),
            None => Self::Other { address: address.clone(), source },
        }
    }

    fn directory_missing(address: Address, source: io::Error) -> Self {
        Self::DirectoryMissing { directory: directory(&address), address, source }
    }
}

fn directory(address: &Address) -> PathBuf {
    address.unix_path().map(directory_of).unwrap_or_default()
}
