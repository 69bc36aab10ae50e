//! The few rtnetlink messages that matter, read tolerantly.
//!
//! By hand, because it is little, and because a reader of everything refuses a
//! whole message when a newer kernel shapes one attribute differently that
//! nobody here asks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::table::{Address, Scope};

/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER: usize = 16;
/// `struct ifinfomsg`.
const LINK_HEADER: usize = 16;
/// `struct ifaddrmsg`.
const ADDRESS_HEADER: usize = 8;
/// `struct rtmsg`.
const ROUTE_HEADER: usize = 12;

const IFLA_CARRIER: u16 = 33;
const RTA_TABLE: u16 = 15;
const RTA_PRIORITY: u16 = 6;

/// One message.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) sequence: u32,
    /// Of the socket whose request it answers or follows from; 0: the kernel's own.
    pub(super) port: u32,
    /// The dump it belongs to changed while it was made.
    pub(super) interrupted: bool,
    pub(super) item: Item,
}

/// What a message says.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Item {
    Link(Link),
    LinkGone {
        index: u32,
    },
    Address {
        index: u32,
        address: Address,
    },
    AddressGone {
        index: u32,
        address: IpAddr,
        prefix_length: u8,
    },
    Gateway(Gateway),
    GatewayGone(Gateway),
    /// The end of a dump.
    Done,
    /// A request was refused, with this error number.
    Failed(i32),
    /// Nothing that matters here.
    Other,
}

#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) flags: u32,
    pub(super) carrier: Option<bool>,
    pub(super) mac: Vec<u8>,
    pub(super) mtu: u32,
    pub(super) kind: Option<String>,
    pub(super) controller: Option<u32>,
}

/// A default route.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Gateway {
    pub(super) index: u32,
    pub(super) metric: u32,
    pub(super) address: IpAddr,
}

/// A request for everything of one kind.
pub(super) fn dump_request(what: u16, sequence: u32) -> Vec<u8> {
    let body = match what {
        libc::RTM_GETLINK => LINK_HEADER,
        libc::RTM_GETADDR => ADDRESS_HEADER,
        _ => ROUTE_HEADER,
    };
    let len = u32::try_from(HEADER + body).unwrap_or(u32::MAX);
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_DUMP).cast_unsigned() as u16;
    let mut request = Vec::with_capacity(HEADER + body);
    request.extend_from_slice(&len.to_ne_bytes());
    request.extend_from_slice(&what.to_ne_bytes());
    request.extend_from_slice(&flags.to_ne_bytes());
    request.extend_from_slice(&sequence.to_ne_bytes());
    request.resize(HEADER + body, 0);
    request
}

/// The messages of one netlink datagram.
pub(super) struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Messages { rest: bytes }
    }
}

impl Iterator for Messages<'_> {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let len = u32_at(self.rest, 0)? as usize;
        let message = self.rest.get(..len).filter(|message| message.len() >= HEADER)?;
        self.rest = self.rest.get(aligned(len)..).unwrap_or_default();
        let kind = u16_at(message, 4)?;
        let flags = libc::c_int::from(u16_at(message, 6)?);
        Some(Message {
            sequence: u32_at(message, 8)?,
            port: u32_at(message, 12)?,
            interrupted: flags & libc::NLM_F_DUMP_INTR != 0,
            item: item(kind, &message[HEADER..]).unwrap_or(Item::Other),
        })
    }
}

fn item(kind: u16, body: &[u8]) -> Option<Item> {
    match kind {
        libc::RTM_NEWLINK => link(body).map(Item::Link),
        // Bridges say with their own family that a port left them; the
        // interface is still there.
        libc::RTM_DELLINK if body.first() == Some(&0) => {
            Some(Item::LinkGone { index: u32_at(body, 4)? })
        }
        libc::RTM_NEWADDR => address(body).map(|(index, address)| Item::Address { index, address }),
        libc::RTM_DELADDR => address(body).map(|(index, address)| Item::AddressGone {
            index,
            address: address.address,
            prefix_length: address.prefix_length,
        }),
        libc::RTM_NEWROUTE => gateway(body).map(Item::Gateway),
        libc::RTM_DELROUTE => gateway(body).map(Item::GatewayGone),
        done if libc::c_int::from(done) == libc::NLMSG_DONE => Some(Item::Done),
        error if libc::c_int::from(error) == libc::NLMSG_ERROR => {
            // Zero would be an acknowledgement, which nobody asked for.
            let code = u32_at(body, 0)?.cast_signed();
            (code != 0).then_some(Item::Failed(code.wrapping_neg()))
        }
        _ => None,
    }
}

fn link(body: &[u8]) -> Option<Link> {
    if *body.first()? != 0 {
        return None;
    }
    let mut link = Link { index: u32_at(body, 4)?, flags: u32_at(body, 8)?, ..Link::default() };
    for (kind, value) in Attributes::new(body.get(LINK_HEADER..)?) {
        match kind {
            libc::IFLA_IFNAME => link.name = text(value),
            libc::IFLA_ADDRESS => link.mac = value.to_vec(),
            libc::IFLA_MTU => link.mtu = u32_at(value, 0)?,
            libc::IFLA_MASTER => link.controller = u32_at(value, 0),
            IFLA_CARRIER => link.carrier = value.first().map(|carrier| *carrier != 0),
            libc::IFLA_LINKINFO => {
                link.kind = Attributes::new(value)
                    .find(|(kind, _)| *kind == libc::IFLA_INFO_KIND)
                    .map(|(_, value)| text(value));
            }
            _ => {}
        }
    }
    Some(link)
}

fn address(body: &[u8]) -> Option<(u32, Address)> {
    let family = *body.first()?;
    let (mut own, mut peer) = (None, None);
    let mut flags = u32::from(*body.get(2)?);
    for (kind, value) in Attributes::new(body.get(ADDRESS_HEADER..)?) {
        match kind {
            // On a point-to-point link the other one is the peer's.
            libc::IFA_LOCAL => own = ip(family, value),
            libc::IFA_ADDRESS => peer = ip(family, value),
            libc::IFA_FLAGS => flags = u32_at(value, 0)?,
            _ => {}
        }
    }
    let address = Address {
        address: own.or(peer)?,
        prefix_length: *body.get(1)?,
        scope: match *body.get(3)? {
            libc::RT_SCOPE_UNIVERSE => Scope::Global,
            libc::RT_SCOPE_LINK => Scope::Link,
            libc::RT_SCOPE_HOST => Scope::Host,
            _ => Scope::Site,
        },
        tentative: flags & libc::IFA_F_TENTATIVE != 0 && flags & libc::IFA_F_OPTIMISTIC == 0,
        duplicate: flags & libc::IFA_F_DADFAILED != 0,
        deprecated: flags & libc::IFA_F_DEPRECATED != 0,
        // One bit with two names: secondary in IPv4, temporary in IPv6.
        secondary: flags & libc::IFA_F_SECONDARY != 0,
    };
    Some((u32_at(body, 4)?, address))
}

/// A default route of the main table through one gateway.
fn gateway(body: &[u8]) -> Option<Gateway> {
    let (family, destination_len, table, kind) =
        (*body.first()?, *body.get(1)?, *body.get(4)?, *body.get(7)?);
    if destination_len != 0 || kind != libc::RTN_UNICAST {
        return None;
    }
    let (mut index, mut metric, mut address, mut table) = (None, 0, None, u32::from(table));
    for (kind, value) in Attributes::new(body.get(ROUTE_HEADER..)?) {
        match kind {
            libc::RTA_OIF => index = u32_at(value, 0),
            libc::RTA_GATEWAY => address = ip(family, value),
            RTA_PRIORITY => metric = u32_at(value, 0)?,
            RTA_TABLE => table = u32_at(value, 0)?,
            _ => {}
        }
    }
    let main = table == u32::from(libc::RT_TABLE_MAIN);
    main.then_some(Gateway { index: index?, metric, address: address? })
}

/// The attributes behind a message's fixed part.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Attributes { rest: bytes }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let len = usize::from(u16_at(self.rest, 0)?);
        // The two highest bits say how the value is coded, not what it is.
        let kind = u16_at(self.rest, 2)? & 0x3fff;
        let value = self.rest.get(4..len)?;
        self.rest = self.rest.get(aligned(len)..).unwrap_or_default();
        Some((kind, value))
    }
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match libc::c_int::from(family) {
        libc::AF_INET => {
            let octets: [u8; 4] = value.try_into().ok()?;
            Some(IpAddr::V4(Ipv4Addr::from(octets)))
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = value.try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(octets)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
