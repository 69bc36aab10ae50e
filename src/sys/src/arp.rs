//! ARP on one adapter (RFC 826): who says that an address is its own.
//!
//! On a packet socket, which hears what the kernel has no use for: that another
//! host has this one's address, or that hosts of other subnets are on the wire.
#![expect(unsafe_code, reason = "an address of a packet socket is made from a C value")]

use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, SockaddrLike, bind, recv, sendto, socket,
};

use crate::Error;

/// An Ethernet address.
pub type Mac = [u8; 6];

/// Hardware and protocol type and lengths of ARP for IPv4 on Ethernet.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
const PACKET: usize = 28;
const REQUEST: u8 = 1;
const REPLY: u8 = 2;

const HINT: &str = "needs CAP_NET_RAW, as by AmbientCapabilities=CAP_NET_RAW in the unit or \
    `setcap cap_net_raw+ep hats-nim`; without it another host with this one's IPv4 address is \
    not noticed";

/// What a host says of itself, and whom it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArpPacket {
    /// Its hardware address.
    pub mac: Mac,
    /// Its address; 0.0.0.0 of one that asks whether it can have `target`.
    pub sender: Ipv4Addr,
    /// Whom it asks for, or answers.
    pub target: Ipv4Addr,
    /// It asks.
    pub asks: bool,
}

/// Hears and asks on one adapter.
#[derive(Debug)]
pub struct Arp {
    socket: OwnedFd,
    everybody: LinkAddr,
}

impl Arp {
    /// Opens the socket.
    ///
    /// # Errors
    ///
    /// When it is not permitted; the message says what would be needed.
    pub fn open(interface: &str, ifindex: u32) -> Result<Self, Error> {
        let attempt = || -> io::Result<Arp> {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            // Without a protocol it hears nothing before it is bound to the interface.
            let socket = socket(AddressFamily::Packet, SockType::Datagram, flags, None)?;
            let everybody = everybody(ifindex).ok_or(io::ErrorKind::InvalidInput)?;
            bind(socket.as_raw_fd(), &everybody)?;
            Ok(Arp { socket, everybody })
        };
        attempt()
            .map_err(|source| Error::new(format!("hear ARP on {interface}"), source).hint(HINT))
    }

    /// Finds out whether this process may hear ARP at all.
    ///
    /// # Errors
    ///
    /// When it may not; the message says what would be needed.
    pub fn permitted() -> Result<(), Error> {
        socket(AddressFamily::Packet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
            .map(|_| ())
            .map_err(|errno| Error::new("hear ARP", io::Error::from(errno)).hint(HINT))
    }

    /// Asks everybody on the wire. Does not wait.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn ask(&self, mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> io::Result<()> {
        let packet = written(&ArpPacket { mac, sender, target, asks: true });
        sendto(self.socket.as_raw_fd(), &packet, &self.everybody, MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }

    /// Takes the next packet. Does not wait; nothing when none has come.
    pub fn receive(&mut self) -> Option<ArpPacket> {
        let mut buffer = [0; 64];
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT).ok()?;
            if let Some(packet) = buffer.get(..length).and_then(read) {
                return Some(packet);
            }
        }
    }
}

impl AsFd for Arp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// All hosts on the wire of an interface, for ARP.
fn everybody(ifindex: u32) -> Option<LinkAddr> {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).ok()?,
        sll_protocol: u16::try_from(libc::ETH_P_ARP).ok()?.to_be(),
        sll_ifindex: i32::try_from(ifindex).ok()?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
    };
    let length = libc::socklen_t::try_from(size_of_val(&address)).ok()?;
    // SAFETY: it points to a whole sockaddr_ll of this length, which lives across
    // the call and is copied.
    unsafe { LinkAddr::from_raw((&raw const address).cast(), Some(length)) }
}

fn written(packet: &ArpPacket) -> [u8; PACKET] {
    let mut bytes = [0; PACKET];
    bytes[..6].copy_from_slice(&ETHERNET_IPV4);
    bytes[7] = if packet.asks { REQUEST } else { REPLY };
    bytes[8..14].copy_from_slice(&packet.mac);
    bytes[14..18].copy_from_slice(&packet.sender.octets());
    bytes[24..28].copy_from_slice(&packet.target.octets());
    bytes
}

/// None of another kind of network, or that is cut short.
fn read(bytes: &[u8]) -> Option<ArpPacket> {
    let address = |at: usize| -> Option<Ipv4Addr> {
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    let asks = match bytes.get(6..8)? {
        [0, REQUEST] => true,
        [0, REPLY] => false,
        _ => return None,
    };
    (bytes.get(..6)? == ETHERNET_IPV4).then_some(())?;
    Some(ArpPacket {
        mac: bytes.get(8..14)?.try_into().ok()?,
        sender: address(14)?,
        target: address(24)?,
        asks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let packet = ArpPacket {
            mac: [2, 0, 0, 0, 0, 9],
            sender: Ipv4Addr::UNSPECIFIED,
            target: Ipv4Addr::new(10, 0, 0, 1),
            asks: true,
        };
        assert_eq!(read(&written(&packet)), Some(packet));
        let answer = ArpPacket { asks: false, sender: packet.target, ..packet };
        assert_eq!(read(&written(&answer)), Some(answer));
    }

    #[test]
    fn what_is_cut_short_or_of_another_network_is_nothing() {
        let whole = written(&ArpPacket {
            mac: [2; 6],
            sender: Ipv4Addr::LOCALHOST,
            target: Ipv4Addr::LOCALHOST,
            asks: false,
        });
        for length in 0..PACKET {
            assert_eq!(read(&whole[..length]), None, "{length}");
        }
        for at in 0..8 {
            let mut other = whole;
            other[at] ^= 0x40;
            assert_eq!(read(&other), None, "{at}");
        }
    }
}
