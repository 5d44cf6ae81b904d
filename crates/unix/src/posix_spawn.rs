//! The C library's posix_spawn(3), made safe to call.
//!
//! Owns the C objects and their release. Refuses every decision: what a child gets is for `spawn`.
//!
//! Why posix_spawn and not fork and exec:
//! - glibc and musl make the child by `clone(CLONE_VM | CLONE_VFORK)`. It borrows our memory until
//!   exec, so that no page table is copied. A fork of a server with gigabytes resident stops all
//!   its threads for many milliseconds, and may fail where memory is not overcommitted.
//! - After a fork in a threaded program, any lock may be held by a thread that does not exist in
//!   the child. Here nothing of ours runs between clone and exec, so nothing can allocate or hang.
//! - The C library hands back exec's error number as the result of the call.
//!
//! The calling thread waits until exec has happened; other threads run on.

#![expect(
    unsafe_code,
    reason = "posix_spawn(3) is a C interface without a safe wrapper"
)]

use std::ffi::{CStr, CString, c_char, c_int};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use rustix::io::Errno;
use rustix::process::Pid;

use crate::signal::Signal;

/// Starts the file at `path`.
///
/// `arguments` begin with what the program is told as its own name; `environment` holds
/// `NAME=value` pairs.
pub(crate) fn posix_spawn(
    path: &CStr,
    actions: &FileActions<'_>,
    attributes: &Attributes,
    arguments: &[CString],
    environment: &[CString],
) -> Result<Pid, Errno> {
    let arguments = null_terminated(arguments);
    let environment = null_terminated(environment);
    let mut pid = 0;
    // SAFETY: Each pointer is to an object that outlives the call: strings that end in NUL, arrays
    // that end in a null pointer, and two objects that their constructors initialised. The C
    // declaration of the arrays lacks a `const`, but posix_spawn(3) does not write to them.
    let result = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            path.as_ptr(),
            &raw const actions.raw,
            &raw const attributes.raw,
            arguments.as_ptr().cast::<*mut c_char>(),
            environment.as_ptr().cast::<*mut c_char>(),
        )
    };
    check(result)?;
    // Success without a pid would be a fault of the C library.
    Pid::from_raw(pid).ok_or(Errno::CHILD)
}

fn null_terminated(strings: &[CString]) -> Vec<*const c_char> {
    strings
        .iter()
        .map(|string| string.as_ptr())
        .chain([ptr::null()])
        .collect()
}

/// What the child does before exec: `posix_spawn_file_actions_t`.
///
/// It borrows the descriptors that it names, so that none can be closed, and its number be
/// another's, before the child is made.
pub(crate) struct FileActions<'fd> {
    raw: libc::posix_spawn_file_actions_t,
    _descriptors: PhantomData<BorrowedFd<'fd>>,
}

impl<'fd> FileActions<'fd> {
    pub(crate) fn new() -> Result<FileActions<'fd>, Errno> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: `raw` is room for the object, which the call initialises if it succeeds.
        check(unsafe { libc::posix_spawn_file_actions_init(raw.as_mut_ptr()) })?;
        // SAFETY: The call above succeeded. The C libraries hold the actions in memory of their
        // own behind a pointer, so the object may be moved.
        let raw = unsafe { raw.assume_init() };
        Ok(FileActions {
            raw,
            _descriptors: PhantomData,
        })
    }

    /// The child enters `directory`. The C library keeps a copy of the name.
    pub(crate) fn change_directory(&mut self, directory: &CStr) -> Result<(), Errno> {
        // SAFETY: The object is initialised, and the name ends in NUL.
        check(unsafe {
            libc::posix_spawn_file_actions_addchdir_np(&raw mut self.raw, directory.as_ptr())
        })
    }

    /// The child inherits `descriptor` under the number that it has here.
    ///
    /// To duplicate a descriptor onto itself is the agreed way to say so: the C library then
    /// clears close-on-exec, in the child alone (POSIX issue 8; glibc since 2.29, musl since
    /// 1.1.24).
    pub(crate) fn inherit(&mut self, descriptor: BorrowedFd<'fd>) -> Result<(), Errno> {
        let number = descriptor.as_raw_fd();
        // SAFETY: The object is initialised; the descriptor is open for as long as the object.
        check(unsafe { libc::posix_spawn_file_actions_adddup2(&raw mut self.raw, number, number) })
    }
}

impl Drop for FileActions<'_> {
    fn drop(&mut self) {
        // SAFETY: The object is initialised, and nothing uses it after this. The call cannot fail.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.raw) };
    }
}

/// What the child is: `posix_spawnattr_t`.
pub(crate) struct Attributes {
    raw: libc::posix_spawnattr_t,
    flags: c_int,
}

impl Attributes {
    pub(crate) fn new() -> Result<Attributes, Errno> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: `raw` is room for the object, which the call initialises if it succeeds.
        check(unsafe { libc::posix_spawnattr_init(raw.as_mut_ptr()) })?;
        // SAFETY: The call above succeeded. The object is plain data and may be moved.
        let raw = unsafe { raw.assume_init() };
        Ok(Attributes { raw, flags: 0 })
    }

    /// The child begins with no signal blocked.
    pub(crate) fn block_no_signal(&mut self) -> Result<(), Errno> {
        let none = signal_set(&[]);
        // SAFETY: Both objects are initialised; the set is copied.
        check(unsafe { libc::posix_spawnattr_setsigmask(&raw mut self.raw, &raw const none) })?;
        self.add_flag(libc::POSIX_SPAWN_SETSIGMASK)
    }

    /// The child begins with the default action for `signals`.
    pub(crate) fn restore_default_actions(&mut self, signals: &[Signal]) -> Result<(), Errno> {
        let set = signal_set(signals);
        // SAFETY: Both objects are initialised; the set is copied.
        check(unsafe { libc::posix_spawnattr_setsigdefault(&raw mut self.raw, &raw const set) })?;
        self.add_flag(libc::POSIX_SPAWN_SETSIGDEF)
    }

    /// The child leads a process group of its own.
    pub(crate) fn lead_process_group(&mut self) -> Result<(), Errno> {
        const OF_THE_CHILD: libc::pid_t = 0;
        // SAFETY: The object is initialised.
        check(unsafe { libc::posix_spawnattr_setpgroup(&raw mut self.raw, OF_THE_CHILD) })?;
        self.add_flag(libc::POSIX_SPAWN_SETPGROUP)
    }

    fn add_flag(&mut self, flag: c_int) -> Result<(), Errno> {
        self.flags |= flag;
        let flags = self
            .flags
            .try_into()
            .expect("the flags of POSIX fit its type for them");
        // SAFETY: The object is initialised.
        check(unsafe { libc::posix_spawnattr_setflags(&raw mut self.raw, flags) })
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: The object is initialised, and nothing uses it after this. The call cannot fail.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.raw) };
    }
}

fn signal_set(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `set` is room for the set, which the first call initialises; it fails for no valid
    // pointer. The second fails for no number of a signal.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal.number());
        }
        set.assume_init()
    }
}

/// These functions give their error as the result, and leave `errno` alone.
fn check(result: c_int) -> Result<(), Errno> {
    match result {
        0 => Ok(()),
        number => Err(Errno::from_raw_os_error(number)),
    }
}
