//! Whether the cable is in, asked for rather than told.
#![expect(unsafe_code, reason = "ioctls of one interface")]

use std::{
    ffi::c_void,
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::Error;

/// ETHTOOL_GLINK of linux/ethtool.h: link status, up or down.
const ETHTOOL_GLINK: u32 = 0x0a;

/// Asks for an interface's carrier.
///
/// The kernel pushes carrier changes of ordinary interfaces at most once a
/// second; this sees them at once. It takes the kernel's lock on network
/// configuration, so that it may have to wait for others who hold it.
#[derive(Debug)]
pub struct Carrier {
    socket: OwnedFd,
}

/// `struct ethtool_value` of linux/ethtool.h.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

impl Carrier {
    /// Opens the socket that questions are asked on.
    ///
    /// # Errors
    ///
    /// When the kernel has no descriptor left to give.
    pub fn new() -> Result<Self, Error> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Datagram, flags, None)
            .map_err(|errno| Error::new("open a socket to ask for carriers", errno))?;
        Ok(Carrier { socket })
    }

    /// Whether the interface of that name, in this process's network namespace,
    /// is up and has carrier.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such interface.
    pub fn now(&self, interface: &str) -> io::Result<bool> {
        let mut value = EthtoolValue { command: ETHTOOL_GLINK, data: 0 };
        let mut request = request(interface)?;
        request.ifr_ifru.ifru_data = std::ptr::from_mut(&mut value).cast::<c_void>().cast();
        match self.ioctl(libc::SIOCETHTOOL as libc::Ioctl, &mut request) {
            Ok(()) => Ok(value.data != 0),
            // Drivers without this question; what is told there may be late.
            Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => self.running(interface),
            Err(error) => Err(not_found(error)),
        }
    }

    fn running(&self, interface: &str) -> io::Result<bool> {
        let mut request = request(interface)?;
        self.ioctl(libc::SIOCGIFFLAGS as libc::Ioctl, &mut request).map_err(not_found)?;
        // SAFETY: SIOCGIFFLAGS has filled in this member; any bits are a c_short.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(libc::c_int::from(flags) & libc::IFF_RUNNING != 0)
    }

    fn ioctl(&self, code: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
        // SAFETY: both requests read and write one `ifreq`, and SIOCETHTOOL the
        // eight bytes it points to; both live in the caller across the call.
        let status = unsafe { libc::ioctl(self.socket.as_raw_fd(), code, request) };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn not_found(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::ENODEV) {
        io::Error::new(io::ErrorKind::NotFound, error)
    } else {
        error
    }
}

fn request(interface: &str) -> io::Result<libc::ifreq> {
    if interface.is_empty() || interface.len() >= libc::IFNAMSIZ {
        let what = format!("{interface:?} is no interface name: expected 1 to 15 characters");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut name = [0; libc::IFNAMSIZ];
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    Ok(libc::ifreq { ifr_name: name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_that_does_not_exist_is_not_found() {
        let error = Carrier::new().unwrap().now("hats-none0").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn impossible_name_is_refused_with_what_was_expected() {
        let error = Carrier::new().unwrap().now("an-interface-name-too-long").unwrap_err();
        assert!(error.to_string().contains("expected 1 to 15 characters"), "{error}");
    }
}
