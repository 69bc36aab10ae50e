//! The UDP sockets of one adapter, and of no other.
//!
//! Three of them: one bound to the adapter's own address, which sends everything
//! and receives what is for us alone; one bound to the multicast group or the
//! broadcast address, which receives what is for all; one bound to the group of
//! all hosts on the wire, whatever their networks. All are tied to the
//! device, because a group joined on one interface is received on all others,
//! too, in IPv6 even with IPV6_MULTICAST_ALL off.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use crate::{
    Error,
    error::doing,
    option,
    receive::{Received, notes, receive},
};

/// Room for datagrams while this process gets no time.
const RECEIVE_BUFFER: usize = 1 << 20;

/// More than any datagram of ours, a padded probe on jumbo frames included, so
/// that a longer one shows.
const DATAGRAM: usize = 9_216;

/// Internetwork control (CS6), the class of routing protocols: heartbeats are
/// not to wait behind bulk traffic.
const TRAFFIC_CLASS: u32 = 0xc0;

/// The same on this host's own queues.
const PRIORITY: u32 = 6;

/// How to open an [`AdapterSocket`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SocketConfig {
    /// The interface's name.
    pub interface: String,
    /// Its index now.
    pub ifindex: u32,
    /// The adapter's address.
    pub address: IpAddr,
    /// The UDP port, of us and of everybody.
    pub port: u16,
    /// How all are reached.
    pub group: Option<Group>,
    /// The group and the port of all hosts on the wire.
    pub everybody: Option<(IpAddr, u16)>,
}

/// How all adapters of a network are reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// A multicast group.
    Multicast(IpAddr),
    /// A broadcast address.
    Broadcast(Ipv4Addr),
}

impl Group {
    fn address(self) -> IpAddr {
        match self {
            Group::Multicast(address) => address,
            Group::Broadcast(address) => IpAddr::V4(address),
        }
    }
}

/// To whom a datagram was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// To this adapter.
    Own,
    /// To all of its network.
    Group,
    /// To all hosts on the wire.
    Everybody,
}

/// A datagram that arrived; its bytes are in [`AdapterSocket::bytes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    /// Who sent it.
    pub from: IpAddr,
    /// To whom it was sent.
    pub to: Audience,
    /// Its length.
    pub len: usize,
}

/// Datagrams that were not given out, since the last look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused {
    /// Arrived on another interface.
    pub wrong_interface: u64,
    /// The kernel did not say who sent it.
    pub no_sender: u64,
    /// The kernel reported an error instead of a datagram.
    pub errors: u64,
    /// Found no room in the kernel's buffer, because nobody read it in time.
    pub no_room: u64,
}

/// One adapter's sockets.
#[derive(Debug)]
pub struct AdapterSocket {
    config: SocketConfig,
    own: UdpSocket,
    group: Option<UdpSocket>,
    everybody: Option<UdpSocket>,
    buffer: Box<[u8; DATAGRAM]>,
    notes: Vec<u8>,
    refused: Refused,
    /// What the kernel said last of datagrams without room, by [`Audience`].
    dropped: [u32; 3],
}

impl AdapterSocket {
    /// Opens the sockets: the address must be on the interface and usable.
    ///
    /// # Errors
    ///
    /// Names what could not be done on which interface.
    pub fn open(config: SocketConfig) -> Result<Self, Error> {
        let own = open_own(&config)?;
        let group = config.group.map(|group| open_group(&config, group)).transpose()?;
        // Others say so if this one hears nothing there.
        let everybody = config.everybody.and_then(|all| open_everybody(&config, all).ok());
        Ok(AdapterSocket {
            config,
            own,
            group,
            everybody,
            buffer: Box::new([0; DATAGRAM]),
            notes: notes(),
            refused: Refused::default(),
            dropped: [0; 3],
        })
    }

    /// How it was opened.
    pub fn config(&self) -> &SocketConfig {
        &self.config
    }

    /// The descriptors to wait for.
    pub fn fds(&self) -> [Option<BorrowedFd<'_>>; 3] {
        [Some(&self.own), self.group.as_ref(), self.everybody.as_ref()]
            .map(|it| it.map(AsFd::as_fd))
    }

    /// Sends to one, or to the group. Does not wait.
    ///
    /// # Errors
    ///
    /// What the kernel said; `NotConnected` when there is no group.
    pub fn send(&self, to: Option<IpAddr>, bytes: &[u8]) -> io::Result<()> {
        let to = match to.or(self.config.group.map(Group::address)) {
            Some(to) => {
                let everybody = self.config.everybody.filter(|(group, _)| *group == to);
                let port = everybody.map_or(self.config.port, |(_, port)| port);
                endpoint(to, port, self.config.ifindex)
            }
            None => return Err(io::ErrorKind::NotConnected.into()),
        };
        loop {
            match self.own.send_to(bytes, to) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends to one without ever letting it be cut in pieces, even where the
    /// kernel has learnt of a smaller MTU on the way. Does not wait.
    ///
    /// # Errors
    ///
    /// What the kernel said; that it is too long for the interface, for one.
    pub fn send_whole(&self, to: IpAddr, bytes: &[u8]) -> io::Result<()> {
        self.discover(libc::IP_PMTUDISC_PROBE)?;
        let sent = self.send(Some(to), bytes);
        self.discover(libc::IP_PMTUDISC_WANT)?;
        sent
    }

    /// How the kernel treats what is longer than the way takes; the numbers are the
    /// same for IPv6.
    fn discover(&self, how: libc::c_int) -> io::Result<()> {
        let (level, name) = if self.config.address.is_ipv6() {
            (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER)
        } else {
            (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER)
        };
        option::set(&self.own, level, name, how.cast_unsigned())
    }

    /// Takes the next datagram, first those for us alone. Does not wait; nothing
    /// when none has come.
    pub fn receive(&mut self) -> Option<Arrived> {
        loop {
            let (received, to) = self.take()?;
            if let Some(dropped) = received.dropped {
                let before = &mut self.dropped[to as usize];
                self.refused.no_room += u64::from(dropped.wrapping_sub(*before));
                *before = dropped;
            }
            if received.ifindex != Some(self.config.ifindex) {
                self.refused.wrong_interface += 1;
            } else if let Some(from) = received.from {
                return Some(Arrived { from, to, len: received.len });
            } else {
                self.refused.no_sender += 1;
            }
        }
    }

    fn take(&mut self) -> Option<(Received, Audience)> {
        let sockets = [
            (Some(&self.own), Audience::Own),
            (self.group.as_ref(), Audience::Group),
            (self.everybody.as_ref(), Audience::Everybody),
        ];
        for (socket, to) in sockets {
            let Some(socket) = socket else { continue };
            match receive(socket, &mut self.buffer[..], &mut self.notes) {
                Ok(Some(received)) => return Some((received, to)),
                Ok(None) => {}
                Err(_) => {
                    // Reading an error clears it; the kernel keeps one at most.
                    self.refused.errors += 1;
                    return None;
                }
            }
        }
        None
    }

    /// The bytes of the datagram that arrived last.
    pub fn bytes(&self, arrived: &Arrived) -> &[u8] {
        self.buffer.get(..arrived.len).unwrap_or(&self.buffer[..])
    }

    /// What was refused since the last call.
    pub fn take_refused(&mut self) -> Refused {
        std::mem::take(&mut self.refused)
    }
}

/// With the interface where an address says nothing without it.
fn endpoint(address: IpAddr, port: u16, ifindex: u32) -> SocketAddr {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() || v6.is_multicast() => {
            SocketAddr::V6(SocketAddrV6::new(v6, port, 0, ifindex))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => SocketAddr::new(address, port),
    }
}

fn open_own(config: &SocketConfig) -> Result<UdpSocket, Error> {
    let socket = common(config)?;
    if matches!(config.group, Some(Group::Broadcast(_))) {
        socket.set_broadcast(true).map_err(doing("allow broadcasts"))?;
    }
    send_multicast(config, &socket)?;
    bind(config, &socket, config.address)?;
    Ok(socket.into())
}

fn open_everybody(config: &SocketConfig, (group, port): (IpAddr, u16)) -> Result<UdpSocket, Error> {
    open_group(&SocketConfig { port, ..config.clone() }, Group::Multicast(group))
}

fn open_group(config: &SocketConfig, group: Group) -> Result<UdpSocket, Error> {
    let socket = common(config)?;
    // Another process of this host may listen to the same group.
    socket.set_reuse_address(true).map_err(doing("share the group's address"))?;
    bind(config, &socket, group.address())?;
    if let Group::Multicast(address) = group {
        join(config, &socket, address)?;
    }
    Ok(socket.into())
}

fn common(config: &SocketConfig) -> Result<Socket, Error> {
    let domain = if config.address.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
        .map_err(doing("open a UDP socket"))?;
    let name = &config.interface;
    socket
        .bind_device(Some(name.as_bytes()))
        .map_err(|source| Error::new(format!("tie a socket to {name}"), source))?;
    let asked = if domain == Domain::IPV6 {
        socket.set_only_v6(true).map_err(doing("open a socket for IPv6 only"))?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)
    } else {
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)
    };
    asked.map_err(|errno| Error::new("ask for the arrival interface", io::Error::from(errno)))?;
    // Better, but not needed.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)
        .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER));
    let _ = setsockopt(&socket, sockopt::RxqOvfl, &1);
    let _ = socket.set_priority(PRIORITY);
    let _ = if domain == Domain::IPV6 {
        socket.set_tclass_v6(TRAFFIC_CLASS)
    } else {
        socket.set_tos_v4(TRAFFIC_CLASS)
    };
    Ok(socket)
}

fn bind(config: &SocketConfig, socket: &Socket, address: IpAddr) -> Result<(), Error> {
    let at = endpoint(address, config.port, config.ifindex);
    socket.bind(&at.into()).map_err(|source| {
        let in_use = source.kind() == io::ErrorKind::AddrInUse;
        let error = Error::new(format!("bind to {at} on {}", config.interface), source);
        if in_use {
            error.hint("another process has this port: another hatsd, or one that is still ending")
        } else {
            error
        }
    })
}

/// Sends to groups on this interface, one hop far, and not back to us.
fn send_multicast(config: &SocketConfig, socket: &Socket) -> Result<(), Error> {
    let send = || -> io::Result<()> {
        if config.address.is_ipv6() {
            socket.set_multicast_if_v6(config.ifindex)?;
            socket.set_multicast_hops_v6(1)?;
            socket.set_multicast_loop_v6(false)
        } else {
            let interface = libc::ip_mreqn {
                imr_multiaddr: libc::in_addr { s_addr: 0 },
                imr_address: libc::in_addr { s_addr: 0 },
                imr_ifindex: config.ifindex.cast_signed(),
            };
            option::set(socket, libc::IPPROTO_IP, libc::IP_MULTICAST_IF, interface)?;
            socket.set_multicast_ttl_v4(1)?;
            socket.set_multicast_loop_v4(false)
        }
    };
    send().map_err(|source| Error::new(format!("send multicast on {}", config.interface), source))
}

fn join(config: &SocketConfig, socket: &Socket, group: IpAddr) -> Result<(), Error> {
    let join = || -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                socket.set_multicast_all_v4(false)?;
                let interface = InterfaceIndexOrAddress::Index(config.ifindex);
                socket.join_multicast_v4_n(&group, &interface)
            }
            IpAddr::V6(group) => {
                // Kernels before 4.20 do not have it; the device tie is enough.
                let _ = socket.set_multicast_all_v6(false);
                socket.join_multicast_v6(&group, config.ifindex)
            }
        }
    };
    join().map_err(|source| Error::new(format!("join {group} on {}", config.interface), source))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn link_local_address_is_sent_to_on_the_interface() {
        let address: Ipv6Addr = "fe80::1".parse().unwrap();
        assert_eq!(endpoint(address.into(), 9, 7).to_string(), "[fe80::1%7]:9");
        assert_eq!(endpoint("fd00::1".parse().unwrap(), 9, 7).to_string(), "[fd00::1]:9");
    }

    #[test]
    fn loopback_without_group_sends_to_itself() {
        let config = SocketConfig {
            interface: "lo".into(),
            ifindex: 1,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            group: None,
            everybody: None,
        };
        let mut socket = AdapterSocket::open(config).unwrap();
        socket.config.port = socket.own.local_addr().unwrap().port();
        socket.send(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), b"hello").unwrap();
        let fds = [socket.fds()[0].map(|fd| (fd, false))];
        crate::wait_readable(fds, Some(crate::monotonic_ns() + 1_000_000_000)).unwrap();
        let arrived = socket.receive().unwrap();
        assert_eq!(socket.bytes(&arrived), b"hello");
        assert_eq!(arrived.to, Audience::Own);
        assert_eq!(socket.receive(), None);
    }

    #[test]
    fn interface_that_does_not_exist_is_named() {
        let config = SocketConfig {
            interface: "hats-none0".into(),
            ifindex: 99_999,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            group: None,
            everybody: None,
        };
        let error = AdapterSocket::open(config).unwrap_err().to_string();
        assert!(error.contains("hats-none0"), "{error}");
    }
}
