//! Socket options that no safe crate has.
#![expect(unsafe_code, reason = "one setsockopt for plain C values")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

/// C values that a socket option may be.
///
/// # Safety
///
/// Only for types that the kernel may read byte by byte: `repr(C)`, without
/// pointers.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: repr(C), three integers.
unsafe impl Plain for libc::ip_mreqn {}
// SAFETY: repr(C), an array of integers.
unsafe impl Plain for [u32; 8] {}
// SAFETY: an integer.
unsafe impl Plain for u32 {}

/// Sets a socket option.
pub(crate) fn set<T: Plain>(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: T,
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `len` bytes of `value`, which is plain data of
    // that size and outlives the call; the descriptor is borrowed and open.
    let status = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(&value).cast(),
            len,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
