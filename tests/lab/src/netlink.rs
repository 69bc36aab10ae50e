//! Interfaces, addresses and routes, asked for over netlink.
//!
//! A connection belongs to the network namespace of the thread that opened it.

use std::{net::IpAddr, os::fd::RawFd};

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope},
    link::{
        BridgeStpState, InfoBridge, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags,
        LinkInfo, LinkMessage,
    },
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
    route::{
        RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
        RouteType,
    },
};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

/// A connection to the kernel's network configuration.
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Connects, in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn open() -> Result<Netlink> {
        let mut socket = Socket::new(NETLINK_ROUTE).context("open a netlink socket")?;
        socket.bind_auto().context("bind the netlink socket")?;
        Ok(Netlink { socket, sequence: 0 })
    }

    /// The index of an interface.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    pub fn index(&mut self, name: &str) -> Result<u32> {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.into()));
        let reply = self
            .ask(RouteNetlinkMessage::GetLink(message), NLM_F_REQUEST)
            .with_context(|| format!("look for interface {name}"))?;
        match reply {
            Some(RouteNetlinkMessage::NewLink(link)) => Ok(link.header.index),
            _ => bail!("look for interface {name}: the kernel answered something else"),
        }
    }

    /// The hardware address of an interface; empty when it has none.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn hardware_address(&mut self, index: u32) -> Result<Vec<u8>> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        let reply = self
            .ask(RouteNetlinkMessage::GetLink(message), NLM_F_REQUEST)
            .with_context(|| format!("look at interface {index}"))?;
        let Some(RouteNetlinkMessage::NewLink(link)) = reply else {
            bail!("look at interface {index}: the kernel answered something else");
        };
        let address = |it: LinkAttribute| {
            if let LinkAttribute::Address(bytes) = it { Some(bytes) } else { None }
        };
        Ok(link.attributes.into_iter().find_map(address).unwrap_or_default())
    }

    /// Tells the kernel a neighbour's hardware address, as if it had asked for
    /// it a while ago: when it is used, it is asked for again.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn learn(&mut self, index: u32, neighbour: IpAddr, hardware: &[u8]) -> Result<()> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = index;
        message.header.state = NeighbourState::Stale;
        let (family, address) = match neighbour {
            IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
        };
        message.header.family = family;
        message.attributes.push(NeighbourAttribute::Destination(address));
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(hardware.to_vec()));
        self.tell(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
            .with_context(|| format!("tell the kernel where {neighbour} is"))
    }

    /// Changes an interface: the attributes given, and up or down if given.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn change(
        &mut self,
        index: u32,
        up: Option<bool>,
        attributes: Vec<LinkAttribute>,
    ) -> Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = index;
        if let Some(up) = up {
            message.header.change_mask = LinkFlags::Up;
            message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        }
        message.attributes = attributes;
        self.tell(RouteNetlinkMessage::SetLink(message), 0)
            .with_context(|| format!("change interface {index}"))
    }

    /// Takes an address from an interface.
    ///
    /// # Errors
    ///
    /// It has no such address, or what the kernel said.
    pub fn remove_address(&mut self, index: u32, address: IpAddr, subnet: IpNet) -> Result<()> {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = subnet.prefix_len();
        message.header.family = match address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.attributes.push(AddressAttribute::Local(address));
        self.tell(RouteNetlinkMessage::DelAddress(message), 0)
            .with_context(|| format!("remove address {address} from interface {index}"))
    }

    /// The addresses that an interface has.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn addresses(&mut self, index: u32) -> Result<Vec<IpAddr>> {
        let mut found = Vec::new();
        let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        self.dump(request, |message| {
            let RouteNetlinkMessage::NewAddress(entry) = message else { return };
            if entry.header.index == index {
                let address = |attribute: &AddressAttribute| {
                    if let AddressAttribute::Address(address) = attribute {
                        Some(*address)
                    } else {
                        None
                    }
                };
                found.extend(entry.attributes.iter().find_map(address));
            }
        })
        .with_context(|| format!("list the addresses of interface {index}"))?;
        Ok(found)
    }

    /// Gives an interface an address. IPv6 skips duplicate address detection,
    /// so that the address is usable at once.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn add_address(&mut self, index: u32, address: IpAddr, subnet: IpNet) -> Result<()> {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.header.prefix_len = subnet.prefix_len();
        message.header.scope = AddressScope::Universe;
        message.attributes.push(AddressAttribute::Local(address));
        match (address, subnet) {
            (IpAddr::V4(_), IpNet::V4(net)) => {
                message.header.family = AddressFamily::Inet;
                message.attributes.push(AddressAttribute::Address(address));
                message.attributes.push(AddressAttribute::Broadcast(net.broadcast()));
            }
            _ => {
                message.header.family = AddressFamily::Inet6;
                message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
            }
        }
        self.tell(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
            .with_context(|| format!("add address {address} to interface {index}"))
    }

    /// Sends what has no better route out of an interface.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn add_default_route(&mut self, index: u32, ipv6: bool) -> Result<()> {
        let mut message = RouteMessage::default();
        message.header.address_family =
            if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Link;
        message.header.kind = RouteType::Unicast;
        message.attributes.push(RouteAttribute::Oif(index));
        self.tell(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            .context("add the default route")
    }

    /// Sends what has no better route to a gateway on an interface; the route
    /// with the lowest metric is taken.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn add_gateway(&mut self, index: u32, gateway: IpAddr, metric: u32) -> Result<()> {
        let mut message = RouteMessage::default();
        let (family, address) = match gateway {
            IpAddr::V4(v4) => (AddressFamily::Inet, RouteAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, RouteAddress::Inet6(v6)),
        };
        message.header.address_family = family;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Universe;
        message.header.kind = RouteType::Unicast;
        message.attributes.extend([
            RouteAttribute::Oif(index),
            RouteAttribute::Gateway(address),
            RouteAttribute::Priority(metric),
        ]);
        self.tell(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
            .with_context(|| format!("add the gateway {gateway}"))
    }

    /// Creates a bridge that forwards at once and knows nothing of multicast.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn add_bridge(&mut self, name: &str) -> Result<()> {
        let bridge = vec![
            InfoBridge::StpState(BridgeStpState::Disabled),
            InfoBridge::ForwardDelay(0),
            InfoBridge::MulticastSnooping(false),
        ];
        self.add_link(name, InfoKind::Bridge, InfoData::Bridge(bridge))
    }

    /// Creates a cable: `name` here, `peer` in the namespace of that file.
    ///
    /// # Errors
    ///
    /// What the kernel said.
    pub fn add_veth(&mut self, name: &str, peer: &str, namespace: RawFd) -> Result<()> {
        let mut far = LinkMessage::default();
        far.attributes.push(LinkAttribute::IfName(peer.into()));
        far.attributes.push(LinkAttribute::NetNsFd(namespace));
        self.add_link(name, InfoKind::Veth, InfoData::Veth(InfoVeth::Peer(far)))
    }

    fn add_link(&mut self, name: &str, kind: InfoKind, data: InfoData) -> Result<()> {
        let what = format!("create {kind:?} {name}");
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(name.into()));
        let info = vec![LinkInfo::Kind(kind), LinkInfo::Data(data)];
        message.attributes.push(LinkAttribute::LinkInfo(info));
        self.tell(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL).context(what)
    }

    fn tell(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.ask(message, flags | NLM_F_REQUEST | NLM_F_ACK).map(drop)
    }

    /// Asks for all there is of a kind.
    fn dump(
        &mut self,
        message: RouteNetlinkMessage,
        mut each: impl FnMut(RouteNetlinkMessage),
    ) -> Result<()> {
        self.send(message, NLM_F_REQUEST | NLM_F_DUMP)?;
        loop {
            let (bytes, _) = self.socket.recv_from_full().context("receive from netlink")?;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)
                    .context("read the kernel's answer")?;
                let length = (reply.header.length as usize).next_multiple_of(4).max(4);
                rest = rest.get(length..).unwrap_or_default();
                if reply.header.sequence_number != self.sequence {
                    continue;
                }
                match reply.payload {
                    NetlinkPayload::InnerMessage(inner) => each(inner),
                    NetlinkPayload::Error(error) => return Err(error.to_io().into()),
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Noop | NetlinkPayload::Overrun(_) | _ => {}
                }
            }
        }
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.sequence += 1;
        let mut request = NetlinkMessage::from(message);
        request.header.flags = flags;
        request.header.sequence_number = self.sequence;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0).context("send to netlink").map(drop)
    }

    /// Sends one request and waits for the answer that carries its number.
    fn ask(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Option<RouteNetlinkMessage>> {
        self.send(message, flags)?;
        loop {
            let (bytes, _) = self.socket.recv_from_full().context("receive from netlink")?;
            let reply = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes)
                .context("read the kernel's answer")?;
            if reply.header.sequence_number != self.sequence {
                continue;
            }
            return match reply.payload {
                NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io().into()),
                NetlinkPayload::InnerMessage(inner) => Ok(Some(inner)),
                NetlinkPayload::Error(_)
                | NetlinkPayload::Done(_)
                | NetlinkPayload::Noop
                | NetlinkPayload::Overrun(_)
                | _ => Ok(None),
            };
        }
    }
}
