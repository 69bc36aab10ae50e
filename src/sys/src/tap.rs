//! Tap devices: network interfaces whose other end is a file of this process.
//!
//! Made for the lab, whose cables they are. A device appears in the network
//! namespace of the thread that opens it and is gone when the file is closed.

// The only ioctls on a device node in the project.
#![allow(unsafe_code)]

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd},
        unix::fs::OpenOptionsExt,
    },
};

/// The device node that every tap device is made through.
pub const DEVICE: &str = "/dev/net/tun";

/// Creates the tap device `name` in the calling thread's network namespace.
///
/// Frames are read and written whole, without a packet information header; the
/// file does not block.
///
/// # Errors
///
/// `InvalidInput` when the name is no interface name; otherwise what opening
/// [`DEVICE`] or the kernel said.
pub fn open(name: &str) -> io::Result<File> {
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short,
        },
    };
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || name.contains(['/', '\0', ' ']) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is no interface name: expected 1 to 15 characters"),
        ));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(DEVICE)?;
    // SAFETY: TUNSETIFF reads and writes one `ifreq`, which lives across the call.
    let status = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &mut request) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(file) }
}

/// Plugs the cable of a tap device in or pulls it out.
///
/// # Errors
///
/// What the kernel said: an interface that is administratively down has no
/// carrier to set.
pub fn set_carrier(tap: impl AsFd, present: bool) -> io::Result<()> {
    let value = libc::c_int::from(present);
    // SAFETY: TUNSETCARRIER reads one int, which lives across the call.
    let status =
        unsafe { libc::ioctl(tap.as_fd().as_raw_fd(), libc::TUNSETCARRIER, &raw const value) };
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
