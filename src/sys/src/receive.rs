//! Receiving a datagram together with the interface it arrived on.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, UdpSocket},
    os::fd::AsRawFd,
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg},
};

/// One datagram: who sent it, where it came in, how long it is.
pub(crate) struct Received {
    pub(crate) from: Option<IpAddr>,
    pub(crate) ifindex: Option<u32>,
    /// Datagrams that found no room, since the socket was opened; said only once
    /// there are any.
    pub(crate) dropped: Option<u32>,
    pub(crate) len: usize,
}

/// Room for the kernel's notes beside a datagram.
pub(crate) fn notes() -> Vec<u8> {
    cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo, u32)
}

/// Receives without waiting; nothing when nothing has come.
pub(crate) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    notes: &mut [u8],
) -> io::Result<Option<Received>> {
    loop {
        let mut into = [IoSliceMut::new(buffer)];
        let flags = MsgFlags::MSG_DONTWAIT;
        match recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut into, Some(notes), flags) {
            Ok(message) => {
                let from = message.address.as_ref().and_then(ip);
                let mut received =
                    Received { from, ifindex: None, dropped: None, len: message.bytes };
                for note in message.cmsgs()? {
                    received.take(&note);
                }
                return Ok(Some(received));
            }
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

impl Received {
    #[expect(clippy::wildcard_enum_match_arm, reason = "of all notes three are asked for")]
    fn take(&mut self, note: &ControlMessageOwned) {
        match note {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                self.ifindex = u32::try_from(info.ipi_ifindex).ok();
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => self.ifindex = Some(info.ipi6_ifindex),
            ControlMessageOwned::RxqOvfl(dropped) => self.dropped = Some(*dropped),
            _ => {}
        }
    }
}
