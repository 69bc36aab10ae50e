//! ICMP echo on one adapter.
//!
//! On a raw socket where CAP_NET_RAW is there, else on the kernel's unprivileged
//! ping socket where the administrator allows it. The answers come from the
//! kernel of the other host, whether hats runs there or not.

use std::{
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use pnet_packet::{
    Packet,
    icmp::{
        self, IcmpCode, IcmpTypes, echo_reply::EchoReplyPacket,
        echo_request::MutableEchoRequestPacket,
    },
};
use socket2::{Domain, Protocol, Socket, Type};

use crate::{
    Error, option,
    receive::{notes, receive},
};

/// Type, code, checksum, identifier, sequence number, and eight bytes to carry.
const REQUEST: usize = 16;

const ICMPV6_ECHO_REQUEST: u8 = 128;
const ICMPV6_ECHO_REPLY: u8 = 129;

/// ICMP_FILTER of linux/icmp.h and ICMPV6_FILTER of linux/icmpv6.h.
const FILTER: libc::c_int = 1;

const HINT: &str = "needs CAP_NET_RAW, as by AmbientCapabilities=CAP_NET_RAW in the unit or \
    `setcap cap_net_raw+ep hats-nim`, or a group within net.ipv4.ping_group_range; without it \
    verdicts cannot tell a dead daemon from a dead node";

/// An answer to an echo request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EchoAnswer {
    /// Who answered.
    pub from: IpAddr,
    /// The number of the request.
    pub sequence: u16,
}

/// Sends ICMP echo requests on one adapter, and takes the answers.
#[derive(Debug)]
pub struct Echo {
    /// Not UDP, but datagrams all the same.
    socket: UdpSocket,
    raw: bool,
    v6: bool,
    ident: u16,
    ifindex: u32,
    notes: Vec<u8>,
}

impl Echo {
    /// Finds out whether this process may send ICMP echo at all.
    ///
    /// # Errors
    ///
    /// When neither kind of socket is permitted; the message says what would be
    /// needed.
    pub fn permitted(v6: bool) -> Result<(), Error> {
        let (domain, protocol) = family(v6);
        let attempt = |kind: Type| Socket::new(domain, kind, Some(protocol));
        attempt(Type::RAW)
            .or_else(|_| attempt(Type::DGRAM))
            .map(|_| ())
            .map_err(|source| Error::new("send ICMP echo", source).hint(HINT))
    }

    /// Opens the socket; `ident` tells our answers from those of other programs.
    ///
    /// # Errors
    ///
    /// When neither kind of socket is permitted; the message says what would be
    /// needed.
    pub fn open(interface: &str, ifindex: u32, address: IpAddr, ident: u16) -> Result<Self, Error> {
        let attempt = |kind: Type| -> io::Result<UdpSocket> {
            let (domain, protocol) = family(address.is_ipv6());
            let socket = Socket::new(domain, kind.nonblocking(), Some(protocol))?;
            socket.bind_device(Some(interface.as_bytes()))?;
            if kind == Type::RAW {
                only_replies(&socket, address.is_ipv6())?;
            }
            socket.bind(&endpoint(address, ifindex).into())?;
            Ok(UdpSocket::from(OwnedFd::from(socket)))
        };
        let (socket, raw) = match attempt(Type::RAW) {
            Ok(socket) => (socket, true),
            Err(_) => match attempt(Type::DGRAM) {
                Ok(socket) => (socket, false),
                Err(source) => {
                    let doing = format!("send ICMP echo on {interface}");
                    return Err(Error::new(doing, source).hint(HINT));
                }
            },
        };
        let v6 = address.is_ipv6();
        Ok(Echo { socket, raw, v6, ident, ifindex, notes: notes() })
    }

    /// Sends one request. Does not wait.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn send(&self, to: IpAddr, sequence: u16) -> io::Result<()> {
        let request = request(self.v6, self.ident, sequence);
        self.socket.send_to(&request, endpoint(to, self.ifindex)).map(|_| ())
    }

    /// Takes the next answer to one of ours. Does not wait; nothing when none has
    /// come.
    pub fn receive(&mut self) -> Option<EchoAnswer> {
        let mut buffer = [0; 256];
        // An error is about one request, which then has no answer.
        while let Ok(Some(received)) = receive(&self.socket, &mut buffer, &mut self.notes) {
            let bytes = buffer.get(..received.len).unwrap_or(&buffer);
            // The kernel has stripped the IP header everywhere but here.
            let icmp = if self.raw && !self.v6 { after_ip_header(bytes) } else { Some(bytes) };
            let answer = icmp.and_then(|icmp| reply(self.v6, icmp));
            let (Some((ident, sequence)), Some(from)) = (answer, received.from) else { continue };
            // A ping socket has its own identifier and gets only its own answers.
            if ident == self.ident || !self.raw {
                return Some(EchoAnswer { from, sequence });
            }
        }
        None
    }
}

impl AsFd for Echo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn family(v6: bool) -> (Domain, Protocol) {
    if v6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) }
}

fn endpoint(address: IpAddr, ifindex: u32) -> SocketAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => {
            SocketAddr::V6(SocketAddrV6::new(v6, 0, 0, ifindex))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => SocketAddr::new(address, 0),
    }
}

/// Keeps the rest of the host's ICMP out of a raw socket: a set bit blocks a type.
fn only_replies(socket: &Socket, v6: bool) -> io::Result<()> {
    if v6 {
        let mut blocked = [u32::MAX; 8];
        blocked[usize::from(ICMPV6_ECHO_REPLY / 32)] &= !(1 << (ICMPV6_ECHO_REPLY % 32));
        option::set(socket, libc::IPPROTO_ICMPV6, FILTER, blocked)
    } else {
        let blocked = !(1u32 << IcmpTypes::EchoReply.0);
        option::set(socket, libc::SOL_RAW, FILTER, blocked)
    }
}

fn request(v6: bool, ident: u16, sequence: u16) -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    if v6 {
        // The kernel fills in the checksum: only it knows both addresses.
        bytes[0] = ICMPV6_ECHO_REQUEST;
        bytes[4..6].copy_from_slice(&ident.to_be_bytes());
        bytes[6..8].copy_from_slice(&sequence.to_be_bytes());
        return bytes;
    }
    if let Some(mut packet) = MutableEchoRequestPacket::new(&mut bytes) {
        packet.set_icmp_type(IcmpTypes::EchoRequest);
        packet.set_icmp_code(IcmpCode::new(0));
        packet.set_identifier(ident);
        packet.set_sequence_number(sequence);
    }
    let checksum = icmp::IcmpPacket::new(&bytes).map(|packet| icmp::checksum(&packet));
    bytes[2..4].copy_from_slice(&checksum.unwrap_or_default().to_be_bytes());
    bytes
}

/// Identifier and sequence number, if it is an echo reply.
fn reply(v6: bool, icmp: &[u8]) -> Option<(u16, u16)> {
    let packet = EchoReplyPacket::new(icmp)?;
    let wanted = if v6 { ICMPV6_ECHO_REPLY } else { IcmpTypes::EchoReply.0 };
    // Both versions have these fields in the same places.
    let ours = packet.packet().first() == Some(&wanted) && packet.get_icmp_code().0 == 0;
    ours.then(|| (packet.get_identifier(), packet.get_sequence_number()))
}

fn after_ip_header(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    let len = usize::from(first & 0x0f) * 4;
    if first >> 4 == 4 && len >= 20 { packet.get(len..) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_has_the_checksum_of_rfc_1071() {
        let bytes = request(false, 0x1234, 0x0001);
        let sum: u32 =
            bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }

    #[test]
    fn reply_is_told_from_other_types() {
        let mut bytes = request(false, 7, 9);
        assert_eq!(reply(false, &bytes), None);
        bytes[0] = IcmpTypes::EchoReply.0;
        assert_eq!(reply(false, &bytes), Some((7, 9)));
        assert_eq!(reply(true, &bytes), None);
        bytes[0] = ICMPV6_ECHO_REPLY;
        assert_eq!(reply(true, &bytes), Some((7, 9)));
    }

    #[test]
    fn packet_cut_short_is_no_reply() {
        for len in 0..8 {
            assert_eq!(reply(false, &[0; 8][..len]), None);
        }
        assert_eq!(after_ip_header(&[]), None);
        assert_eq!(after_ip_header(&[0x4f; 30]), None);
        assert_eq!(after_ip_header(&[0x41; 30]), None);
        assert_eq!(after_ip_header(&[0x45; 24]), Some(&[0x45; 4][..]));
    }
}
